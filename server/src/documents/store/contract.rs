//! What every store of snapshots does, wherever it keeps them: one suite, which `tests.rs` runs on each.

use bytes::Bytes;

use super::{Saved, Store, Version};
use crate::documents::id::DocumentId;

/// How large a large one is.
pub(super) const LARGE: usize = 300_000;

pub(super) fn id(name: &str) -> DocumentId {
    DocumentId::new(name).expect(name)
}

/// Saves and says as what; a conflict is a failure.
pub(super) async fn save(store: &Store, id: &DocumentId, bytes: &str, after: Option<&Version>) -> Version {
    match store.save(id, Bytes::copy_from_slice(bytes.as_bytes()), after).await {
        Ok(Saved::Done(version)) => version,
        other => panic!("{id}: {other:?}"),
    }
}

/// What is there, as text.
pub(super) async fn text(store: &Store, id: &DocumentId) -> Option<String> {
    let stored = store.load(id).await.expect("an answer")?;
    Some(String::from_utf8(stored.bytes.to_vec()).expect("text"))
}

/// For every store.
pub(super) async fn keeps(store: &Store) {
    comes_and_goes(store).await;
    whatever_the_id(store).await;
    whatever_the_size(store).await;
}

async fn comes_and_goes(store: &Store) {
    let id = id("a/b");
    assert_eq!(store.load(&id).await, Ok(None));
    let first = save(store, &id, "one", None).await;
    let stored = store.load(&id).await.expect("an answer").expect("a snapshot");
    assert_eq!((&stored.bytes[..], &stored.version), (&b"one"[..], &first));
    let second = save(store, &id, "", Some(&first)).await;
    assert_ne!(first, second);
    assert_eq!(text(store, &id).await.as_deref(), Some(""));
    // A version that was loaded is as good as one that a save said.
    let loaded = store.load(&id).await.expect("an answer").expect("a snapshot").version;
    save(store, &id, "three", Some(&loaded)).await;
    assert_eq!(text(store, &id).await.as_deref(), Some("three"));
    store.delete(&id).await.expect("deleted");
    assert_eq!(store.load(&id).await, Ok(None));
    store.delete(&id).await.expect("nothing to delete");
    save(store, &id, "four", None).await;
    assert_eq!(text(store, &id).await.as_deref(), Some("four"));
    store.delete(&id).await.expect("deleted");
}

async fn whatever_the_id(store: &Store) {
    let long = "ä".repeat(20);
    let names =
        [".", "..", "../..", "/", "//", "a", "A", "a/", "a#1", "a%2F", "a%252F", "-_.!~*'()", "+ &?", &long];
    for name in names {
        save(store, &id(name), name, None).await;
    }
    for name in names {
        assert_eq!(text(store, &id(name)).await.as_deref(), Some(name));
        store.delete(&id(name)).await.expect("deleted");
        assert_eq!(store.load(&id(name)).await, Ok(None), "{name}");
    }
}

/// How large a document may become is its clients' bound. What is there is kept.
async fn whatever_the_size(store: &Store) {
    let id = id("large");
    let large = Bytes::from(vec![7; LARGE]);
    let saved = store.save(&id, large.clone(), None).await;
    assert!(matches!(saved, Ok(Saved::Done(_))), "{saved:?}");
    assert_eq!(store.load(&id).await.expect("an answer").expect("a snapshot").bytes, large);
    store.delete(&id).await.expect("deleted");
}

/// For stores that several processes may share.
pub(super) async fn shares(store: &Store) {
    let id = id("shared");
    let first = save(store, &id, "one", None).await;
    let conflict = Ok(Saved::Conflict);
    let other = Bytes::from_static(b"other");
    assert_eq!(store.save(&id, other.clone(), None).await, conflict, "it is there already");
    let second = save(store, &id, "two", Some(&first)).await;
    assert_eq!(store.save(&id, other.clone(), Some(&first)).await, conflict, "it is no longer the first");
    assert_eq!(text(store, &id).await.as_deref(), Some("two"));
    store.delete(&id).await.expect("deleted");
    assert_eq!(store.save(&id, other, Some(&second)).await, conflict, "it is gone");
    assert_eq!(store.load(&id).await, Ok(None));
    race(store).await;
}

/// Of those who save after the same version, one does.
async fn race(store: &Store) {
    let id = id("raced for");
    let first = save(store, &id, "first", None).await;
    let saves = (0..8).map(|one| {
        let (store, id, first) = (store.clone(), id.clone(), first.clone());
        async move { store.save(&id, Bytes::from(format!("{one}")), Some(&first)).await.expect("an answer") }
    });
    let ends = futures_util::future::join_all(saves).await;
    let winners: Vec<usize> = (0..8).filter(|one| matches!(ends[*one], Saved::Done(_))).collect();
    assert_eq!(winners.len(), 1, "{ends:?}");
    assert_eq!(text(store, &id).await, Some(winners[0].to_string()));
    store.delete(&id).await.expect("deleted");
}
