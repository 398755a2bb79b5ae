//! What every store of records has to do, as one suite that each implementation's tests run.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{Found, HINTS, Hint, Hints, Position, Record, Records};

/// Longer than a test runs.
const LONG: Duration = Duration::from_secs(3600);
/// So short that a test can see the end of it.
const SHORT: Duration = Duration::from_millis(600);
/// How far a store's clock and the test's may be apart in such a time.
const CLOCK: Duration = Duration::from_millis(10);

type Store = Arc<dyn Records>;

/// Runs the suite on stores made by `make`, each an empty one of that time to live.
pub(crate) async fn check(make: impl AsyncFn(Duration) -> Store) {
    versions_rise_by_one(&make(LONG).await).await;
    a_conditional_write_needs_the_version(&make(LONG).await).await;
    a_deleted_key_continues_its_count(&make(LONG).await).await;
    concurrent_writes_get_a_version_each(&make(LONG).await).await;
    of_concurrent_conditional_writes_one_wins(&make(LONG).await).await;
    every_change_is_hinted_at(&make(LONG).await).await;
    who_listens_too_slowly_is_told(&make(LONG).await).await;
    what_is_old_is_swept_and_then_forgotten(&make(SHORT).await).await;
}

fn text(value: &'static str) -> Bytes {
    Bytes::from_static(value.as_bytes())
}

async fn record(store: &Store, key: &str) -> Record {
    match store.get(key).await.unwrap() {
        Found::Record(record) => record,
        Found::Gone(position) => panic!("{key} is gone at {position:?}"),
    }
}

async fn gone(store: &Store, key: &str) -> Position {
    match store.get(key).await.unwrap() {
        Found::Gone(position) => {
            assert!(position.gone);
            position
        }
        Found::Record(record) => panic!("{key} is there: {record:?}"),
    }
}

async fn versions_rise_by_one(store: &Store) {
    let before = gone(store, "a").await;
    let mut last = before;
    let mut updated_at = 0;
    for version in 1..=50 {
        let written = store.put("a", text("one")).await.unwrap();
        assert_eq!(written.position.version, version);
        assert!(written.position > last && !written.position.gone, "{written:?} after {last:?}");
        assert!(written.updated_at >= updated_at);
        assert_eq!(record(store, "a").await, written);
        (last, updated_at) = (written.position, written.updated_at);
    }
    assert!(updated_at > 1_700_000_000_000, "milliseconds since 1970: {updated_at}");
    for key in ["b", "a b", "a\0", "ä:{}*", "-_"] {
        gone(store, key).await;
        assert_eq!(store.put(key, Bytes::new()).await.unwrap().position.version, 1, "{key:?}");
        assert_eq!(record(store, key).await.value, Bytes::new());
    }
    let bytes = Bytes::from_static(&[0, 255, 10, 13, 128]);
    store.put("a", bytes.clone()).await.unwrap();
    assert_eq!(record(store, "a").await.value, bytes, "a value is bytes, whatever they are");
}

async fn a_conditional_write_needs_the_version(store: &Store) {
    assert!(store.put_if("a", text("x"), 1).await.unwrap().is_none());
    gone(store, "a").await;
    let first = store.put_if("a", text("first"), 0).await.unwrap().unwrap();
    assert_eq!(first.position.version, 1);
    for wrong in [0, 2, u64::MAX] {
        assert!(store.put_if("a", text("x"), wrong).await.unwrap().is_none(), "{wrong}");
    }
    assert_eq!(record(store, "a").await, first);
    let second = store.put_if("a", text("second"), 1).await.unwrap().unwrap();
    assert_eq!((second.position.version, &second.value), (2, &text("second")));
    store.delete("a").await.unwrap();
    assert!(store.put_if("a", text("x"), 2).await.unwrap().is_none(), "what is gone has no version");
    let again = store.put_if("a", text("again"), 0).await.unwrap().unwrap();
    assert_eq!(again.position.version, 3);
}

async fn a_deleted_key_continues_its_count(store: &Store) {
    let unknown = store.delete("a").await.unwrap();
    assert!(unknown.gone);
    let first = store.put("a", text("x")).await.unwrap();
    assert!(first.position.version == 1 && first.position > unknown, "{first:?} after {unknown:?}");
    let deleted = store.delete("a").await.unwrap();
    assert_eq!(deleted, Position { gone: true, ..first.position });
    assert!(deleted > first.position);
    assert_eq!(gone(store, "a").await, deleted);
    assert_eq!(store.delete("a").await.unwrap(), deleted, "there is nothing more to delete");
    let again = store.put("a", text("y")).await.unwrap();
    assert_eq!(again.position, Position { version: 2, ..first.position });
    assert!(again.position > deleted);
    gone(store, "b").await;
}

async fn concurrent_writes_get_a_version_each(store: &Store) {
    let writes = (0..100).map(|_| {
        let store = Arc::clone(store);
        tokio::spawn(async move { store.put("a", text("x")).await.unwrap().position.version })
    });
    let versions: Vec<u64> =
        futures_util::future::join_all(writes).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(versions.iter().copied().collect::<BTreeSet<_>>(), (1..=100).collect());
    assert_eq!(record(store, "a").await.position.version, 100);
}

async fn of_concurrent_conditional_writes_one_wins(store: &Store) {
    for expected in 0..10 {
        let writes = (0..10).map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.put_if("a", text("x"), expected).await.unwrap().is_some() })
        });
        let won =
            futures_util::future::join_all(writes).await.into_iter().filter(|won| *won.as_ref().unwrap());
        assert_eq!(won.count(), 1, "at {expected}");
    }
}

async fn next(hints: &mut Hints) -> (String, Position) {
    let hint = tokio::time::timeout(Duration::from_secs(20), hints.next()).await.expect("a hint");
    match hint {
        Hint::Changed(key, position) => (key.to_string(), position),
        Hint::Gap => panic!("nothing was missed"),
    }
}

async fn every_change_is_hinted_at(store: &Store) {
    let (mut one, mut other) = (store.hints(), store.hints());
    let mut made = Vec::new();
    made.push(("a".to_owned(), store.put("a", text("x")).await.unwrap().position));
    made.push(("ä:{}".to_owned(), store.put("ä:{}", text("x")).await.unwrap().position));
    let conditional = store.put_if("a", text("y"), 1).await.unwrap().unwrap();
    made.push(("a".to_owned(), conditional.position));
    assert!(store.put_if("a", text("z"), 7).await.unwrap().is_none());
    made.push(("a".to_owned(), store.delete("a").await.unwrap()));
    store.delete("a").await.unwrap();
    store.delete("never").await.unwrap();
    made.push(("b".to_owned(), store.put("b", text("x")).await.unwrap().position));
    for hints in [&mut one, &mut other] {
        for expected in &made {
            assert_eq!(&next(hints).await, expected);
        }
    }
}

async fn who_listens_too_slowly_is_told(store: &Store) {
    let (mut lazy, mut eager) = (store.hints(), store.hints());
    for _ in 0..HINTS + 1 {
        let written = store.put("a", text("x")).await.unwrap();
        assert_eq!(next(&mut eager).await, ("a".to_owned(), written.position));
    }
    assert_eq!(lazy.next().await, Hint::Gap);
    assert_eq!(next(&mut lazy).await.1.version, 2, "and goes on with what is still there");
}

async fn what_is_old_is_swept_and_then_forgotten(store: &Store) {
    let began = Instant::now();
    let mut written_at = began;
    let mut last = store.put("a", text("x")).await.unwrap();
    let mut hints = store.hints();
    let sweep = async |what: &str| {
        tokio::time::timeout(Duration::from_secs(20), async {
            while store.sweep().await.unwrap() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{what} is swept"));
    };
    // As long as it is written now and then it stays.
    while began.elapsed() < SHORT * 3 {
        let swept = store.sweep().await.unwrap();
        // A machine that was busy for so long has not shown anything.
        if written_at.elapsed() < SHORT - CLOCK {
            assert_eq!(swept, 0);
        }
        written_at = Instant::now();
        last = store.put("a", text("x")).await.unwrap();
    }
    let swept = Position { gone: true, ..last.position };
    sweep("a").await;
    assert!(written_at.elapsed() >= SHORT - CLOCK, "not before its time");
    assert_eq!(gone(store, "a").await, swept);
    tokio::time::timeout(Duration::from_secs(20), async {
        while hints.next().await != Hint::Changed("a".into(), swept) {}
    })
    .await
    .expect("a hint of the sweep");
    let again = store.put("a", text("y")).await.unwrap();
    assert_eq!(again.position, Position { version: last.position.version + 1, ..last.position });

    sweep("a").await;
    let tombstone = gone(store, "a").await;
    tokio::time::timeout(Duration::from_secs(20), async {
        while gone(store, "a").await == tombstone {
            assert_eq!(store.sweep().await.unwrap(), 0);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the tombstone goes");
    let unknown = gone(store, "a").await;
    assert!(unknown > tombstone, "{unknown:?} after {tombstone:?}");
    let anew = store.put("a", text("z")).await.unwrap();
    assert_eq!(anew.position.version, 1, "nothing is known of it any more");
    assert!(anew.position > unknown, "{anew:?} after {unknown:?}");
}
