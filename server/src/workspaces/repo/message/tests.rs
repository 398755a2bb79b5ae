//! Sync messages, sound ones and mutated ones: never a panic of ours, and never more than the bounds.

use std::panic::AssertUnwindSafe;

use automerge::{
    ActorId, AutoCommit, ObjType, ROOT,
    sync::{State, SyncDoc as _},
    transaction::Transactable as _,
};
use proptest::prelude::*;

use super::{Bounds, Incoming, Unread, chunk_of, read};
use crate::workspaces::{document::Document, repo::exchange::are_sound};

const BOUNDS: Bounds = Bounds { bytes: 100_000, ops: 1000 };

/// A document with something of everything.
fn document() -> AutoCommit {
    let mut doc = AutoCommit::new();
    for number in 0..5 {
        doc.put(ROOT, format!("key {number}"), number as u64).unwrap();
        let list = doc.put_object(ROOT, "list", ObjType::List).unwrap();
        doc.insert(&list, 0, "x".repeat(number * 100)).unwrap();
        let text = doc.put_object(ROOT, "text", ObjType::Text).unwrap();
        doc.splice_text(&text, 0, 0, "some text").unwrap();
        doc.delete(ROOT, "text").unwrap();
        doc.commit();
    }
    doc
}

/// What one says to another that has nothing and takes changes alone.
fn message(doc: &mut AutoCommit) -> Vec<u8> {
    let (mut from, mut to) = (State::new(), State::new());
    let mut empty = AutoCommit::new();
    let mut wants = empty.sync().generate_sync_message(&mut to).unwrap();
    wants.flags = None;
    doc.sync().receive_sync_message(&mut from, wants).unwrap();
    doc.sync().generate_sync_message(&mut from).unwrap().encode()
}

fn read_within(bytes: &[u8], bounds: Bounds) -> Result<Incoming, Unread> {
    read(bytes, bounds, true)
}

#[test]
fn a_sound_message() {
    let mut doc = document();
    let bytes = message(&mut doc);
    let incoming = read_within(&bytes, BOUNDS).unwrap();
    let (ours, theirs) = (incoming.changes, doc.get_changes(&[]));
    assert_eq!(
        ours.iter().map(|c| c.hash()).collect::<Vec<_>>(),
        theirs.iter().map(|c| c.hash()).collect::<Vec<_>>()
    );
    assert_eq!(incoming.message.heads, doc.get_heads());
    assert!(incoming.message.changes.is_empty() && incoming.had_changes);
    let mut other = AutoCommit::new();
    other.apply_changes(ours).unwrap();
    assert_eq!(other.get_heads(), doc.get_heads());
    let unread = read(&bytes, BOUNDS, false).unwrap();
    assert_eq!((unread.changes.len(), unread.bytes, unread.had_changes), (0, 0, true));
}

#[test]
fn the_bounds_are_of_all_changes_together() {
    let bytes = message(&mut document());
    let whole = read_within(&bytes, BOUNDS).unwrap();
    let ops: u64 = whole.changes.iter().map(|change| change.len() as u64).sum();
    let bounds = |bytes, ops| Bounds { bytes, ops };
    assert!(read_within(&bytes, bounds(whole.bytes, ops)).is_ok());
    assert_eq!(read_within(&bytes, bounds(whole.bytes - 1, ops)).unwrap_err(), Unread::TooLarge);
    assert_eq!(read_within(&bytes, bounds(whole.bytes, ops - 1)).unwrap_err(), Unread::TooLarge);
}

#[test]
fn chunks_are_as_automerge_writes_them() {
    for change in document().get_changes(&[]) {
        let mut raw = change.raw_bytes().to_vec();
        // Those after it are longer than a byte says.
        let header = if raw.len() < 128 + 10 { 10 } else { 11 };
        assert_eq!(chunk_of(&raw.split_off(header)), change.raw_bytes());
    }
}

#[test]
fn heads_have_an_order() {
    let heads = |first, second| [&[0x42, 2][..], &[first; 32], &[second; 32], &[0, 0, 0]].concat();
    assert!(read_within(&heads(1, 2), BOUNDS).is_ok());
    assert_eq!(read_within(&heads(2, 1), BOUNDS).unwrap_err(), Unread::Malformed);
}

/// What may happen to a message on its way.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Repeat(prop::sample::Index, prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, bits)| Mutation::Flip(at, bits)),
        1 => at().prop_map(Mutation::Cut),
        2 => (at(), prop::collection::vec(prop_oneof![Just(0xff), Just(0), any::<u8>()], 1..12))
            .prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        1 => (at(), at()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutations: Vec<Mutation>) {
    for mutation in mutations {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match mutation {
            Mutation::Flip(at, bits) => bytes[at.index(length)] ^= bits,
            Mutation::Cut(at) => bytes.truncate(at.index(length)),
            Mutation::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more);
            }
            Mutation::Repeat(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(part);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_messages(mutations in prop::collection::vec(mutation(), 1..6)) {
        let mut bytes = message(&mut document());
        mutate(&mut bytes, mutations);
        if let Ok(incoming) = read_within(&bytes, BOUNDS) {
            prop_assert!(incoming.bytes <= BOUNDS.bytes);
        }
    }

    /// With a sound checksum, so that all of it is looked at: what is read is within the bounds, and can be read again from
    /// the disk.
    #[test]
    fn mutated_changes(which in 0..5_usize, mutations in prop::collection::vec(mutation(), 1..6)) {
        let mut raw = document().get_changes(&[])[which].raw_bytes().to_vec();
        let mut body = raw.split_off(if raw.len() < 138 { 10 } else { 11 });
        mutate(&mut body, mutations);
        let chunk = chunk_of(&body);
        let mut bytes = vec![0x42, 0, 0, 0, 1];
        super::put_unsigned(chunk.len() as u64, &mut bytes);
        bytes.extend(chunk);
        if let Ok(incoming) = read_within(&bytes, BOUNDS) {
            let change = &incoming.changes[0];
            prop_assert!(change.len() as u64 <= BOUNDS.ops);
            prop_assert!(automerge::Change::try_from(change.raw_bytes()).is_ok());
        }
    }

    /// What a client can have us keep can be read again, and what it cannot leaves the document as it was.
    #[test]
    fn mutated_changes_are_kept_or_not_made(which in 0..5_usize, mutations in prop::collection::vec(mutation(), 1..4)) {
        let changes = document().get_changes(&[]);
        let mut document = Document::new(ActorId::random());
        let (kept, _) = document.merge(changes[..which].to_vec()).unwrap();
        let (mut journal, before) = (kept.bytes, document.heads());
        let mut raw = changes[which].raw_bytes().to_vec();
        let mut body = raw.split_off(if raw.len() < 138 { 10 } else { 11 });
        mutate(&mut body, mutations);
        let chunk = chunk_of(&body);
        let mut left = super::Left { bytes: BOUNDS.bytes, ops: BOUNDS.ops };
        let read = std::panic::catch_unwind(AssertUnwindSafe(|| super::change(&mut super::Cursor(&chunk), &mut left)));
        let Ok(Ok(change)) = read else { return Ok(()) };
        let Some((ready, _)) = document.admit(vec![change]) else { return Ok(()) };
        let copy = document.copy();
        let sound = std::panic::catch_unwind(AssertUnwindSafe(|| are_sound(copy, &ready)));
        if !matches!(sound, Ok(true)) {
            return Ok(());
        }
        match document.try_merge(ready) {
            Some((made, _)) => {
                journal.extend(made.bytes);
                let again = Document::load(&journal, ActorId::random(), 0);
                prop_assert_eq!(again.map(|again| again.heads()).ok(), Some(document.heads()));
                let saved = std::panic::catch_unwind(AssertUnwindSafe(|| document.copy().save_and_verify()));
                prop_assert!(matches!(saved, Ok(Ok(_))), "it cannot be compacted");
                prop_assert!(document.state().len() <= 1000);
            }
            None => prop_assert_eq!(document.heads(), before),
        }
    }
}
