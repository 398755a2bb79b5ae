//! Whatever an Automerge client sends, as a frame, as a sync message and as a change with a sound checksum: it is refused or
//! read, and what is taken is read again from the disk. Nothing of ours panics, and no memory is taken past libFuzzer's limit.
//!
//! The server's own modules by their path: the whole server takes many times as long to build, and nothing else of it runs.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../server/src/workspaces"]
mod workspaces {
    #[expect(dead_code, reason = "the server uses the rest")]
    pub(crate) mod repo {
        mod columns;
        mod cursor;
        mod exchange;
        mod frame;
        mod message;

        use std::{panic::AssertUnwindSafe, sync::LazyLock};

        use automerge::{
            ActorId, AutoCommit, Automerge, Change, ObjType, ROOT, ScalarValue,
            transaction::Transactable as _,
        };

        const BOUNDS: message::Bounds = message::Bounds { bytes: 4 * 1024 * 1024, ops: 100_000 };

        /// The changes of two who have put something of everything into a document, beside each other.
        static CHANGES: LazyLock<Vec<Change>> = LazyLock::new(|| {
            let mut ada = AutoCommit::new().with_actor(ActorId::from([1; 16]));
            let text = ada.put_object(ROOT, "text", ObjType::Text).expect("it can be made");
            let list = ada.put_object(ROOT, "list", ObjType::List).expect("it can be made");
            ada.splice_text(&text, 0, 0, "some text").expect("it can be made");
            ada.put(ROOT, "count", ScalarValue::counter(1)).expect("it can be made");
            ada.commit();
            let mut bob = ada.fork().with_actor(ActorId::from([2; 16]));
            for round in 0..3_usize {
                for who in [&mut ada, &mut bob] {
                    who.splice_text(&text, round, 1, "words").expect("it can be made");
                    who.increment(ROOT, "count", 1).expect("it can be made");
                    who.commit();
                    let map = who.insert_object(&list, 0, ObjType::Map).expect("it can be made");
                    who.put(&map, "bytes", vec![1, 2, 3]).expect("it can be made");
                    who.put(ROOT, "title", round as u64).expect("it can be made");
                    who.delete(&list, 0).expect("it can be made");
                    who.commit();
                }
                ada.merge(&mut bob).expect("it can be merged");
            }
            ada.get_changes(&[])
        });

        /// What there is before each of them: made once, since that takes longer than all the rest.
        static BEFORE: LazyLock<Vec<Automerge>> = LazyLock::new(|| {
            let before = CHANGES.iter().scan(Automerge::new(), |document, change| {
                let before = document.clone();
                document.apply_changes([change.clone()]).expect("a sound change");
                Some(before)
            });
            before.collect()
        });

        /// Reads these bytes as a frame, as a sync message, as the body of a change and as what is done to the body of a sound
        /// one, and goes on with what they say as the server does.
        pub(crate) fn read_as_from_peer(bytes: &[u8]) {
            let _frame = frame::Frame::read(bytes);
            take(bytes, 0);
            take(&of_one_change(bytes), 0);
            if let Some((which, edits)) = bytes.split_first() {
                let which = usize::from(*which) % CHANGES.len();
                take(&of_one_change(&edited(&CHANGES[which], edits)), which);
            }
        }

        /// The body of a change after edits, of three bytes each: where, and which byte is there or comes there.
        fn edited(change: &Change, edits: &[u8]) -> Vec<u8> {
            let mut chunk = cursor::Cursor(change.raw_bytes());
            let header = chunk.take(9);
            let mut body = chunk.prefixed().expect("a body").to_vec();
            header.expect("a header");
            for edit in edits.chunks_exact(3) {
                let at = usize::from(edit[0] & 0x7f) << 8 | usize::from(edit[1]);
                let at = at % body.len();
                match edit[0] & 0x80 {
                    0 => body[at] = edit[2],
                    _ => body.insert(at, edit[2]),
                }
            }
            body
        }

        /// A sync message of no heads, with nothing wanted, no summaries and one change.
        fn of_one_change(body: &[u8]) -> Vec<u8> {
            let chunk = message::chunk_of(body);
            let mut message = vec![0x42, 0, 0, 0, 1];
            cursor::put_unsigned(chunk.len() as u64, &mut message);
            message.extend(chunk);
            message
        }

        /// Takes in a message where there are so many changes. What panics in Automerge the server contains.
        fn take(message: &[u8], before: usize) {
            let contained = AssertUnwindSafe(|| message::read(message, BOUNDS, true));
            let Ok(Ok(incoming)) = std::panic::catch_unwind(contained) else { return };
            let mut document = BEFORE[before].clone();
            // The server holds what comes before its origin, and does not try it.
            let has = |dep| document.get_change_meta_by_hash(dep).is_some();
            if !incoming.changes.iter().flat_map(Change::deps).all(has) {
                return;
            }
            let sound = AssertUnwindSafe(|| exchange::are_sound(document.clone(), &incoming.changes));
            if matches!(std::panic::catch_unwind(sound), Ok(true)) {
                let kept =
                    CHANGES[..before].iter().chain(&incoming.changes).flat_map(Change::raw_bytes).copied();
                let again = Automerge::load(&kept.collect::<Vec<u8>>()).expect("what is kept is read again");
                document.apply_changes(incoming.changes).expect("they were made in a copy");
                assert_eq!(again.get_heads(), document.get_heads());
            }
            let answer = AssertUnwindSafe(|| {
                let heard = Some((incoming.message, incoming.had_changes));
                let _answer = exchange::Exchange::new(true).answer(&mut document, heard);
            });
            let _contained = std::panic::catch_unwind(answer);
        }
    }
}

/// Of all panics those in other crates alone go on, to where they are contained.
fn end_at_our_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let is_others = panic.location().is_some_and(|at| at.file().contains("/registry/src/"));
        if !is_others {
            eprintln!("{panic}");
            std::process::abort();
        }
    }));
}

fuzz_target!(
    init: end_at_our_panics(),
    |bytes: &[u8]| workspaces::repo::read_as_from_peer(bytes)
);
