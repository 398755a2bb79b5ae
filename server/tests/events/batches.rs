//! Several events in one packet, for clients that take them so: the same events, in the same order, to the same people.

use std::collections::VecDeque;

use serde_json::{Value, json};
use syncline_testkit::{Client, Handshake, Token, within};
use tokio::sync::oneshot;

use crate::support::{Probed, n, output, start};

/// Below what an inbox holds.
const IN_FLIGHT: usize = 60;

/// Connects a user who takes batches, and joins a room.
async fn batching(server: &Probed, name: &str, room: &str) -> Client {
    let auth = json!({ "token": Token::of(name).sign(), "batch": true });
    let client = server.client(Handshake { auth: Some(auth), ..Handshake::default() }).await;
    client.join(room).await;
    client
}

fn request(name: &str, data: Value) -> Value {
    json!({ "name": name, "version": "v1", "data": data, "receiver": "a" })
}

/// Sends them all with as many in flight as may be, so that they wait behind each other.
async fn send(sender: &Client, requests: impl IntoIterator<Item = Value>) {
    let mut in_flight = VecDeque::<oneshot::Receiver<Value>>::new();
    for request in requests {
        if in_flight.len() == IN_FLIGHT {
            output(&within("an answer", in_flight.pop_front().expect("some")).await.expect("an answer"));
        }
        in_flight.push_back(sender.begin("sync", request).await);
    }
    for answer in in_flight {
        output(&within("an answer", answer).await.expect("an answer"));
    }
}

/// What of an event is the same for everybody: its name, its number, and whether it is an error.
fn seen(event: &Value) -> (String, Option<u64>, Option<String>) {
    let text = |key: &str| event[key].as_str().map(ToOwned::to_owned);
    (text("name").expect("a name"), event["serverOutput"]["n"].as_u64(), text("errorCode"))
}

#[tokio::test]
async fn batches_bring_the_same_events_in_the_same_order_to_whoever_takes_them() {
    let server = start(&[]);
    let sender = server.user_in("sender", "a").await;
    let (stock, own) = (server.user_in("ada", "a").await, batching(&server, "ada", "a").await);
    let fails = batching(&server, "fails", "a").await;
    let skips = batching(&server, "skips", "a").await;
    let mut sent = 0;
    within("a batch", async {
        while own.most_together() < 3 {
            let round = (sent..sent + 50).flat_map(|number| {
                ["probe/echo", "probe/picky", "probe/byLocale"].map(|name| request(name, n(number)))
            });
            send(&sender, round).await;
            sent += 50;
        }
    })
    .await;
    for number in 0..sent as u64 {
        for name in ["probe/echo", "probe/picky", "probe/byLocale"] {
            let event = own.event("sync").await;
            // The last has no server stage, and so no output of one.
            let number = (name != "probe/byLocale").then_some(number);
            assert_eq!(seen(&event), (name.to_owned(), number, None));
            assert_eq!(event, stock.event("sync").await, "word for word what a stock client gets");
            let expected = match name {
                "probe/picky" => (name.to_owned(), None, Some("probe.picky".to_owned())),
                _ => (name.to_owned(), number, None),
            };
            assert_eq!(seen(&fails.event("sync").await), expected, "an error is in its place");
            if name != "probe/picky" {
                assert_eq!(seen(&skips.event("sync").await), (name.to_owned(), number, None));
            }
        }
    }
    for client in [&stock, &own, &fails, &skips] {
        assert!(client.take("sync").is_none(), "each once");
    }
    assert_eq!(stock.most_together(), 1, "who did not ask for batches gets none");
    assert_eq!(
        server.metric(r#"syncline_deliveries_total{outcome="sent"}"#).await,
        (sent * (3 * 3 + 2 + 2)) as f64
    );
}

#[tokio::test]
async fn who_is_left_out_of_one_event_of_a_batch_gets_the_others() {
    let server = start(&[]);
    let sender = batching(&server, "sender", "a").await;
    let other = batching(&server, "other", "a").await;
    let mut sent = 0;
    within("a batch", async {
        while sender.most_together() < 3 {
            let round = (sent..sent + 100).map(|number| {
                let mut request = request("probe/echo", n(number));
                request["ignoreSelf"] = json!(number % 3 == 0);
                request
            });
            send(&sender, round).await;
            sent += 100;
        }
    })
    .await;
    for number in 0..sent {
        assert_eq!(other.event("sync").await["serverOutput"]["n"], number);
        if number % 3 != 0 {
            assert_eq!(sender.event("sync").await["serverOutput"]["n"], number);
        }
    }
    assert!(sender.take("sync").is_none());
}

#[tokio::test]
async fn what_waits_in_a_lane_stays_in_its_place() {
    let server = start(&[]);
    let sender = server.user_in("sender", "a").await;
    let (slow, quick) = (batching(&server, "slow", "a").await, batching(&server, "quick", "a").await);
    let requests = |from| {
        (from..from + 20)
            .flat_map(|number| ["probe/echo", "probe/picky"].map(|name| request(name, n(number))))
    };
    let mut sent = 0;
    within("a batch", async {
        while quick.most_together() < 3 {
            send(&sender, requests(sent)).await;
            sent += 20;
            server.app.gate.add_permits(20);
            for number in sent - 20..sent {
                for name in ["probe/echo", "probe/picky"] {
                    let event = slow.event("sync").await;
                    assert_eq!(seen(&event), (name.to_owned(), Some(number as u64), None));
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_packet_is_not_made_longer_than_its_bound() {
    let server = start(&[]);
    let sender = server.user_in("sender", "a").await;
    let own = batching(&server, "own", "a").await;
    // Five fit, and a sixth does not.
    send(&sender, (0..300).map(|_| request("probe/large", n(3000)))).await;
    for _ in 0..300 {
        own.event("sync").await;
    }
    assert!(own.most_together() <= 5, "{}", own.most_together());
    send(&sender, (0..20).map(|_| request("probe/large", n(40_000)))).await;
    for _ in 0..20 {
        assert_eq!(own.event("sync").await["serverOutput"]["n"], 40_000);
    }
}
