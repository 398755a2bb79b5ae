//! A graceful stop.

use std::{sync::atomic::Ordering, time::Instant};

use serde_json::json;
use syncline_testkit::within;

use crate::support::{code, output, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_is_under_way_and_closes_every_socket() {
    let server = start(&[]);
    let mut clients = Vec::new();
    for number in 0..50 {
        clients.push(server.user_in(&format!("user{number}"), "a").await);
    }
    let waiting = clients[0]
        .begin("sync", json!({ "name": "probe/waits", "version": "v1", "data": {}, "receiver": "a" }))
        .await;
    let app = std::sync::Arc::clone(&server.app);
    within("the handler to run", async {
        while app.at_gate.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (address, began) = (server.address(), Instant::now());
    let stopping = tokio::spawn(server.server.stop());
    // What comes after the stop began is refused; until it began it is served.
    loop {
        let answer = clients[1].sync("probe/echo", json!({}), "a").await;
        if answer["status"] == "error" {
            assert_eq!((code(&answer), &answer["httpStatus"]), ("server.shuttingDown", &json!(503)));
            break;
        }
    }
    // Nothing new is accepted, once the listener has heard of it, while a request is still under way.
    within("a refusal", async { while tokio::net::TcpStream::connect(address).await.is_ok() {} }).await;
    app.gate.add_permits(1);
    output(&within("the request under way", waiting).await.unwrap());
    for client in &clients {
        client.closed().await;
    }
    within("the end", stopping).await.unwrap();
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
