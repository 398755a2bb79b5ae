//! Receivers that fail, hang, are away, or want no more: each update is told once they take it, or given up after a day.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use axum::{body::Body, response::Response};
use tokio::{net::TcpListener, time::Instant};

use super::support::{
    Answer, Answers, DAY, Receiver, World, always, connected, eventually, put, status, tell, update,
    workspace,
};

/// The first so many fail like this, the others are taken.
fn at_first(count: usize, fails: impl Fn() -> Answer + Send + Sync + 'static) -> Answers {
    Arc::new(move |_, number| if number < count { fails() } else { status(200) })
}

#[tokio::test]
async fn what_is_tried_again_stays_the_same() {
    let receiver = Receiver::new(at_first(3, || status(500))).await;
    let world = World::at(&receiver);
    let webhooks = world.webhooks();
    put(&webhooks, "w", update("ada", "a")).await;
    put(&webhooks, "w", update("bob", "b")).await;
    webhooks.start();
    let first = receiver.told().await;
    // These come while it is tried, and are not part of it.
    tell(&webhooks, "w", update("ada", "c")).await;
    tell(&webhooks, "w", update("ada", "d")).await;
    for again in receiver.all(3).await {
        assert_eq!((again.id, again.bytes), (first.id.clone(), first.bytes.clone()));
    }
    let next = receiver.told().await;
    assert_ne!(next.id, first.id);
    assert_eq!((first.keys(), next.keys()), (vec!["a", "b"], vec!["c", "d"]));
    world.until_empty().await;
    assert_eq!((world.count("success"), world.count("failure")), (2, 3));
}

#[tokio::test]
async fn a_receiver_that_is_away_is_told_when_it_is_back() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let world = World::new(&format!("http://{address}"));
    let webhooks = world.started();
    for key in ["a", "b"] {
        tell(&webhooks, "w", update("ada", key)).await;
        tell(&webhooks, "v", update("ada", key)).await;
    }
    eventually("it is tried", async || world.count("failure") > 5).await;
    let receiver = Receiver::at(address, always(200)).await;
    world.until_empty().await;
    let mut told = Vec::new();
    while told.len() < 4 {
        let message = receiver.told().await;
        told.extend(message.keys().iter().map(|key| format!("{} {key}", message.workspace())));
    }
    told.sort();
    assert_eq!(told, ["v a", "v b", "w a", "w b"]);
}

#[tokio::test]
async fn a_receiver_that_hangs_is_asked_again() {
    let receiver = Receiver::new(at_first(1, || Answer::Never)).await;
    let mut world = World::at(&receiver);
    world.pace.attempt = Duration::from_millis(100);
    let webhooks = world.started();
    tell(&webhooks, "w", update("ada", "a")).await;
    let (first, second) = (receiver.told().await, receiver.told().await);
    assert_eq!(first.id, second.id);
    world.until_empty().await;
    assert_eq!((world.count("success"), world.count("failure")), (1, 1));
}

#[tokio::test]
async fn redirects_are_failures() {
    let there = Receiver::new(always(200)).await;
    let to = format!("http://{}/", there.address);
    for code in [301, 302, 303, 307, 308] {
        let to = to.clone();
        let redirect = move || {
            let answer = Response::builder().status(code).header("location", &to);
            Answer::Now(answer.body(Body::empty()).unwrap())
        };
        let receiver = Receiver::new(at_first(1, redirect)).await;
        let world = World::at(&receiver);
        let webhooks = world.started();
        tell(&webhooks, "w", update("ada", "a")).await;
        receiver.all(2).await;
        world.until_empty().await;
        assert_eq!(world.count("failure"), 1, "{code}");
    }
    there.nothing_else().await;
}

/// Tells one update, which is answered like that; how long until it is tried again.
async fn pause_after(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Duration {
    let receiver = Receiver::new(at_first(1, answer)).await;
    let mut world = World::at(&receiver);
    world.pace.longest_pause = Duration::from_secs(3600);
    let webhooks = world.started();
    tell(&webhooks, "w", update("ada", "a")).await;
    eventually("it is tried", async || world.count("failure") == 1).await;
    let due = Mutex::new(None);
    eventually("it is tried again later", async || {
        *due.lock().unwrap() = webhooks.schedule().next_due();
        due.lock().unwrap().is_some()
    })
    .await;
    let due = due.lock().unwrap().expect("it is there");
    due.saturating_duration_since(Instant::now())
}

#[tokio::test]
async fn a_receiver_says_how_long_it_wants_to_be_left_alone() {
    let busy = |wish: &'static str| {
        move || {
            let answer = Response::builder().status(429).header("retry-after", wish);
            Answer::Now(answer.body(Body::empty()).unwrap())
        }
    };
    let close_to = |pause: Duration, seconds: u64| {
        assert!(pause <= Duration::from_secs(seconds), "{pause:?}");
        assert!(pause > Duration::from_secs(seconds - 60), "{pause:?}");
    };
    close_to(pause_after(busy("600")).await, 600);
    close_to(pause_after(busy("999999999")).await, 3600);
    let date = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(900));
    close_to(pause_after(busy(date.leak())).await, 900);
    close_to(pause_after(|| status(410)).await, 3600);
    assert!(pause_after(busy("soon")).await < Duration::from_secs(1));
}

#[tokio::test]
async fn what_waited_is_told_after_a_restart_by_the_same_name() {
    let receiver = Receiver::new(at_first(1, || status(503))).await;
    let mut world = World::at(&receiver);
    world.pace.first_pause = Duration::from_secs(3600);
    world.pace.longest_pause = Duration::from_secs(3600);
    let webhooks = world.webhooks();
    for event in [update("ada", "a"), update("ada", "b"), connected("ada")] {
        put(&webhooks, "w", event).await;
    }
    webhooks.start();
    let before = receiver.told().await;
    webhooks.stop(Duration::from_secs(20)).await;
    receiver.nothing_else().await;
    let _after = world.started();
    let told = receiver.all(2).await;
    assert_eq!((&told[0].id, &told[0].bytes), (&before.id, &before.bytes));
    assert_eq!(told[1].kind(), "client.connected");
    world.until_empty().await;
}

#[tokio::test]
async fn what_nobody_takes_for_a_day_is_given_up_and_counted() {
    let receiver =
        Receiver::new(Arc::new(|told, _| status(if told.keys() == ["b"] { 200 } else { 500 }))).await;
    let world = World::at(&receiver);
    let webhooks = world.started();
    tell(&webhooks, "w", update("ada", "a")).await;
    receiver.all(3).await;
    world.now.fetch_add(DAY - 1, Ordering::SeqCst);
    let tried = world.count("failure");
    eventually("it is tried on the last day", async || world.count("failure") > tried + 3).await;
    assert_eq!(world.count("expired"), 0);
    // What is new is not given up with what is old.
    tell(&webhooks, "w", update("ada", "b")).await;
    world.now.fetch_add(1, Ordering::SeqCst);
    world.until_empty().await;
    assert_eq!((world.count("expired"), world.count("success")), (1, 1));
}

#[tokio::test]
async fn what_got_old_while_nobody_ran_is_still_tried_once() {
    let receiver = Receiver::new(at_first(1, || status(500))).await;
    let world = World::at(&receiver);
    let before = world.webhooks();
    put(&before, "v", update("ada", "a")).await;
    put(&before, "w", update("ada", "a")).await;
    world.now.fetch_add(3 * DAY, Ordering::SeqCst);
    let _webhooks = world.started();
    receiver.all(2).await;
    world.until_empty().await;
    assert_eq!((world.count("expired"), world.count("success")), (1, 1));
}

#[tokio::test]
async fn a_busy_workspace_without_its_receiver_stays_small_and_keeps_all() {
    let receiver = Receiver::new(at_first(1, || status(500))).await;
    let mut world = World::at(&receiver);
    world.pace.first_pause = Duration::from_secs(3600);
    world.pace.longest_pause = Duration::from_secs(3600);
    let webhooks = world.started();
    tell(&webhooks, "w", update("ada", "tried")).await;
    receiver.told().await;
    eventually("it waits", async || world.count("failure") == 1).await;
    for round in 0..5 {
        for number in 0..1_000 {
            put(&webhooks, "w", update("ada", &(number % 20).to_string())).await;
            webhooks.notify(&workspace("w"));
        }
        eventually("it is tidied", async || world.contents("w").await.entries.len() < 100).await;
        assert_eq!(receiver.most_at_once.load(Ordering::SeqCst), 1, "round {round}");
    }
    receiver.nothing_else().await;
    webhooks.stop(Duration::from_secs(20)).await;
    let _after = world.started();
    let told = receiver.told().await;
    // It is a new message: nobody knows any more what was tried before.
    assert_eq!(told.keys().len(), 20 + 1);
    assert_eq!(told.body["data"]["updates"], 5_001);
    world.until_empty().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_receiver_that_hangs() {
    let receiver = Receiver::new(Arc::new(|_, _| Answer::Never)).await;
    let world = World::at(&receiver);
    let webhooks = world.started();
    tell(&webhooks, "w", update("ada", "a")).await;
    receiver.told().await;
    let stop = webhooks.stop(Duration::from_millis(50));
    tokio::time::timeout(Duration::from_secs(5), stop).await.expect("within its budget");
    assert_eq!(world.contents("w").await.entries.len(), 1, "it is on disk");
}

#[tokio::test]
async fn who_waits_for_a_receiver_that_was_away_is_told_soon_after_it_is_back() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut world = World::new(&format!("http://{address}"));
    world.pace.first_pause = Duration::from_secs(3600);
    world.pace.longest_pause = Duration::from_secs(3600);
    let webhooks = world.started();
    tell(&webhooks, "w", update("ada", "a")).await;
    eventually("it is tried", async || world.count("failure") == 1).await;
    let receiver = Receiver::at(address, always(200)).await;
    tell(&webhooks, "v", update("ada", "b")).await;
    let told = receiver.all(2).await;
    assert_eq!((told[0].workspace(), told[1].workspace()), ("v", "w"));
    world.until_empty().await;
}
