//! Two nodes on one Redis, other backends, and a Redis that goes away.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use syncline::{Session, Snapshot, SnapshotHub, SnapshotSource, SyncResult};
use syncline_testkit::{TestServer, Token, call, within};

use crate::{
    redis_server::RedisServer,
    support::{Ws, game, get, metric, metric_is, put, put_body, start, ticket},
};

/// A node that has reached its Redis.
async fn node(redis: &RedisServer) -> TestServer {
    let server = start(&[("REDIS_URL", redis.url().as_str()), ("WS_PER_ADDRESS", "1000")]);
    ready(server.address()).await;
    server
}

async fn ready(address: SocketAddr) {
    within("a ready node", async {
        while call(address, "GET", "/readyz", &[], "").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// Publishes on a channel, as any other backend would.
async fn publish(redis: &RedisServer, channel: &str, message: &str) {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("PUBLISH").arg(channel).arg(message).query_async::<()>(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_change_on_one_node_reaches_watchers_on_both() {
    let redis = RedisServer::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    put(one, "7", json!({ "n": 1 })).await;
    let mut watchers = [Ws::game(one, "7", "ada").await, Ws::game(other, "7", "bob").await];
    for watcher in &mut watchers {
        assert_eq!(watcher.snapshot().await, (1, json!({ "n": 1 })));
    }
    for (n, address) in [(2, one), (3, other), (4, other), (5, one)] {
        assert_eq!(put(address, "7", json!({ "n": n })).await, n);
        for watcher in &mut watchers {
            assert_eq!(watcher.snapshot().await, (n, json!({ "n": n })));
        }
        assert_eq!(
            get(one, &game("7"), "ada", &[]).await.json(),
            get(other, &game("7"), "ada", &[]).await.json()
        );
    }
    let conflict = put_body(other, "7", r#"{"data":1,"lock_version":5}"#).await;
    assert_eq!((conflict.status, &conflict.json()["current"]), (409, &json!(5)));
}

#[tokio::test]
async fn many_writers_on_two_nodes_and_every_watcher_ends_on_the_last() {
    let redis = RedisServer::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let addresses = [nodes[0].address(), nodes[1].address()];
    put(addresses[0], "7", json!(0)).await;
    let watchers = (0..40).map(async |number: usize| {
        let mut watcher = Ws::game(addresses[number % 2], "7", &format!("user{number}")).await;
        watcher.until(301).await;
    });
    let writes = (0..300).map(async |number: usize| put(addresses[number % 2], "7", json!(number)).await);
    let (_, mut versions) =
        tokio::join!(futures_util::future::join_all(watchers), futures_util::future::join_all(writes));
    versions.sort_unstable();
    assert_eq!(versions, (2..=301).collect::<Vec<u64>>(), "each version once");
}

#[tokio::test]
async fn a_ticket_of_one_node_opens_one_socket_on_the_other() {
    let redis = RedisServer::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    put(one, "7", json!({})).await;
    let ticket = ticket(one, &Token::of("ada").sign()).await;
    let path = format!("/ws/games/7?token={ticket}");
    let open = |number: usize| {
        let address = [other, one][number % 2];
        let path = path.clone();
        async move { Ws::open_with(address, &path, &[]).await.is_ok() }
    };
    let opened = futures_util::future::join_all((0..20).map(open)).await;
    assert_eq!(opened.iter().filter(|opened| **opened).count(), 1);
}

#[tokio::test]
async fn other_backends_say_when_to_read_and_never_what() {
    let redis = RedisServer::start();
    let node = node(&redis).await;
    let address = node.address();
    put(address, "7", json!("ours")).await;
    let mut watcher = Ws::game(address, "7", "ada").await;
    watcher.snapshot().await;
    for message in ["", "{", "[]", r#"{"gameId":8,"payload":1}"#, r#"{"type":"game_changed"}"#, "\u{1}"] {
        publish(&redis, "game:7", message).await;
    }
    publish(&redis, "game:7", &format!(r#"{{"gameId":7,"payload":"{}"}}"#, "x".repeat(2 << 20))).await;
    metric_is(address, "syncline_snapshot_malformed_total", 7.0).await;
    let builds = metric(address, "syncline_snapshot_builds_total").await;
    publish(&redis, "game:7", r#"{"gameId":7,"payload":{"data":"theirs","lock_version":9}}"#).await;
    metric_is(address, "syncline_snapshot_builds_total", builds + 1.0).await;
    publish(&redis, "game:7", r#"{"type":"game_changed","id":"7","version":9}"#).await;
    metric_is(address, "syncline_snapshot_builds_total", builds + 2.0).await;
    publish(&redis, "game:7", r#"{"type":"game_changed","id":"7","version":1}"#).await;
    assert!(watcher.is_quiet().await, "what is said there is not what is pushed");
    put(address, "7", json!("ours again")).await;
    assert_eq!(watcher.snapshot().await, (2, json!("ours again")));
    assert_eq!(
        metric(address, "syncline_snapshot_builds_total").await,
        builds + 3.0,
        "a version that is known is not read again"
    );
}

#[tokio::test]
async fn when_redis_comes_back_everybody_has_the_last_version() {
    let mut redis = RedisServer::start();
    let nodes = [node(&redis).await, node(&redis).await];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let mut version = put(one, "7", json!(0)).await;
    let mut watchers = [Ws::game(one, "7", "ada").await, Ws::game(other, "7", "bob").await];
    for watcher in &mut watchers {
        watcher.until(1).await;
    }
    for _round in 0..2 {
        redis.kill();
        for address in [one, other] {
            within("word of it", async {
                while call(address, "GET", "/readyz", &[], "").await.status == 200 {}
            })
            .await;
        }
        let refused = put_body(one, "7", r#"{"data":1}"#).await;
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
        let bearer = crate::support::bearer("eve");
        let path = "/ws/games/8";
        let late = Ws::open_with(other, path, &[("authorization", &bearer)]).await.err();
        assert_eq!(late, Some((503, "storage_unavailable".to_owned())));
        for watcher in &mut watchers {
            assert!(watcher.is_quiet().await, "sockets stay");
        }
        redis.restart();
        for address in [one, other] {
            ready(address).await;
        }
        for address in [one, other] {
            version = put(address, "7", json!(version)).await;
        }
        for watcher in &mut watchers {
            let mut last = watcher.snapshot().await.0;
            while last < version {
                let next = watcher.snapshot().await.0;
                assert!(next > last);
                last = next;
            }
        }
    }
}

#[tokio::test]
async fn a_node_that_missed_hints_reads_again() {
    let mut redis = RedisServer::start();
    let node = node(&redis).await;
    put(node.address(), "7", json!("before")).await;
    let mut watcher = Ws::game(node.address(), "7", "ada").await;
    watcher.until(1).await;
    redis.kill();
    within("word of it", async {
        while call(node.address(), "GET", "/readyz", &[], "").await.status == 200 {}
    })
    .await;
    // Somebody writes whose hint nobody hears.
    redis.change_while_away(|redis| _ = redis.command(&["HINCRBY", "syncline:{games}:record:7", "v", "6"]));
    redis.restart();
    assert_eq!(watcher.snapshot().await, (7, json!("before")));
    assert!(metric(node.address(), "syncline_snapshot_gaps_total").await >= 1.0);
}

#[tokio::test]
async fn a_change_that_could_not_be_told_is_told_when_redis_is_back() {
    let mut redis = RedisServer::start();
    let cards = Arc::new(AtomicU64::new(1));
    let [near, far] = [SnapshotHub::new(), SnapshotHub::new()];
    let app = |hub: &SnapshotHub| {
        let (source, hub, url) = (Everybody(Arc::clone(&cards)), hub.clone(), redis.url());
        TestServer::configured(&[("EVENTS", "off"), ("REDIS_URL", &url)], |builder| {
            builder.snapshots("app", source).snapshot_hub(hub)
        })
    };
    let nodes = [app(&near), app(&far)];
    for node in &nodes {
        ready(node.address()).await;
    }
    let path = "/ws/snapshots/app/7";
    let mut watchers =
        [Ws::open(nodes[0].address(), path, "ada").await, Ws::open(nodes[1].address(), path, "bob").await];
    for watcher in &mut watchers {
        watcher.until(1).await;
    }
    redis.kill();
    for node in &nodes {
        within("word of it", async {
            while call(node.address(), "GET", "/readyz", &[], "").await.status == 200 {}
        })
        .await;
    }
    // The app's own database is there: its node tells those who are here at once, and the others later.
    cards.store(2, Ordering::SeqCst);
    near.changed("app", "7", 2);
    watchers[0].until(2).await;
    metric_is(nodes[1].address(), "syncline_snapshot_publish_failures_total", 0.0).await;
    redis.restart();
    watchers[1].until(2).await;
    // Also on the channel: what comes with the gap is not all there is.
    cards.store(3, Ordering::SeqCst);
    near.changed("app", "7", 3);
    for watcher in &mut watchers {
        assert_eq!(watcher.snapshot().await.0, 3);
    }
}

/// An app's topics, of which everybody sees the same.
struct Everybody(Arc<AtomicU64>);

impl SnapshotSource for Everybody {
    type Audience = ();

    fn audience(&self, _id: &str, _viewer: &Session) {}

    async fn snapshot(&self, _id: &str, (): &()) -> SyncResult<Snapshot> {
        Snapshot::new(self.0.load(Ordering::SeqCst), &"state")
    }

    async fn may_watch(&self, _id: &str, _viewer: &Session) -> bool {
        true
    }
}
