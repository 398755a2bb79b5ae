//! An app's own source: who sees what, how often it is asked, and what its faults do.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use syncline::{ErrorCode, Session, Snapshot, SnapshotHub, SnapshotSource, SyncResult, codes};
use syncline_server::BuildError;
use syncline_testkit::{TestServer, within};
use tokio::sync::Semaphore;

use crate::support::{Ws, code, get, metric_is};

const MISSING: ErrorCode = ErrorCode::new("snapshot.notFound", 404, &[]);

/// A table of cards: each sees their own hand, everybody else how many cards that are.
#[derive(Default)]
struct Table {
    version: u64,
    hands: HashMap<String, Vec<u8>>,
}

/// All tables, and what went on with them.
#[derive(Default)]
struct Cards {
    tables: Mutex<HashMap<String, Table>>,
    hub: SnapshotHub,
    builds: AtomicUsize,
    asked: AtomicUsize,
    shut: AtomicBool,
    panics: AtomicBool,
    fails: AtomicBool,
    /// Builds wait here when it is closed to them.
    gate: Mutex<Option<Arc<Semaphore>>>,
}

impl Cards {
    /// Gives a player a card.
    fn deal(&self, id: &str, player: &str, card: u8) {
        let mut tables = self.tables.lock().unwrap();
        let table = tables.entry(id.to_owned()).or_default();
        table.version += 1;
        table.hands.entry(player.to_owned()).or_default().push(card);
        let version = table.version;
        drop(tables);
        self.hub.changed("cards", id, version);
    }
}

/// The source, as it is registered.
struct Source(Arc<Cards>);

impl SnapshotSource for Source {
    /// The player, if the viewer is one at that table; all others see the same.
    type Audience = Option<String>;

    fn audience(&self, id: &str, viewer: &Session) -> Option<String> {
        assert!(viewer.user_id != "mallory", "nobody knows what mallory is");
        let tables = self.0.tables.lock().unwrap();
        let plays = tables.get(id).is_some_and(|table| table.hands.contains_key(&viewer.user_id));
        plays.then(|| viewer.user_id.clone())
    }

    async fn snapshot(&self, id: &str, audience: &Option<String>) -> SyncResult<Snapshot> {
        self.0.builds.fetch_add(1, Ordering::SeqCst);
        let gate = self.0.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
        assert!(!self.0.panics.load(Ordering::SeqCst), "a fault of the app's");
        if self.0.fails.load(Ordering::SeqCst) {
            return Err(codes::INTERNAL.caused_by("the database is away"));
        }
        let tables = self.0.tables.lock().unwrap();
        let table = tables.get(id).ok_or(MISSING)?;
        let hands: HashMap<&String, Value> = table
            .hands
            .iter()
            .map(|(player, cards)| {
                let shown = if audience.as_ref() == Some(player) { json!(cards) } else { json!(cards.len()) };
                (player, shown)
            })
            .collect();
        Snapshot::new(table.version, &hands)
    }

    async fn may_watch(&self, _id: &str, viewer: &Session) -> bool {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        match &*viewer.user_id {
            "hangs" => std::future::pending().await,
            "panics" => panic!("a fault of the app's"),
            "eve" => !self.0.shut.load(Ordering::SeqCst),
            _ => true,
        }
    }
}

fn start(settings: &[(&str, &str)]) -> (TestServer, Arc<Cards>) {
    let cards = Arc::new(Cards::default());
    let source = Source(Arc::clone(&cards));
    let settings = [&[("EVENTS", "off"), ("WS_PER_ADDRESS", "1000")], settings].concat();
    let server = TestServer::configured(&settings, |builder| {
        builder.snapshots("cards", source).snapshot_hub(cards.hub.clone())
    });
    (server, cards)
}

const TABLE: &str = "/ws/snapshots/cards/t";

#[tokio::test]
async fn each_sees_their_own_hand_and_nobody_elses() {
    let (server, cards) = start(&[]);
    let address = server.address();
    cards.deal("t", "ada", 11);
    cards.deal("t", "bob", 22);
    let mut ada = Ws::open(address, TABLE, "ada").await;
    let mut bob = Ws::open(address, TABLE, "bob").await;
    let mut eve = Ws::open(address, TABLE, "eve").await;
    assert_eq!(ada.snapshot().await, (2, json!({ "ada": [11], "bob": 1 })));
    assert_eq!(bob.snapshot().await, (2, json!({ "ada": 1, "bob": [22] })));
    assert_eq!(eve.snapshot().await, (2, json!({ "ada": 1, "bob": 1 })));
    cards.deal("t", "bob", 23);
    assert_eq!(ada.snapshot().await, (3, json!({ "ada": [11], "bob": 2 })));
    assert_eq!(bob.snapshot().await, (3, json!({ "ada": 1, "bob": [22, 23] })));
    assert_eq!(eve.snapshot().await, (3, json!({ "ada": 1, "bob": 2 })));
    // Whoever sits down sees what they get from then on, on the same socket.
    cards.deal("t", "eve", 33);
    assert_eq!(eve.snapshot().await, (4, json!({ "ada": 1, "bob": 2, "eve": [33] })));
    assert_eq!(ada.snapshot().await, (4, json!({ "ada": [11], "bob": 2, "eve": 1 })));
    let path = "/api/snapshots/cards/t";
    let [of_ada, of_bob] = [get(address, path, "ada", &[]).await, get(address, path, "bob", &[]).await];
    assert_eq!(of_ada.json()["data"], json!({ "ada": [11], "bob": 2, "eve": 1 }));
    assert_eq!(of_bob.json()["data"]["bob"], json!([22, 23]));
    let etag = of_ada.header("etag").unwrap();
    assert_eq!(get(address, path, "ada", &[("if-none-match", etag)]).await.status, 304);
    assert_eq!(
        get(address, path, "bob", &[("if-none-match", etag)]).await.status,
        200,
        "a tag is of one audience"
    );
}

#[tokio::test]
async fn a_snapshot_is_built_once_for_all_who_see_the_same() {
    let (server, cards) = start(&[]);
    let address = server.address();
    cards.deal("t", "ada", 1);
    let mut watchers = vec![Ws::open(address, TABLE, "ada").await];
    for number in 0..100 {
        watchers.push(Ws::open(address, TABLE, &format!("viewer{number}")).await);
    }
    for watcher in &mut watchers {
        watcher.snapshot().await;
    }
    let before = cards.builds.load(Ordering::SeqCst);
    for version in 2..12 {
        cards.deal("t", "ada", 1);
        for watcher in &mut watchers {
            assert_eq!(watcher.snapshot().await.0, version);
        }
    }
    assert_eq!(cards.builds.load(Ordering::SeqCst) - before, 20, "ten changes, two audiences");
    cards.hub.changed("cards", "t", 11);
    cards.hub.changed("cards", "t", 3);
    for watcher in &mut watchers {
        assert!(watcher.is_quiet().await, "what is known already is not pushed again");
    }
}

#[tokio::test]
async fn whoever_comes_while_it_is_built_waits_for_one_that_was_begun_after() {
    let (server, cards) = start(&[]);
    let address = server.address();
    cards.deal("t", "ada", 1);
    let gate = Arc::new(Semaphore::new(0));
    *cards.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let builds = |count: usize| {
        let cards = Arc::clone(&cards);
        async move {
            while cards.builds.load(Ordering::SeqCst) < count {
                tokio::task::yield_now().await;
            }
        }
    };
    let first = tokio::spawn(async move { Ws::open(address, TABLE, "bob").await });
    within("the first build", builds(1)).await;
    let second = tokio::spawn(async move { Ws::open(address, TABLE, "bea").await });
    within("both are asked for", async {
        while cards.asked.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    gate.add_permits(1);
    let mut first = first.await.unwrap();
    assert_eq!(first.snapshot().await.0, 1);
    within("the second build", builds(2)).await;
    cards.deal("t", "ada", 2);
    gate.add_permits(10);
    let mut second = second.await.unwrap();
    second.until(2).await;
    first.until(2).await;
}

#[tokio::test]
async fn access_that_goes_ends_it() {
    let (server, cards) = start(&[]);
    let address = server.address();
    cards.deal("t", "ada", 1);
    let mut fixed = Ws::open(address, TABLE, "eve").await;
    let mut other = Ws::open(address, TABLE, "ada").await;
    let mut several = Ws::open(address, "/ws", "eve").await;
    several.send(&json!({ "type": "subscribe", "topic": { "kind": "cards", "id": "t" } })).await;
    assert_eq!(several.message().await["type"], "ack");
    for socket in [&mut fixed, &mut other, &mut several] {
        socket.snapshot().await;
    }
    cards.shut.store(true, Ordering::SeqCst);
    cards.hub.access_changed("cards", "t");
    assert_eq!(fixed.closed().await, Some(4403));
    let told = several.message().await;
    assert_eq!((&told["code"], &told["topic"]["id"]), (&json!("forbidden"), &json!("t")));
    cards.deal("t", "ada", 2);
    other.until(2).await;
    assert!(several.is_quiet().await, "it is no longer told of that topic");
    metric_is(address, "ws_disconnect_total{system=\"snapshots\",reason=\"withdrawn\"}", 1.0).await;
}

#[tokio::test]
async fn access_is_looked_at_again_with_each_ping() {
    let (server, cards) = start(&[("WS_PING_SECONDS", "0.05")]);
    cards.deal("t", "ada", 1);
    let mut socket = Ws::open(server.address(), TABLE, "eve").await;
    socket.snapshot().await;
    cards.shut.store(true, Ordering::SeqCst);
    assert_eq!(socket.closed().await, Some(4403));
}

#[tokio::test]
async fn a_source_that_fails_denies_and_is_tried_again() {
    let (server, cards) = start(&[("HANDLER_SECONDS", "0.3")]);
    let address = server.address();
    cards.deal("t", "ada", 1);
    let refused = async |user: &str| {
        let bearer = crate::support::bearer(user);
        Ws::open_with(address, TABLE, &[("authorization", &bearer)]).await.err()
    };
    let forbidden = Some((403, "forbidden".to_owned()));
    assert_eq!(refused("panics").await, forbidden);
    assert_eq!(refused("hangs").await, forbidden);
    assert_eq!(refused("mallory").await, Some((500, "internal".to_owned())));
    let mut ada = Ws::open(address, TABLE, "ada").await;
    ada.snapshot().await;
    for fault in [&cards.panics, &cards.fails] {
        fault.store(true, Ordering::SeqCst);
        let builds = cards.builds.load(Ordering::SeqCst);
        cards.deal("t", "ada", 2);
        assert_eq!(refused("bob").await, Some((500, "internal".to_owned())));
        within("another try", async {
            while cards.builds.load(Ordering::SeqCst) < builds + 2 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(ada.is_quiet().await, "whoever has something keeps it");
        fault.store(false, Ordering::SeqCst);
        ada.snapshot().await;
    }
    *cards.gate.lock().unwrap() = Some(Arc::new(Semaphore::new(0)));
    assert_eq!(code(&get(address, "/api/snapshots/cards/t", "ada", &[]).await), "timeout");
}

#[tokio::test]
async fn a_socket_is_not_to_blame_for_a_source_that_takes_long() {
    let (server, cards) =
        start(&[("HANDLER_SECONDS", "20"), ("WS_PING_SECONDS", "0.2"), ("WS_IDLE_SECONDS", "0.5")]);
    cards.deal("t", "ada", 1);
    let gate = Arc::new(Semaphore::new(0));
    *cards.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let mut socket = Ws::open(server.address(), "/ws", "bob").await;
    socket.send(&json!({ "type": "subscribe", "topic": { "kind": "cards", "id": "t" } })).await;
    // It answers each ping, and nobody listens to that for longer than an answer may take.
    let opening = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(11)).await;
        gate.add_permits(1);
    });
    assert_eq!(socket.message().await["type"], "ack");
    assert_eq!(socket.snapshot().await.0, 1);
    opening.await.unwrap();
}

#[tokio::test]
async fn a_topic_that_goes_is_told_of_and_may_come_back() {
    let (server, cards) = start(&[]);
    cards.deal("t", "ada", 1);
    let mut ada = Ws::open(server.address(), TABLE, "bob").await;
    ada.snapshot().await;
    let table = cards.tables.lock().unwrap().remove("t").unwrap();
    cards.hub.changed("cards", "t", 2);
    assert_eq!(ada.message().await["code"], "not_found");
    cards.tables.lock().unwrap().insert("t".to_owned(), table);
    cards.deal("t", "ada", 2);
    assert_eq!(ada.snapshot().await.0, 2);
}

#[tokio::test]
async fn what_cannot_be_registered_does_not_start() {
    let config = || syncline_server::Config::from_pairs(&[("EVENTS", "off")]).unwrap();
    let source = || Source(Arc::default());
    let twice =
        syncline_server::Server::builder(config()).snapshots("cards", source()).snapshots("cards", source());
    assert!(matches!(twice.build(), Err(BuildError::Snapshots(_))));
    let unnamed = syncline_server::Server::builder(config()).snapshots("a card", source());
    assert!(matches!(unnamed.build(), Err(BuildError::Snapshots(_))));
    let hub = SnapshotHub::new();
    let _first = syncline_server::Server::builder(config()).snapshot_hub(hub.clone()).build().unwrap();
    let second = syncline_server::Server::builder(config()).snapshot_hub(hub).build();
    assert!(matches!(second, Err(BuildError::Snapshots(_))));
}
