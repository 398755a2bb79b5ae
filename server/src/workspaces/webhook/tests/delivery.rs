//! What a receiver that works is told.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{body::Body, response::Response};
use futures_util::StreamExt as _;

use super::{
    super::{Parts, schedule::Bounds},
    support::{
        Answer, Receiver, World, always, connected, disconnected, put, status, tell, update, workspace,
    },
};

#[tokio::test]
async fn a_message_is_signed_and_says_what_happened() {
    let receiver = Receiver::new(always(204)).await;
    let world = World::at(&receiver);
    let webhooks = world.started();
    tell(&webhooks, "w", update("ada", "a")).await;
    let told = receiver.told().await;
    assert_eq!(told.uri, "/hook?for=tests");
    assert_eq!(told.headers["content-type"], "application/json");
    assert!(told.headers["user-agent"].to_str().unwrap().starts_with("Syncline/"));
    assert!(told.id.starts_with("msg_"));
    assert_eq!(told.body["timestamp"], "2026-01-21T20:00:00.000Z");
    assert_eq!((told.kind(), told.workspace(), told.keys()), ("doc.updated", "w", vec!["a"]));
    assert_eq!(told.body["data"]["heads"][0], "after a");
    world.until_empty().await;
    assert_eq!((world.count("success"), world.count("failure")), (1, 0));
    receiver.nothing_else().await;
}

#[tokio::test]
async fn updates_that_wait_become_one_and_who_comes_and_goes_keeps_their_place() {
    let receiver = Receiver::new(always(200)).await;
    let world = World::at(&receiver);
    let webhooks = world.webhooks();
    for event in [
        update("ada", "a"),
        update("bob", "b"),
        connected("cyd"),
        connected("dan"),
        update("cyd", "c"),
        disconnected("cyd"),
        update("ada", "d"),
        update("ada", "e"),
        update("ada", "d"),
    ] {
        put(&webhooks, "w", event).await;
    }
    webhooks.start();
    let told = receiver.all(6).await;
    let kinds: Vec<(&str, Vec<&str>)> = told.iter().map(|told| (told.kind(), told.keys())).collect();
    assert_eq!(
        kinds,
        [
            ("doc.updated", vec!["a", "b"]),
            ("client.connected", vec![]),
            ("client.connected", vec![]),
            ("doc.updated", vec!["c"]),
            ("client.disconnected", vec![]),
            ("doc.updated", vec!["d", "e"]),
        ]
    );
    assert_eq!(told[2].body["data"]["user_id"], "dan");
    assert_eq!(told[2].body["data"]["session_id"], "s1");
    assert_eq!(told[5].body["data"]["updates"], 3);
    world.until_empty().await;
    receiver.nothing_else().await;
}

#[tokio::test]
async fn what_is_told_in_the_background_keeps_its_place() {
    let receiver = Receiver::new(always(200)).await;
    let world = World::at(&receiver);
    let webhooks = world.started();
    world.journal.hold();
    webhooks.tell(&workspace("w"), connected("ada"));
    let change = tokio::spawn({
        let write = webhooks.outbox.write(webhooks.entry(&workspace("w"), update("ada", "a")));
        async move { write.await.unwrap() }
    });
    webhooks.tell(&workspace("w"), disconnected("ada"));
    assert_eq!(world.journal.held(), 3);
    world.journal.release();
    change.await.unwrap();
    webhooks.notify(&workspace("w"));
    let told = receiver.all(3).await;
    let kinds: Vec<&str> = told.iter().map(|told| told.kind()).collect();
    assert_eq!(kinds, ["client.connected", "doc.updated", "client.disconnected"]);
}

#[tokio::test]
async fn only_so_many_are_told_at_a_time_and_of_each_workspace_one() {
    let answers = Arc::new(|_: &_, _| {
        Answer::After(Duration::from_millis(3), Response::builder().body(Body::empty()).unwrap())
    });
    let receiver = Receiver::new(answers).await;
    let world = World::at(&receiver);
    let default = Parts::default();
    let bounds = Bounds { at_a_time: 3, ..default.bounds };
    *world.parts.lock().unwrap() = Some(Parts { bounds, ..default });
    let webhooks = world.webhooks();
    for number in 0..12 {
        put(&webhooks, &format!("w{number}"), update("ada", "a")).await;
    }
    webhooks.start();
    receiver.all(12).await;
    assert_eq!(receiver.most_at_once.load(Ordering::SeqCst), 3);
    world.until_empty().await;

    receiver.most_at_once.store(0, Ordering::SeqCst);
    for _ in 0..10 {
        tell(&webhooks, "w", connected("ada")).await;
    }
    receiver.all(10).await;
    assert_eq!(receiver.most_at_once.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn however_many_wait_all_are_told() {
    let receiver = Receiver::new(always(200)).await;
    let world = World::at(&receiver);
    let default = Parts::default();
    let bounds = Bounds { places: 6, page: 3, ..default.bounds };
    *world.parts.lock().unwrap() = Some(Parts { bounds, ..default });
    let webhooks = world.webhooks();
    for number in 0..50 {
        put(&webhooks, &format!("w{number:02}"), update("ada", "a")).await;
    }
    webhooks.start();
    let mut told: Vec<String> =
        receiver.all(50).await.iter().map(|told| told.workspace().to_owned()).collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 50);
    world.until_empty().await;
    // These find no place, as nobody yields in between.
    for number in 0..50 {
        tell(&webhooks, &format!("w{number:02}"), update("ada", "b")).await;
    }
    receiver.all(50).await;
    world.until_empty().await;
    receiver.nothing_else().await;
}

#[tokio::test]
async fn one_workspace_that_cannot_be_told_holds_up_no_other() {
    let receiver =
        Receiver::new(Arc::new(|told, _| status(if told.workspace() == "bad" { 500 } else { 200 }))).await;
    let world = World::at(&receiver);
    let webhooks = world.started();
    tell(&webhooks, "bad", update("ada", "a")).await;
    assert_eq!(receiver.told().await.workspace(), "bad");
    for number in 0..5 {
        tell(&webhooks, "good", update("ada", &number.to_string())).await;
    }
    let keys = async {
        let mut keys = Vec::new();
        while keys.len() < 5 {
            let told = receiver.told().await;
            if told.workspace() == "good" {
                keys.extend(told.keys().iter().map(ToString::to_string));
            }
        }
        keys
    };
    assert_eq!(keys.await, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn an_answer_is_its_status_however_slow_or_long_its_body_is() {
    let receiver = Receiver::new(Arc::new(|_, number| {
        let drop = || Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024]);
        let body = match number {
            // One that never comes, and one that never ends.
            0 => Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>()),
            1 => Body::from_stream(futures_util::stream::repeat_with(drop).boxed()),
            _ => Body::empty(),
        };
        Answer::Now(Response::new(body))
    }))
    .await;
    let world = World::at(&receiver);
    let webhooks = world.started();
    for key in ["a", "b", "c"] {
        tell(&webhooks, "w", update("ada", key)).await;
        assert_eq!(receiver.told().await.keys(), [key]);
        world.until_empty().await;
    }
    assert_eq!((world.count("success"), world.count("failure")), (3, 0));
}

#[tokio::test]
async fn a_stop_tells_what_was_still_gathered() {
    let receiver = Receiver::new(always(200)).await;
    let mut world = World::at(&receiver);
    world.pace.gather = Duration::from_secs(3600);
    let webhooks = world.started();
    webhooks.tell(&workspace("w"), connected("ada"));
    for key in ["a", "b", "c"] {
        tell(&webhooks, "w", update("ada", key)).await;
    }
    tell(&webhooks, "v", update("ada", "a")).await;
    webhooks.stop(Duration::from_secs(20)).await;
    world.until_empty().await;
    let told = receiver.all(3).await;
    let of = |id: &str| told.iter().filter(|told| told.workspace() == id).collect::<Vec<_>>();
    assert_eq!(
        of("w").iter().map(|told| told.kind()).collect::<Vec<_>>(),
        ["client.connected", "doc.updated"]
    );
    assert_eq!((of("w")[1].keys(), of("v")[0].keys()), (vec!["a", "b", "c"], vec!["a"]));
}
