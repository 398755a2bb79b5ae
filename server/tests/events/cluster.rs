//! Two nodes on one Redis: events reach who is in the room, wherever that is, and a Redis that goes away holds up nobody.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use syncline_testkit::{Client, Token, call, within};
use tokio::sync::{oneshot, watch};

use crate::{
    redis_server::RedisServer,
    support::{Probed, n, output, start},
};

/// A node that has reached its Redis.
async fn node(redis: &RedisServer) -> Probed {
    let node = start(&[("REDIS_URL", redis.url().as_str()), ("ALLOW_ALL", "true")]);
    ready(&node, true).await;
    node
}

async fn nodes(redis: &RedisServer) -> [Probed; 2] {
    [node(redis).await, node(redis).await]
}

/// Waits until the node says that it is ready, or that it is not.
async fn ready(node: &Probed, wanted: bool) {
    within("what /readyz says", async {
        while call(node.address(), "GET", "/readyz", &[], "").await.json()["ready"] != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

fn request(name: &str, number: usize, room: &str) -> Value {
    json!({ "name": name, "version": "v1", "data": n(number), "receiver": room })
}

/// The numbers of the events that a client got so far, and of those until it has got that one.
async fn until(client: &Client, last: usize) -> Vec<usize> {
    let mut seen = Vec::new();
    while seen.last() != Some(&last) {
        seen.push(number(&client.event("sync").await));
    }
    seen
}

fn number(event: &Value) -> usize {
    event["serverOutput"]["n"].as_u64().expect("a number") as usize
}

#[tokio::test]
async fn an_event_reaches_the_rooms_members_on_the_other_node_and_nobody_else() {
    let redis = RedisServer::start();
    let [one, other] = nodes(&redis).await;
    let sender = one.user_in("sender", "a").await;
    let (member, stranger) = (other.user_in("member", "a").await, other.user_in("stranger", "b").await);
    let (skips, panics) = (other.user_in("skips", "a").await, other.user_in("panics", "a").await);
    output(&sender.sync("probe/picky", n(1), "a").await);
    // Each stage sees the session of its own recipient, wherever that is.
    assert_eq!(member.event("sync").await["clientOutput"]["you"], "member");
    assert_eq!(sender.event("sync").await["clientOutput"]["you"], "sender");
    assert_eq!(panics.event("sync").await["errorCode"], "sync.internal");
    // Afterwards, and the other way.
    for client in [&stranger, &skips] {
        client.join("c").await;
    }
    let another = one.user_in("another", "c").await;
    another.sync("probe/echo", n(2), "c").await;
    for client in [&stranger, &skips] {
        assert_eq!(number(&client.event("sync").await), 2, "and nothing before it");
    }
    output(&member.sync("probe/echo", n(3), "a").await);
    assert_eq!(number(&sender.event("sync").await), 3);
    assert_eq!(number(&member.event("sync").await), 3);
    // Who has left gets nothing more, also if nobody else is there who would be.
    let alone = other.user_in("alone", "d").await;
    alone.ask("leaveRoom", json!({ "room": "d" })).await;
    let publisher = one.user_in("publisher", "d").await;
    output(&publisher.sync("probe/echo", n(4), "d").await);
    // It has left its node once a later one has arrived; until then whoever comes may get it.
    output(&another.sync("probe/echo", n(5), "c").await);
    assert_eq!(number(&stranger.event("sync").await), 5);
    alone.join("d").await;
    output(&publisher.sync("probe/echo", n(6), "d").await);
    assert_eq!(number(&alone.event("sync").await), 6);
}

#[tokio::test]
async fn an_audience_runs_on_each_node_that_has_some_of_it() {
    let redis = RedisServer::start();
    let [one, other] = nodes(&redis).await;
    let sender = one.user_in("sender", "a").await;
    let mut all = Vec::new();
    for (name, locale) in [("a", "nl"), ("b", "nl"), ("c", "ja"), ("d", "skip")] {
        let client = other
            .client(syncline_testkit::Handshake::token(Token::of(name).with("locale", locale).sign()))
            .await;
        client.join("a").await;
        all.push((client, locale));
    }
    output(&sender.sync("probe/byLocale", n(1), "a").await);
    for (client, locale) in &all[..3] {
        assert_eq!(client.event("sync").await["clientOutput"]["audience"], *locale);
    }
    output(&sender.sync("probe/echo", n(2), "a").await);
    assert_eq!(number(&all[3].0.event("sync").await), 2, "it was skipped");
}

#[tokio::test]
async fn who_ignores_itself_is_left_out_on_both_nodes() {
    let redis = RedisServer::start();
    let [one, other] = nodes(&redis).await;
    // One user on both nodes, and twice on one.
    let (caller, tab) = (one.user_in("ada", "a").await, one.user_in("ada", "a").await);
    let (elsewhere, somebody) = (other.user_in("ada", "a").await, other.user_in("bob", "a").await);
    let mut ignoring = request("probe/echo", 1, "a");
    ignoring["ignoreSelf"] = true.into();
    output(&caller.ask("sync", ignoring).await);
    let token = Token::of("ada").sign();
    let body = json!({ "data": n(2), "receiver": "a", "ignoreSelf": true });
    assert_eq!(one.post("probe/echo/v1", Some(&token), body).await.status, 200);
    // From the same node, so that it is everywhere behind the others.
    output(&tab.sync("probe/echo", n(3), "a").await);
    assert_eq!(until(&caller, 3).await, [3], "the calling socket gets neither");
    assert_eq!(until(&tab, 3).await, [1, 3], "its other sockets get what the socket asked for");
    assert_eq!(until(&elsewhere, 3).await, [1, 3], "also on the other node");
    assert_eq!(until(&somebody, 3).await, [1, 2, 3]);
}

#[tokio::test]
async fn what_is_triggered_over_http_reaches_sockets_on_the_other_node_and_so_does_the_room_of_all() {
    let redis = RedisServer::start();
    let [one, other] = nodes(&redis).await;
    let member = other.user_in("member", "a room / ü").await;
    let token = Token::of("backend").with("scope", "sync:publish").sign();
    for number in 1..=3 {
        let body = json!({ "data": n(number), "receiver": "a room / ü" });
        assert_eq!(one.post("probe/echo/v1", Some(&token), body).await.status, 200);
    }
    assert_eq!(until(&member, 3).await, [1, 2, 3]);
    // Whoever is connected is in it. Its channel was asked for before that of the room which has been joined since.
    let body = json!({ "data": n(4), "receiver": "all" });
    assert_eq!(one.post("probe/echo/v1", Some(&token), body).await.status, 200);
    assert_eq!(until(&member, 4).await, [4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_of_one_socket_arrive_in_order_once_on_the_other_node() {
    let redis = RedisServer::start();
    let [one, other] = nodes(&redis).await;
    let sender = one.user_in("sender", "a").await;
    let receivers = [other.user_in("receiver", "a").await, one.user_in("neighbour", "a").await];
    // Others publish to the same room from the other node, and to another room from this one.
    let noise = [("a", &other), ("b", &one)].map(|(room, node)| {
        let token = Token::of("noise").with("scope", "sync:publish").sign();
        let (address, bearer) = (node.address(), format!("Bearer {token}"));
        tokio::spawn(async move {
            loop {
                let body = json!({ "data": {}, "receiver": room }).to_string();
                call(address, "POST", "/sync/probe/login/v1", &[("authorization", &bearer)], body).await;
            }
        })
    });
    let receiving = receivers.map(|receiver| {
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < 1000 {
                let event = receiver.event("sync").await;
                if event["name"] == "probe/echo" {
                    seen.push(number(&event));
                }
            }
            seen
        })
    });
    let mut in_flight = VecDeque::<oneshot::Receiver<Value>>::new();
    for number in 0..1000 {
        if in_flight.len() == 60 {
            output(&within("an answer", in_flight.pop_front().unwrap()).await.unwrap());
        }
        in_flight.push_back(sender.begin("sync", request("probe/echo", number, "a")).await);
    }
    for seen in receiving {
        assert_eq!(seen.await.unwrap(), (0..1000).collect::<Vec<usize>>());
    }
    noise.iter().for_each(tokio::task::JoinHandle::abort);
    for node in [&one, &other] {
        assert_eq!(node.metric("syncline_bus_missed_total").await, 0.0);
        assert_eq!(node.metric("syncline_bus_late_total").await, 0.0);
    }
    assert!(other.metric("syncline_bus_received_total").await >= 1000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_joined_gets_what_the_other_node_publishes_from_then_on() {
    let redis = RedisServer::start();
    let [one, other] = nodes(&redis).await;
    let (publisher, joiner) = (one.user("publisher").await, other.user("joiner").await);
    for number in 0..200 {
        let room = format!("room {number}");
        publisher.join(&room).await;
        joiner.join(&room).await;
        output(&publisher.sync("probe/echo", n(number), &room).await);
        let event = joiner.event("sync").await;
        assert_eq!((&event["room"], &event["serverOutput"]["n"]), (&json!(room), &json!(number)));
        // There and back again: its leaving may be under way when it joins the next time.
        joiner.ask("leaveRoom", json!({ "room": room })).await;
        joiner.join(&room).await;
        output(&publisher.sync("probe/echo", n(number), &room).await);
        assert_eq!(joiner.event("sync").await["room"], json!(room));
        for client in [&publisher, &joiner] {
            client.ask("leaveRoom", json!({ "room": room })).await;
        }
    }
    drop((publisher, joiner));
    within("no room is left", async {
        while redis.command(&["PUBSUB", "CHANNELS", "syncline:room:room*"]) != "*0\r\n" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Sends one event after the other until told to stop; how many, and how long the slowest answer took.
async fn send_on(
    client: Client,
    room: &'static str,
    until: watch::Receiver<bool>,
    sent: watch::Sender<usize>,
) -> (usize, Duration) {
    let (mut number, mut slowest) = (0, Duration::ZERO);
    while !*until.borrow() {
        let began = Instant::now();
        output(&client.ask("sync", request("probe/echo", number, room)).await);
        slowest = slowest.max(began.elapsed());
        number += 1;
        sent.send_replace(number);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (number, slowest)
}

/// Keeps the numbers of all events that a client gets.
fn receive_on(client: Client) -> (watch::Receiver<Vec<usize>>, tokio::task::JoinHandle<()>) {
    let (seen, seeing) = watch::channel(Vec::new());
    let task = tokio::spawn(async move {
        loop {
            let number = number(&client.event("sync").await);
            seen.send_modify(|seen| seen.push(number));
        }
    });
    (seeing, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_was_killed_under_load_costs_the_other_node_what_it_missed_and_nobody_else_anything() {
    let mut redis = RedisServer::start();
    let [one, other] = nodes(&redis).await;
    let (mut local, local_task) = receive_on(one.user_in("local", "a").await);
    let (mut remote, remote_task) = receive_on(other.user_in("remote", "a").await);
    let (stop, until) = watch::channel(false);
    let (sending, mut sent) = watch::channel(0);
    let sender = tokio::spawn(send_on(one.user_in("sender", "a").await, "a", until, sending));
    for _ in 0..3 {
        within("events everywhere", remote.wait_for(|seen| seen.len() > 50)).await.unwrap();
        redis.kill();
        let at = *sent.borrow();
        // While it is away everything goes on here.
        within("answers", sent.wait_for(|sent| *sent > at + 200)).await.unwrap();
        within("local events", local.wait_for(|seen| seen.last() > Some(&(at + 200)))).await.unwrap();
        redis.restart();
        let (began, at) = (Instant::now(), *sent.borrow());
        within("the other node hears again", remote.wait_for(|seen| seen.last() > Some(&at))).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    stop.send_replace(true);
    let (count, slowest) = sender.await.unwrap();
    assert!(slowest < Duration::from_millis(500), "an answer took {slowest:?}");
    within("the last event", local.wait_for(|seen| seen.len() == count)).await.unwrap();
    within("the last event", remote.wait_for(|seen| seen.last() == Some(&(count - 1)))).await.unwrap();
    assert_eq!(*local.borrow(), (0..count).collect::<Vec<usize>>(), "here nothing is missing");
    let seen = remote.borrow().clone();
    assert!(seen.is_sorted_by(|one, next| one < next), "nothing is doubled or out of order");
    assert!(seen.len() < count, "what was published while Redis was away is missing there");
    let missed = other.metric("syncline_bus_missed_total").await;
    assert_eq!(missed as usize, count - seen.len(), "and is counted");
    assert_eq!(other.metric("syncline_bus_gaps_total").await, 3.0);
    assert!(one.metric("syncline_bus_failures_total").await > 0.0);
    local_task.abort();
    remote_task.abort();
}

#[tokio::test]
async fn a_redis_that_hangs_holds_up_no_answer_and_a_join_not_for_long() {
    let redis = RedisServer::start();
    let [one, _other] = nodes(&redis).await;
    let client = one.user_in("ada", "a").await;
    redis.hang(true);
    for number in 0..100 {
        let began = Instant::now();
        output(&client.sync("probe/echo", n(number), "a").await);
        assert_eq!(self::number(&client.event("sync").await), number);
        assert!(began.elapsed() < Duration::from_secs(1), "{number}: {:?}", began.elapsed());
    }
    let began = Instant::now();
    client.join("b").await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    ready(&one, false).await;
    let began = Instant::now();
    client.join("c").await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    redis.hang(false);
    ready(&one, true).await;
}

#[tokio::test]
async fn when_one_node_stops_the_other_goes_on() {
    let redis = RedisServer::start();
    let [one, other] = nodes(&redis).await;
    let (leaving, staying) = (one.user_in("leaving", "a").await, other.user_in("staying", "a").await);
    output(&leaving.sync("probe/echo", n(1), "a").await);
    assert_eq!(until(&staying, 1).await, [1]);
    one.server.stop().await;
    leaving.closed().await;
    output(&staying.sync("probe/echo", n(2), "a").await);
    assert_eq!(until(&staying, 2).await, [2]);
    // Another one in its place begins its numbers anew.
    let third = node(&redis).await;
    let back = third.user_in("leaving", "a").await;
    output(&back.sync("probe/echo", n(3), "a").await);
    assert_eq!(until(&staying, 3).await, [3]);
    assert_eq!(until(&back, 3).await, [3]);
}

#[tokio::test]
async fn what_others_on_that_redis_publish_harms_nobody() {
    let redis = RedisServer::start();
    let [one, other] = nodes(&redis).await;
    let (sender, member) = (one.user_in("sender", "a").await, other.user_in("member", "a").await);
    for nonsense in ["x", "{}", "\"\\x01\\x99\\x01\""] {
        assert_eq!(redis.command(&["PUBLISH", "syncline:room:a", nonsense]), ":2\r\n", "both nodes hear it");
    }
    output(&sender.sync("probe/echo", n(1), "a").await);
    assert_eq!(until(&member, 1).await, [1]);
    assert_eq!(other.metric("syncline_bus_malformed_total").await, 3.0);
}
