//! On a real redis-server: the contract, and what only Redis can do to us.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{RedisRecords, read_hint};
use crate::{
    records::{Found, Hint, Position, Records, RecordsError, contract},
    redis_link::RedisLink,
    redis_server::RedisServer,
};

async fn open(server: &RedisServer, kind: &str, time_to_live: Duration) -> Arc<RedisRecords> {
    let link = Arc::new(RedisLink::new(&server.url().into(), 1).unwrap());
    let records = Arc::new(RedisRecords::new(Arc::clone(&link), kind, time_to_live));
    let running = Arc::clone(&link);
    tokio::spawn(async move { running.run().await });
    let up = async {
        while !link.is_up() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), up).await.expect("Redis is reached");
    records
}

#[tokio::test]
async fn fulfils_the_contract() {
    let server = RedisServer::start();
    let kinds = AtomicUsize::new(0);
    contract::check(async |time_to_live| {
        let kind = format!("kind{}", kinds.fetch_add(1, Ordering::Relaxed));
        open(&server, &kind, time_to_live).await as _
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_lost_its_memory_is_later_than_what_it_knew() {
    let mut server = RedisServer::start();
    let records = open(&server, "rooms", Duration::from_secs(60)).await;
    let mut hints = records.hints();
    let before = records.put("a", "x".into()).await.unwrap().position;
    assert_eq!(hints.next().await, Hint::Changed("a".into(), before));
    server.kill();
    server.forget();
    server.restart();
    while hints.next().await != Hint::Gap {}
    let Found::Gone(after) = records.get("a").await.unwrap() else { panic!("it is forgotten") };
    assert!(after > before, "{after:?} after {before:?}");
    let again = records.put("a", "x".into()).await.unwrap().position;
    assert!(again > after && again.version == 1, "{again:?} after {after:?}");
}

#[tokio::test]
async fn a_full_redis_says_so() {
    let server = RedisServer::start();
    let records = open(&server, "rooms", Duration::from_secs(60)).await;
    records.put("a", "x".into()).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = records.put("a", "y".into()).await;
    assert!(matches!(refused, Err(RecordsError::Full)), "{refused:?}");
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(records.put("a", "y".into()).await.unwrap().position.version, 2);
}

#[test]
fn hints_of_others_are_read_with_care() {
    let position = Position { epoch: 5, version: 7, gone: true };
    assert_eq!(read_hint(b"1 5 7 1 a b"), Some(Hint::Changed("a b".into(), position)));
    let long = format!("1 5 7 1 {}", "x".repeat(2000));
    for bad in ["", "1", "2 5 7 1 a", "1 5 7 2 a", "1 x 7 1 a", "1 5 -7 1 a", "1 5 7 1", &long] {
        assert_eq!(read_hint(bad.as_bytes()), None, "{bad}");
    }
    assert_eq!(read_hint(b"1 5 7 1 \xff"), None);
}
