//! Rooms of four and more, where an event that is the same for all is queued in one go: nobody sees a difference.

use std::collections::VecDeque;

use serde_json::{Value, json};
use syncline_testkit::{Client, Handshake, Token, within};

use crate::support::{Probed, n, output, start};

async fn crowd(server: &Probed, room: &str, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for number in 0..count {
        clients.push(server.user_in(&format!("user{number}"), room).await);
    }
    clients
}

/// Each of these has heard nothing but these numbers, in this order.
async fn hear(clients: impl IntoIterator<Item = &Client>, numbers: &[usize]) {
    for client in clients {
        for number in numbers {
            assert_eq!(client.event("sync").await["serverOutput"]["n"], *number);
        }
        assert!(client.take("sync").is_none());
    }
}

async fn speaker(server: &Probed, user: &str, locale: &str, batch: bool) -> Client {
    let token = Token::of(user).with("locale", locale).sign();
    let auth = json!({ "token": token, "batch": batch });
    let client = server.client(Handshake { auth: Some(auth), ..Handshake::default() }).await;
    client.join("a").await;
    client
}

#[tokio::test]
async fn everybody_in_the_room_gets_it_word_for_word_and_who_is_left_out_does_not() {
    let server = start(&[]);
    let room = crowd(&server, "a", 6).await;
    let tab = server.user_in("user0", "a").await;
    let outside = server.user_in("eve", "b").await;
    output(&room[0].sync("probe/echo", json!({ "n": 1, "text": "\"é\"" }), "a").await);
    let expected = json!({
        "name": "probe/echo", "version": "v1", "room": "a", "status": "success",
        "serverOutput": { "n": 1, "text": "\"é\"" }, "clientOutput": {}
    });
    for client in room.iter().chain([&tab]) {
        assert_eq!(client.event("sync").await, expected);
    }
    // The calling socket alone, then all of the calling user's, then nobody.
    let request =
        json!({ "name": "probe/echo", "version": "v1", "data": n(2), "receiver": "a", "ignoreSelf": true });
    output(&room[0].ask("sync", request).await);
    let token = Token::of("user0").sign();
    let body = json!({ "data": n(3), "receiver": "a", "ignoreSelf": true });
    assert_eq!(server.post("probe/echo/v1", Some(&token), body).await.status, 200);
    output(&room[1].sync("probe/echo", n(4), "a").await);
    hear(&room[1..], &[2, 3, 4]).await;
    hear([&tab], &[2, 4]).await;
    hear([&room[0]], &[4]).await;
    assert_eq!(server.metric(r#"syncline_deliveries_total{outcome="sent"}"#).await, (7 + 6 + 5 + 7) as f64);
    output(&outside.sync("probe/echo", n(9), "b").await);
    hear([&outside], &[9]).await;
}

#[tokio::test]
async fn whoever_comes_and_goes_between_events_gets_those_of_its_time() {
    let server = start(&[]);
    let room = crowd(&server, "a", 5).await;
    let guest = server.user_in("guest", "b").await;
    let send = async |number| output(&room[0].sync("probe/echo", n(number), "a").await).clone();
    send(1).await;
    guest.join("a").await;
    send(2).await;
    guest.ask("leaveRoom", json!({ "room": "a" })).await;
    send(3).await;
    guest.join("a").await;
    send(4).await;
    // A socket that goes without a word, and comes back as another.
    guest.close().await;
    within("it to be gone", async { while server.metric("syncline_sockets").await != 5.0 {} }).await;
    send(5).await;
    let back = server.user_in("guest", "a").await;
    send(6).await;
    hear(&room, &[1, 2, 3, 4, 5, 6]).await;
    hear([&guest], &[2, 4]).await;
    hear([&back], &[6]).await;
    // Nearly all go: too few for one go. Then they come back.
    for client in &room[2..] {
        client.ask("leaveRoom", json!({ "room": "a" })).await;
    }
    send(7).await;
    for client in &room[2..] {
        client.join("a").await;
    }
    send(8).await;
    hear(&room[..2], &[7, 8]).await;
    hear(&room[2..], &[8]).await;
    hear([&back], &[7, 8]).await;
}

#[tokio::test]
async fn a_member_of_two_rooms_gets_the_events_of_those_it_is_in() {
    let server = start(&[]);
    let (a, b) = (crowd(&server, "a", 4).await, crowd(&server, "b", 4).await);
    let both = server.user_in("both", "a").await;
    both.join("b").await;
    let send = async |number| {
        output(&a[0].sync("probe/echo", n(number), "a").await);
        output(&b[0].sync("probe/echo", n(number + 1), "b").await);
    };
    send(1).await;
    both.ask("leaveRoom", json!({ "room": "a" })).await;
    send(3).await;
    both.join("a").await;
    both.ask("leaveRoom", json!({ "room": "b" })).await;
    send(5).await;
    hear([&both], &[1, 2, 4, 5]).await;
    hear(&a, &[1, 3, 5]).await;
    hear(&b, &[2, 4, 6]).await;
}

#[tokio::test]
async fn whoever_changes_its_session_moves_to_another_audience() {
    let server = start(&[]);
    let mut room = Vec::new();
    for number in 0..10 {
        let locale = if number < 5 { "en" } else { "nl" };
        room.push(speaker(&server, &format!("user{number}"), locale, false).await);
    }
    let heard = async |locales: [&str; 10]| {
        output(&room[0].sync("probe/byLocale", n(1), "a").await);
        for (client, locale) in room.iter().zip(locales) {
            assert_eq!(client.event("sync").await["clientOutput"]["audience"], locale);
        }
    };
    heard(["en", "en", "en", "en", "en", "nl", "nl", "nl", "nl", "nl"]).await;
    let fresh = Token::of("user4").with("locale", "nl").sign();
    assert_eq!(room[4].ask("refreshToken", json!({ "token": fresh })).await["status"], "success");
    heard(["en", "en", "en", "en", "nl", "nl", "nl", "nl", "nl", "nl"]).await;
    // Taken out of its audience, and put back into the same.
    let moved = room[9].ask("updateLocation", json!({ "pathName": "/examples" })).await;
    assert_eq!(moved["status"], "success");
    heard(["en", "en", "en", "en", "nl", "nl", "nl", "nl", "nl", "nl"]).await;
    let fresh = Token::of("user4").with("locale", "en").sign();
    assert_eq!(room[4].ask("refreshToken", json!({ "token": fresh })).await["status"], "success");
    heard(["en", "en", "en", "en", "en", "nl", "nl", "nl", "nl", "nl"]).await;
    for client in &room {
        assert!(client.take("sync").is_none());
    }
}

/// Who goes on in one of five ways in a client stage is an exception; the others get the same.
#[tokio::test]
async fn exceptions_get_their_own_in_its_place() {
    let server = start(&[]);
    let mut room = Vec::new();
    for _ in 0..20 {
        // Two sockets of one user: the stage says the same to them.
        room.push(server.user_in("same", "a").await);
    }
    let (fails, skips) = (server.user_in("fails", "a").await, server.user_in("skips", "a").await);
    let slow = server.user_in("slow", "a").await;
    for number in 0..3 {
        output(&room[0].sync("probe/picky", n(2 * number), "a").await);
        output(&room[0].sync("probe/echo", n(2 * number + 1), "a").await);
    }
    server.app.gate.add_permits(3);
    hear(&room, &[0, 1, 2, 3, 4, 5]).await;
    hear([&slow], &[0, 1, 2, 3, 4, 5]).await;
    hear([&skips], &[1, 3, 5]).await;
    for number in [1, 3, 5] {
        assert_eq!(fails.event("sync").await["errorCode"], "probe.picky");
        assert_eq!(fails.event("sync").await["serverOutput"]["n"], number);
    }
    assert_eq!(
        server.metric(r#"syncline_deliveries_total{outcome="sent"}"#).await,
        (6 * 20 + 6 + 3 + 3) as f64
    );
    // One who has something of its own ends it: all are sent to one by one.
    let other = server.user_in("other", "a").await;
    output(&room[0].sync("probe/picky", n(6), "a").await);
    assert_eq!(other.event("sync").await["clientOutput"]["you"], "other");
    for client in &room {
        assert_eq!(client.event("sync").await["clientOutput"]["you"], "same");
    }
}

/// With a backlog, of clients that take it together and others in one room.
async fn a_backlog_reaches(batching: usize, stock: usize, name: &str) {
    let server = start(&[]);
    let sender = server.user_in("sender", "a").await;
    let mut room = Vec::new();
    for number in 0..batching + stock {
        let locale = if number % 2 == 0 { "en" } else { "nl" };
        room.push(speaker(&server, "same", locale, number < batching).await);
    }
    let mut in_flight = VecDeque::new();
    for number in 0..1000 {
        if in_flight.len() == 60 {
            let answer: tokio::sync::oneshot::Receiver<Value> = in_flight.pop_front().expect("some");
            output(&within("an answer", answer).await.expect("an answer"));
        }
        let request = json!({
            "name": name, "version": "v1", "data": n(number), "receiver": "a", "ignoreSelf": true,
        });
        in_flight.push_back(sender.begin("sync", request).await);
    }
    for answer in in_flight {
        output(&within("an answer", answer).await.expect("an answer"));
    }
    for (at, client) in room.iter().enumerate() {
        for number in 0..1000 {
            let event = client.event("sync").await;
            if name == "probe/byLocale" {
                assert_eq!(event["clientOutput"]["audience"], if at % 2 == 0 { "en" } else { "nl" });
            } else {
                assert_eq!(event["serverOutput"]["n"], number);
            }
        }
        assert!(client.take("sync").is_none());
        assert!(at < batching || client.most_together() == 1);
    }
    let sent = server.metric(r#"syncline_deliveries_total{outcome="sent"}"#).await;
    assert_eq!(sent, (1000 * (batching + stock)) as f64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_reaches_those_who_take_it_together_and_those_who_do_not() {
    for (batching, stock) in [(8, 0), (0, 8), (7, 1), (1, 7), (4, 4)] {
        a_backlog_reaches(batching, stock, "probe/echo").await;
    }
    for (batching, stock) in [(16, 0), (14, 2), (8, 8)] {
        a_backlog_reaches(batching, stock, "probe/byLocale").await;
    }
    a_backlog_reaches(6, 6, "probe/picky").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_several_threads_each_is_sent_to_by_itself_and_gets_the_same() {
    let server = start(&[("SOCKET_THREADS", "3")]);
    let room = crowd(&server, "a", 6).await;
    for number in 0..50 {
        output(&room[0].sync("probe/echo", n(number), "a").await);
    }
    hear(&room, &(0..50).collect::<Vec<_>>()).await;
}
