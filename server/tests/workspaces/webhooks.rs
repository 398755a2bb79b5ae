//! The webhook, by a receiver that checks every signature: each update is told once or more, never not at all, whatever
//! becomes of the receiver and of the server.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_lc_rs::hmac;
use axum::{Router, extract::State, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use syncline_testkit::{TestServer, within};

use crate::{
    folder::Folder,
    support::{Header, Ws, start},
};

const SECRET: &str = "c2VjcmV0IG9mIHRoZSB0ZXN0cywgbG9uZyBlbm91Z2g=";

/// A receiver that keeps what it is told.
#[derive(Clone, Default)]
struct Receiver {
    told: Arc<Mutex<Vec<Value>>>,
    is_away: Arc<AtomicBool>,
}

impl Receiver {
    async fn start(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/hook", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap().clone()
    }

    /// The keys of all updates so far.
    fn keys(&self) -> BTreeSet<String> {
        let told = self.told();
        let updates = told.iter().filter(|event| event["type"] == "doc.updated");
        updates
            .flat_map(|event| event["data"]["keys"].as_array().unwrap().clone())
            .map(|key| key.as_str().unwrap().to_owned())
            .collect()
    }

    async fn has(&self, what: &str, is_enough: impl Fn(&Self) -> bool) {
        within(what, async {
            while !is_enough(self) {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await;
    }
}

/// As Standard Webhooks has it: an HMAC of the id, the time and the body.
async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    if receiver.is_away.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let header = |name: &str| headers[name].to_str().unwrap();
    let signed = format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(SECRET).unwrap());
    let signature = header("webhook-signature").strip_prefix("v1,").unwrap();
    let is_ours = hmac::verify(&key, signed.as_bytes(), &STANDARD.decode(signature).unwrap()).is_ok();
    let event: Value = serde_json::from_str(&body).unwrap();
    receiver.told.lock().unwrap().push(if is_ours { event } else { json!({ "type": "forged" }) });
    StatusCode::NO_CONTENT
}

fn start_with(receiver: SocketAddr, more: &[Header<'_>]) -> TestServer {
    let url = format!("http://{receiver}/hook");
    let hook = [("WEBHOOK_URL", url.as_str()), ("WEBHOOK_SECRET", SECRET), ("WEBHOOK_ALLOW_PRIVATE", "true")];
    start(&[&hook, more].concat())
}

/// The source's scenario goes on: "And the webhook (if configured) receives a "doc.updated" event".
#[tokio::test]
async fn it_is_told_of_updates_and_of_who_comes_and_goes() {
    let receiver = Receiver::default();
    let server = start_with(receiver.start().await, &[]);
    let (mut ada, _) = Ws::join(server.address(), "workspace-123", "ada").await;
    let heads = ada.set_acked("1", "foo", "bar").await;
    receiver.has("the update", |receiver| receiver.keys().contains("foo")).await;
    drop(ada);
    let is_gone = |event: &Value| event["type"] == "client.disconnected";
    receiver.has("the end", |receiver| receiver.told().iter().any(is_gone)).await;
    let told = receiver.told();
    let kinds: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["client.connected", "doc.updated", "client.disconnected"]);
    for event in &told {
        let data = &event["data"];
        assert_eq!(
            (&data["workspace_id"], &data["user_id"]),
            (&json!("workspace-123"), &json!("ada")),
            "{event}"
        );
    }
    assert_eq!(told[1]["data"]["heads"], heads);
    assert_eq!(told[0]["data"]["session_id"], told[2]["data"]["session_id"]);
}

#[tokio::test]
async fn what_was_refused_is_not_told() {
    let receiver = Receiver::default();
    let server = start_with(receiver.start().await, &[]);
    let mut reader = Ws::connect(server.address(), "w", "bob", "read").await;
    reader.message().await;
    reader.set("1", "not this", 1).await;
    assert_eq!(reader.error().await.0, "permission_denied");
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    ada.set_acked("1", "this", 1).await;
    receiver.has("the update", |receiver| receiver.keys().contains("this")).await;
    assert_eq!(receiver.keys(), BTreeSet::from(["this".to_owned()]));
}

#[tokio::test]
async fn updates_in_quick_succession_are_one_message() {
    let receiver = Receiver::default();
    let server = start_with(receiver.start().await, &[]);
    let ((mut ada, _), (mut bob, _)) =
        (Ws::join(server.address(), "w", "ada").await, Ws::join(server.address(), "w", "bob").await);
    for number in 0..60 {
        ada.set(&number.to_string(), &format!("a{number}"), number).await;
        bob.set(&number.to_string(), &format!("b{number}"), number).await;
    }
    receiver.has("all updates", |receiver| receiver.keys().len() == 120).await;
    let told = receiver.told();
    let updates: Vec<_> = told.iter().filter(|event| event["type"] == "doc.updated").collect();
    assert!(updates.len() < 60, "{} messages of 120 updates", updates.len());
    let count: u64 = updates.iter().map(|event| event["data"]["updates"].as_u64().unwrap()).sum();
    assert_eq!(count, 120);
}

#[tokio::test]
async fn an_outage_and_a_restart_lose_no_update() {
    let receiver = Receiver::default();
    let address = receiver.start().await;
    let folder = Folder::new();
    let kept = [("DATA_DIR", folder.path())];
    let server = start_with(address, &kept);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    ada.set_acked("0", "before", 0).await;
    receiver.has("the first update", |receiver| receiver.keys().contains("before")).await;
    receiver.is_away.store(true, Ordering::SeqCst);
    let mut all = BTreeSet::from(["before".to_owned()]);
    for number in 0..20 {
        ada.set_acked(&format!("a{number}"), &format!("away-{number}"), number).await;
        all.insert(format!("away-{number}"));
    }
    drop(ada);
    server.stop().await;
    assert_eq!(receiver.keys().len(), 1, "nobody was there to be told");
    receiver.is_away.store(false, Ordering::SeqCst);
    let server = start_with(address, &kept);
    let (mut ada, init) = Ws::join(server.address(), "w", "ada").await;
    assert_eq!(init["data"].as_object().unwrap().len(), 21, "and the workspace is as it was");
    ada.set_acked("after", "after", 0).await;
    all.insert("after".to_owned());
    receiver.has("every update", |receiver| receiver.keys() == all).await;
    assert!(receiver.told().iter().all(|event| event["type"] != "forged"));
}

#[tokio::test]
async fn a_receiver_that_may_not_be_reached_keeps_the_server_from_starting() {
    for (url, secret, named) in [
        ("http://example.org/hook", SECRET, "WEBHOOK_URL"),
        ("https://user:hunter2@example.org/hook", SECRET, "WEBHOOK_URL"),
        ("nonsense", SECRET, "WEBHOOK_URL"),
        ("https://example.org/hook", "", "WEBHOOK_SECRET"),
        ("https://example.org/hook", "short", "WEBHOOK_SECRET"),
    ] {
        let pairs = [("WEBHOOK_URL", url), ("WEBHOOK_SECRET", secret)];
        let problem = syncline_server::Config::from_pairs(&pairs).unwrap_err().to_string();
        assert!(problem.contains(named) && !problem.contains("hunter2"), "{url}: {problem}");
    }
}
