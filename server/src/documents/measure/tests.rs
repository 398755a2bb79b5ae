//! Updates of Yjs fit as yrs finds that they do, and what was mutated never harms it.

use std::collections::HashMap;

use proptest::prelude::*;
use yrs::{
    ClientID, Doc, ReadTxn as _, StateVector, Transact as _, Update,
    updates::{decoder::Decode as _, encoder::Encode as _},
};

use super::{
    Bounds, Measured, Refused,
    fixtures::{LEGACY_JSON, UPDATES, XML_HOOK, bytes},
    measure, measure_state_vector,
};
use crate::documents::{
    depth::Depths,
    lib0::{Reader, Writer},
};

const BOUNDS: Bounds = Bounds { bytes: 1 << 20, weight: 1 << 26, clients: 20, rivals: 10 };

fn update(name: &str) -> Vec<u8> {
    bytes(UPDATES.iter().find(|(of, _)| *of == name).expect("such an update").1)
}

fn clocks(document: &Doc) -> HashMap<u64, u32> {
    document.transact().state_vector().iter().map(|(client, &clock)| (client.get(), clock)).collect()
}

fn fits(measured: &Measured, document: &Doc) -> bool {
    let clocks = clocks(document);
    measured.fits(|client| clocks.get(&client).copied().unwrap_or_default())
}

/// Whether yrs integrates all of it.
fn integrates(document: &Doc, update: &[u8]) -> bool {
    let mut transaction = document.transact_mut();
    transaction.apply_update(Update::decode_v1(update).expect("an update")).expect("sound parents");
    transaction.commit();
    transaction.store().pending_update().is_none() && transaction.store().pending_ds().is_none()
}

#[test]
fn what_yjs_writes() {
    for (name, digits) in UPDATES {
        let update = bytes(digits);
        let measured = measure(&update, BOUNDS).unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
        assert_eq!(measured.is_empty(), *name == "empty");
        let document = Doc::with_client_id(99);
        let would = fits(&measured, &document);
        let is_partial = ["gap", "late", "pending", "deletion", "insertion", "diff"].contains(name);
        assert_eq!(would, !is_partial, "{name}");
        assert_eq!(integrates(&document, &update), would, "{name}");
        if would {
            let state = document.transact().encode_state_as_update_v1(&StateVector::default());
            let again = measure(&state, BOUNDS).expect("what yrs writes");
            assert!(again.fits(|_| 0), "{name}");
        }
    }
}

#[test]
fn what_comes_later() {
    let document = Doc::with_client_id(99);
    let late = measure(&update("late"), BOUNDS).expect("an update");
    assert!(!fits(&late, &document));
    let (first, second) =
        (&[1, 1, 10, 0, 4, 1, 1, b't', 3, b'o', b'n', b'e', 0][..], [1, 1, 10, 3, 0x84, 10, 2, 3]);
    assert!(integrates(&document, first));
    assert!(!fits(&late, &document));
    assert!(!fits(&measure(&update("gap"), BOUNDS).expect("an update"), &document));
    assert!(integrates(&document, &[&second[..], b"two\0"].concat()));
    assert!(fits(&late, &document));
    assert!(fits(&measure(&update("gap"), BOUNDS).expect("an update"), &document), "the hole is known");
    assert!(integrates(&document, &update("late")));
}

#[test]
fn what_is_known_needs_nothing() {
    // The first of client 1's, which says to be right of somebody's of whom nothing is known.
    let measured = measure(&one(0, &[0x84, 5, 0, 1, b'a']), BOUNDS).expect("an update");
    assert!(!measured.fits(|_| 0));
    assert!(measured.fits(|client| u32::from(client == 1)), "yrs leaves it out");
}

#[test]
fn what_yrs_reads_wrong() {
    for digits in [LEGACY_JSON, XML_HOOK] {
        assert_eq!(measure(&bytes(digits), BOUNDS).err(), Some(Refused::Malformed));
    }
    // Once one of these fails, yrs has learned it: then it is to be taken.
    assert!(Update::decode_v1(&bytes(LEGACY_JSON)).is_err(), "it looks for one value too many");
    let hook = Update::decode_v1(&bytes(XML_HOOK)).expect("an update to yrs");
    assert!(!hook.delete_set().is_empty(), "it takes the name for a deletion");
}

/// The update of one client's struct that begins with that and ends with that.
fn one(clock: u8, of: &[u8]) -> Vec<u8> {
    [&[1, 1, 1, clock], of, &[0]].concat()
}

#[test]
fn what_cannot_be() {
    let nothing = measure(&[0, 0], BOUNDS).expect("an update of nothing");
    assert!(nothing.is_empty());
    for (what, update) in [
        ("no bytes", vec![]),
        ("no deletions", vec![0]),
        ("more after the end", vec![0, 0, 0]),
        ("no structs", vec![1, 0, 1, 0, 0]),
        ("nothing but a hole", one(0, &[10, 5])),
        ("an empty hole", vec![1, 2, 1, 0, 10, 0, 0, 1, 0]),
        ("nothing collected", one(0, &[0, 0])),
        ("nothing deleted", one(0, &[1, 1, 1, b't', 0])),
        ("empty text", one(0, &[4, 1, 1, b't', 0])),
        ("no values", one(0, &[8, 1, 1, b't', 0])),
        ("no UTF-8", one(0, &[4, 1, 1, b't', 1, 0xff])),
        ("a parent that is neither", one(0, &[4, 2, 1, b't', 1, b'a'])),
        ("unknown content", one(0, &[11, 1, 1, b't', 1, b'a'])),
        ("an unknown bit", one(0, &[0x14, 1, 1, b't', 1, b'a'])),
        ("an unknown type", one(0, &[7, 1, 1, b't', 7])),
        ("an unknown value", one(0, &[8, 1, 1, b't', 1, 115])),
        ("beside itself", one(1, &[0x84, 1, 1, 1, b'a'])),
        ("in what comes later", one(1, &[4, 0, 1, 2, 1, b'a'])),
        ("many structs", vec![1, 0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 1, 0]),
        ("many clients", vec![0xff, 0xff, 0xff, 0x7f, 1, 1, 0, 0, 1, 0]),
        ("a client twice", vec![2, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0]),
        ("a clock too far", one(0, &[0, 0x80, 0x80, 0x80, 0x80, 0x08])),
        ("deletions of a client twice", vec![0, 2, 1, 1, 0, 1, 1, 1, 1, 1]),
        ("deletions over another", vec![0, 1, 1, 2, 0, 2, 1, 2]),
        ("deletions out of order", vec![0, 1, 1, 2, 5, 1, 0, 1]),
        ("many deletions", vec![0, 1, 1, 0xff, 0xff, 0xff, 0x7f, 5, 1, 0, 1]),
    ] {
        assert_eq!(measure(&update, BOUNDS).err(), Some(Refused::Malformed), "{what}");
    }
    let largest = [&[0xff_u8; 3][..], &[0x7f]].concat();
    for (what, update) in [
        ("values", one(0, &[&[8, 1, 1, b't'], &largest[..], &[126]].concat())),
        ("an array", one(0, &[&[8, 1, 1, b't', 1, 117], &largest[..], &[126]].concat())),
        ("a map", one(0, &[&[8, 1, 1, b't', 1, 118], &largest[..], &[0, 126]].concat())),
    ] {
        assert_eq!(measure(&update, BOUNDS).err(), Some(Refused::Malformed), "{what}");
    }
}

#[test]
fn depth_of_values() {
    let nested = |times: usize, value: &[u8]| {
        one(0, &[&[8, 1, 1, b't', 1][..], &[117, 1].repeat(times), value].concat())
    };
    assert!(measure(&nested(64, &[126]), BOUNDS).is_ok());
    assert_eq!(measure(&nested(65, &[126]), BOUNDS).err(), Some(Refused::Malformed));
    let embed = |times: usize| {
        let json = "[".repeat(times) + "\"[[\\\"\"" + &"]".repeat(times);
        one(0, &[&[5, 1, 1, b't'][..], &Writer::default().prefixed(json.as_bytes()).finish()].concat())
    };
    assert!(measure(&embed(64), BOUNDS).is_ok());
    assert_eq!(measure(&embed(65), BOUNDS).err(), Some(Refused::Malformed));
}

#[test]
fn weight() {
    let bounds = |weight| Bounds { weight, ..BOUNDS };
    let documents = |count: u8| {
        let each = [9, 1, 1, b't', 0, 126].repeat(count.into());
        [&[1, count, 1, 0][..], &each, &[0]].concat()
    };
    assert!(measure(&documents(1), bounds(8192)).is_ok());
    assert_eq!(measure(&documents(1), bounds(4096)).err(), Some(Refused::TooLarge));
    assert_eq!(measure(&documents(2), bounds(8192)).err(), Some(Refused::TooLarge));
    assert_eq!(measure(&documents(1), Bounds { bytes: 5, ..BOUNDS }).err(), Some(Refused::TooLarge));
    let values = one(0, &[&[8, 1, 1, b't', 100][..], &[126; 100]].concat());
    assert_eq!(measure(&values, bounds(1024)).err(), Some(Refused::TooLarge));
}

#[test]
fn rivals() {
    let items = |count: u8, each: &[u8]| [&[1, count, 1, 5][..], &each.repeat(count.into()), &[0]].concat();
    for each in
        [&[0x28, 1, 1, b'm', 1, b'k', 1, 126][..], &[0x28, 0, 2, 7, 1, b'k', 1, 126], &[0x48, 1, 2, 1, 126]]
    {
        assert!(measure(&items(10, each), BOUNDS).is_ok(), "{each:?}");
        assert_eq!(measure(&items(11, each), BOUNDS).err(), Some(Refused::TooLarge), "{each:?}");
        assert!(measure(&items(11, each), Bounds::OPEN).is_ok(), "{each:?}");
    }
    let of_a_list = [&[8, 1, 1, b't', 1, 126], &[0x88, 1, 4, 1, 126][..]];
    assert!(of_a_list.iter().all(|each| measure(&items(11, each), BOUNDS).is_ok()), "yrs is quick there");
    let clients = |count: u8| {
        let each = (1..=count).flat_map(|client| [1, client, 0, 0, 1]).collect::<Vec<_>>();
        [&[count], &each[..], &[0]].concat()
    };
    assert!(measure(&clients(20), BOUNDS).is_ok());
    assert_eq!(measure(&clients(21), BOUNDS).err(), Some(Refused::TooLarge));
}

#[test]
fn those_who_wait_for_each_other() {
    // 1:0 is right of 2:0, and 2:0 is right of 1:0.
    let each_other = [2, 1, 2, 0, 0x84, 1, 0, 1, b'b', 1, 1, 0, 0x84, 2, 0, 1, b'a', 0];
    let measured = measure(&each_other, BOUNDS).expect("an update");
    assert!(!measured.fits(|_| 0));
    assert!(!integrates(&Doc::with_client_id(9), &each_other));
    // A chain over three clients, in the order that yrs likes least.
    let chain = [
        &[3, 1, 3, 0, 0x84, 2, 0, 1, b'c'][..],
        &[1, 2, 0, 0x84, 1, 0, 1, b'b'],
        &[1, 1, 0, 4, 1, 1, b't', 1, b'a', 0],
    ]
    .concat();
    let measured = measure(&chain, BOUNDS).expect("an update");
    assert!(measured.fits(|_| 0));
    assert!(integrates(&Doc::with_client_id(9), &chain));
    // In two steps to and fro: 1:1 needs 2:0, which needs 1:0.
    let to_and_fro =
        [&[2, 1, 2, 0, 0x84, 1, 0, 1, b'b'][..], &[2, 1, 0, 4, 1, 1, b't', 1, b'a', 0x84, 2, 0, 1, b'c', 0]]
            .concat();
    assert!(measure(&to_and_fro, BOUNDS).expect("an update").fits(|_| 0));
    assert!(integrates(&Doc::with_client_id(9), &to_and_fro));
}

#[test]
fn state_vectors() {
    let vector = StateVector::from_iter([(ClientID::new(1), 5), (ClientID::new((1 << 53) - 1), 1 << 30)]);
    let written = vector.encode_v1();
    assert_eq!(measure_state_vector(&written, 2), Ok(()));
    assert_eq!(measure_state_vector(&written, 1), Err(Refused::TooLarge));
    assert_eq!(measure_state_vector(&[2, 1, 5, 1, 6], 2), Ok(()), "a client twice");
    for bytes in
        [&[][..], &[1], &[1, 1], &[0, 0], &[0xff, 0xff, 0xff, 0x7f], &[1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f]]
    {
        assert_eq!(measure_state_vector(bytes, 1 << 30), Err(Refused::Malformed), "{bytes:?}");
    }
}

/// Real updates, one or more upon another, with some bytes made others.
fn mutated() -> impl Strategy<Value = (Vec<usize>, Vec<u8>)> {
    let base = prop::collection::vec(0..UPDATES.len(), 0..4);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 0..4);
    (base, 0..UPDATES.len(), changes).prop_map(|(base, of, changes)| {
        let mut update = bytes(UPDATES[of].1);
        for (index, byte, how) in changes {
            let at = index.index(update.len());
            match how {
                0 => update[at] = byte,
                1 => update[at] = update[at].wrapping_add(1),
                2 => update.insert(at, byte % 16),
                _ if update.len() > 1 => drop(update.remove(at)),
                _ => {}
            }
        }
        (base, update)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn whatever_comes((base, update) in mutated()) {
        let document = Doc::with_client_id(99);
        let mut depths = Depths::default();
        for update in base.into_iter().map(|index| bytes(UPDATES[index].1)).chain([update]) {
            let Ok(measured) = measure(&update, BOUNDS) else { continue };
            if !fits(&measured, &document) {
                continue;
            }
            let Ok(added) = depths.of(&measured) else { continue };
            // A value that is none is found here, before anything is done.
            let Ok(decoded) = Update::decode_v1(&update) else { continue };
            let mut transaction = document.transact_mut();
            let applied = transaction.apply_update(decoded);
            transaction.commit();
            if applied.is_err() {
                // A parent that is no type: the document is loaded anew.
                return Ok(());
            }
            depths.add(added);
            prop_assert!(transaction.store().pending_update().is_none());
            prop_assert!(transaction.store().pending_ds().is_none());
            drop(transaction);
            let transaction = document.transact();
            let state = transaction.encode_state_as_update_v1(&StateVector::default());
            let again = measure(&state, BOUNDS);
            prop_assert!(again.is_ok_and(|again| again.fits(|_| 0)));
        }
    }

    #[test]
    fn any_bytes(update: Vec<u8>, start in 0_usize..20) {
        let _ = measure(&update, BOUNDS);
        let mut reader = Reader::new(&update);
        let _ = reader.take(start as u64);
        let _ = measure_state_vector(&update, 10);
    }
}
