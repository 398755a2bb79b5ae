//! Frames, as stock clients write them and as nobody does.

use cbor4ii::core::{Value, dec::Decode as _, utils::SliceReader};
use proptest::prelude::*;

use super::{Frame, Garbage, Said};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// As cbor-x writes them for the stock client.
const JOIN: &str = concat!(
    "b900046474797065646a6f696e6873656e646572496461706c706565724d65746164617461b900026973746f726167654964f76b",
    "6973457068656d6572616cf47819737570706f7274656450726f746f636f6c56657273696f6e73816131"
);

#[test]
fn what_stock_clients_write() {
    let join = bytes(JOIN);
    assert_eq!(Frame::read(&join), Ok(Frame { kind: "join", sender: "p", ..Frame::default() }));
    // Indefinite, and with a tag that says that bytes are bytes.
    let tagged = bytes("bf647479706561736873656e646572496461616464617461d84043010203ff");
    let frame = Frame::read(&tagged).unwrap();
    assert_eq!((frame.kind, frame.sender, frame.data), ("s", "a", Some(&[1, 2, 3][..])));
}

#[test]
fn what_is_said_can_be_read() {
    let said =
        Said::Ephemeral { document: "d", session: "s", count: 1 << 40, data: &[1] }.write("from", "to");
    let frame = Frame::read(&said).unwrap();
    let expected = Frame {
        kind: "ephemeral",
        sender: "from",
        target: Some("to"),
        document: Some("d"),
        data: Some(&[1]),
        session: Some("s"),
        count: Some(1 << 40),
        is_foreign: false,
    };
    assert_eq!(frame, expected);
    let kinds = [Said::Peer, Said::Sync("d", &[]), Said::Unavailable("d"), Said::Error("why")];
    for (said, kind) in kinds.into_iter().zip(["peer", "sync", "doc-unavailable", "error"]) {
        let said = said.write("from", "to");
        assert_eq!(Frame::read(&said).unwrap().kind, kind);
        let mut reader = SliceReader::new(&said);
        assert!(matches!(Value::decode(&mut reader), Ok(Value::Map(_))));
    }
}

#[test]
fn names_have_an_end() {
    let long = "x".repeat(super::MAX_NAME_BYTES + 1);
    assert_eq!(Frame::read(&Said::Peer.write(&long, "to")), Err(Garbage));
    assert!(Frame::read(&Said::Peer.write(&long[1..], "to")).is_ok());
}

proptest! {
    #[test]
    fn whatever_comes(mut frame in Just(bytes(JOIN)), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)) {
        for (at, byte) in flips {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        let _read = Frame::read(&frame);
    }

    #[test]
    fn noise(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let _read = Frame::read(&noise);
    }
}
