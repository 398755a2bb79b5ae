//! Types in types, in one update and over many.

use yrs::{Doc, ReadTxn as _, StateVector, Transact as _, Update, updates::decoder::Decode as _};

use super::{Depths, MAX_DEPTH, TooDeep};
use crate::documents::{
    lib0::Writer,
    measure::{Bounds, Measured, measure},
};

/// How a nested type says where it is.
#[derive(Clone, Copy)]
enum Nested {
    /// As the value of a map.
    Keyed,
    /// In an array, right of a value which says in which type it is.
    Beside,
}

/// The types from `from` to `to`, each in the one before, the first in a named type.
fn types(from: u32, to: u32, nested: Nested) -> Vec<u8> {
    let (first, count) = match nested {
        Nested::Keyed => (from, to - from),
        Nested::Beside => (2 * from, 2 * (to - from)),
    };
    let written = Writer::default().unsigned(1).unsigned(count.into()).unsigned(1).unsigned(first.into());
    let put = |written: Writer, depth: u32| {
        let info = if matches!(nested, Nested::Keyed) { 0x27 } else { 8 };
        let written = match (depth.checked_sub(1), nested) {
            (None, _) => written.plain(&[info, 1, 1, b'm']),
            (Some(before), Nested::Keyed) => written.plain(&[info, 0, 1]).unsigned(before.into()),
            (Some(before), Nested::Beside) => written.plain(&[info, 0, 1]).unsigned((2 * before + 1).into()),
        };
        match nested {
            Nested::Keyed => written.plain(&[1, b'k', 1]),
            // A null, and right of it an array.
            Nested::Beside => written.plain(&[1, 126, 0x87, 1]).unsigned((2 * depth).into()).plain(&[0]),
        }
    };
    (from..to).fold(written, put).plain(&[0]).finish().to_vec()
}

fn measured(update: &[u8]) -> Measured {
    measure(update, Bounds::OPEN).expect("an update")
}

const DEEPEST: u32 = MAX_DEPTH as u32;

#[test]
fn in_one_update() {
    for nested in [Nested::Keyed, Nested::Beside] {
        let depths = Depths::default();
        assert!(depths.of(&measured(&types(0, DEEPEST + 1, nested))).is_ok());
        assert_eq!(depths.of(&measured(&types(0, DEEPEST + 2, nested))).err(), Some(TooDeep));
        assert_eq!(depths.of(&measured(&types(0, 100_000, nested))).err(), Some(TooDeep));
    }
}

#[test]
fn over_many() {
    for nested in [Nested::Keyed, Nested::Beside] {
        let (mut depths, mut from) = (Depths::default(), 0);
        while let Ok(added) = depths.of(&measured(&types(from, from + 7, nested))) {
            depths.add(added);
            from += 7;
            assert!(from <= DEEPEST + 1);
        }
        assert!(from + 7 > DEEPEST + 1, "{from}");
        // What is known is not counted again.
        let bytes = depths.bytes();
        depths.add(depths.of(&measured(&types(0, from, nested))).expect("no deeper"));
        assert_eq!(depths.bytes(), bytes);
    }
}

#[test]
fn loaded_anew() {
    let document = Doc::with_client_id(9);
    for (from, to) in [(0, 100), (100, DEEPEST - 1)] {
        let update = Update::decode_v1(&types(from, to, Nested::Beside)).expect("an update");
        document.transact_mut().apply_update(update).expect("sound parents");
    }
    let state = document.transact().encode_state_as_update_v1(&StateVector::default());
    let mut depths = Depths::default();
    depths.add(depths.of(&measured(&state)).expect("not too deep"));
    assert!(depths.of(&measured(&types(DEEPEST - 1, DEEPEST + 1, Nested::Beside))).is_ok());
    assert_eq!(depths.of(&measured(&types(DEEPEST - 1, DEEPEST + 2, Nested::Beside))).err(), Some(TooDeep));
}

#[test]
fn said_otherwise() {
    // What is known at a clock is in a type in a type; then it is said to be in a named one, and goes on.
    let mut depths = Depths::default();
    depths.add(depths.of(&measured(&types(0, 3, Nested::Keyed))).expect("not too deep"));
    let lie = [1, 1, 1, 2, 8, 1, 1, b'm', 3, 126, 126, 126, 0];
    depths.add(depths.of(&measured(&lie)).expect("not too deep"));
    assert_eq!(depths.clients[&1].at(4), 2, "yrs cuts off what is known");
}

#[test]
fn known_further_up() {
    let mut depths = Depths::default();
    depths.add(depths.of(&measured(&types(0, 1, Nested::Keyed))).expect("not deep"));
    let text = [1, 1, 2, 0, 4, 1, 1, b't', 3, b'a', b'b', b'c', 0];
    depths.add(depths.of(&measured(&text)).expect("not deep"));
    let lie = [1, 1, 2, 1, 8, 0, 1, 0, 4, 126, 126, 126, 126, 0];
    depths.add(depths.of(&measured(&lie)).expect("not deep"));
    assert_eq!((depths.clients[&2].at(2), depths.clients[&2].at(3)), (0, 1), "what was known stays");
}

#[test]
fn beside_what_is_gone() {
    let mut depths = Depths::default();
    depths.add(depths.of(&measured(&types(0, 3, Nested::Keyed))).expect("not deep"));
    // Right of what was collected, so yrs puts it where its right neighbour is.
    let update = [1, 2, 2, 0, 0, 1, 0xc8, 2, 0, 1, 2, 1, 126, 0];
    depths.add(depths.of(&measured(&update)).expect("not deep"));
    assert_eq!(depths.clients[&2].at(1), 2);
}

#[test]
fn what_does_not_fit() {
    let each_other = [2, 1, 2, 0, 0x84, 1, 0, 1, b'b', 1, 1, 0, 0x84, 2, 0, 1, b'a', 0];
    assert_eq!(Depths::default().of(&measured(&each_other)).err(), Some(TooDeep));
    assert_eq!(Depths::default().of(&measured(&[1, 1, 1, 0, 0x84, 5, 0, 1, b'a', 0])).err(), Some(TooDeep));
}

#[test]
fn text_takes_little() {
    let mut depths = Depths::default();
    for clock in 0..1000 {
        let written = Writer::default().unsigned(1).unsigned(1).unsigned(1).unsigned(clock);
        let update = match clock {
            0 => written.plain(&[4, 1, 1, b't', 1, b'a', 0]),
            _ => written.plain(&[0x84, 1]).unsigned(clock - 1).plain(&[1, b'a', 0]),
        };
        depths.add(depths.of(&measured(&update.finish())).expect("not deep"));
    }
    assert_eq!(depths.clients[&1].steps, [(0, 0)]);
}
