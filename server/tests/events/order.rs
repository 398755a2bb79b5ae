//! Order: per socket, per room, under load, and for those who give it up.

use serde_json::{Value, json};
use syncline_testkit::within;
use tokio::sync::oneshot;

use crate::support::{code, n, output, start};

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_events_arrive_in_order_once_under_load() {
    let server = start(&[]);
    let sender = server.user_in("sender", "a").await;
    let receiver = server.user_in("receiver", "a").await;
    // Others keep the pipeline busy in the same room and in another, with pending client stages among them.
    let mut noise = Vec::new();
    for room in ["a", "b"] {
        for number in 0..3 {
            let client = server.user_in(&format!("noise{number}"), room).await;
            noise.push(tokio::spawn(async move {
                loop {
                    client.sync("probe/picky", n(0), room).await;
                }
            }));
        }
    }
    let _pending_recipient = server.user_in("hangs", "a").await;

    let receiving = tokio::spawn(async move {
        let mut seen = Vec::new();
        while seen.len() < 5000 {
            let event = receiver.event("sync").await;
            if event["name"] == "probe/echo" {
                seen.push(event["serverOutput"]["n"].as_u64().unwrap());
            }
        }
        (receiver, seen)
    });
    // As many in flight as the inbox holds.
    let mut in_flight = std::collections::VecDeque::<oneshot::Receiver<Value>>::new();
    for number in 0..5000_u64 {
        if in_flight.len() == 60 {
            let answer = within("an answer", in_flight.pop_front().unwrap()).await.unwrap();
            output(&answer);
        }
        let request =
            json!({ "name": "probe/echo", "version": "v1", "data": { "n": number }, "receiver": "a" });
        in_flight.push_back(sender.begin("sync", request).await);
    }
    let (receiver, seen) = receiving.await.unwrap();
    assert_eq!(seen, (0..5000).collect::<Vec<u64>>());
    assert_eq!(output(&receiver.sync("probe/echo", n(1), "a").await)["n"], 1);
    for task in noise {
        task.abort();
    }
}

#[tokio::test]
async fn one_sockets_requests_wait_for_each_other_and_anothers_do_not() {
    let server = start(&[]);
    let (slow, quick) = (server.user_in("slow-caller", "a").await, server.user_in("quick", "a").await);
    let waiting = slow
        .begin("sync", json!({ "name": "probe/waits", "version": "v1", "data": {}, "receiver": "a" }))
        .await;
    let behind = slow.begin("getJoinedRooms", json!({})).await;
    output(&quick.sync("probe/echo", n(1), "a").await);
    let mut behind = behind;
    assert!(behind.try_recv().is_err(), "the second request waits for the first");
    server.app.gate.add_permits(1);
    output(&within("the first", waiting).await.unwrap());
    assert_eq!(within("the second", behind).await.unwrap()["rooms"], json!(["a"]));
}

#[tokio::test]
async fn a_concurrent_handler_gives_up_the_order() {
    let server = start(&[]);
    let client = server.user_in("ada", "a").await;
    let waiting = client
        .begin("sync", json!({ "name": "probe/beside", "version": "v1", "data": {}, "receiver": "a" }))
        .await;
    output(&client.sync("probe/echo", n(1), "a").await);
    server.app.gate.add_permits(1);
    output(&within("the concurrent one", waiting).await.unwrap());
}

#[tokio::test]
async fn a_full_inbox_answers_each_event_exactly_once() {
    let server = start(&[("INBOX_EVENTS", "8")]);
    let client = server.user_in("ada", "a").await;
    let request = json!({ "name": "probe/waits", "version": "v1", "data": {}, "receiver": "a" });
    let mut asked = Vec::new();
    for _ in 0..30 {
        asked.push(client.begin("sync", request.clone()).await);
    }
    // Answered while the gate is shut, so these are the refused ones.
    let last = within("a refusal", asked.pop().unwrap()).await.unwrap();
    assert_eq!(code(&last), "sync.inboxFull");
    server.app.gate.add_permits(30);
    let (mut served, mut refused) = (0, 1);
    for answer in asked {
        let answer = within("an answer", answer).await.unwrap();
        if answer["status"] == "success" {
            served += 1;
        } else {
            assert_eq!(code(&answer), "sync.inboxFull");
            refused += 1;
        }
    }
    assert_eq!(served + refused, 30);
    // Eight wait; one more where the first had left the inbox before the ninth came.
    assert!((8..=9).contains(&served), "{served}");
}

#[tokio::test]
async fn events_of_a_slow_recipient_stay_in_order() {
    let server = start(&[]);
    let sender = server.user_in("sender", "a").await;
    let slow = server.user_in("slow", "a").await;
    for number in 0..20 {
        output(&sender.sync("probe/picky", n(number), "a").await);
        // Has no client stage, and waits behind the others all the same.
        output(&sender.sync("probe/echo", n(number), "a").await);
    }
    server.app.gate.add_permits(20);
    for number in 0..20 {
        for name in ["probe/picky", "probe/echo"] {
            let event = slow.event("sync").await;
            assert_eq!(
                (event["name"].as_str(), event["serverOutput"]["n"].as_u64()),
                (Some(name), Some(number))
            );
        }
    }
}
