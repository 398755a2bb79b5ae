//! The rules of y-protocols, in every order, and that nothing grows without a bound.

use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;

use super::{Applied, Awareness, Bounds, Source};
use crate::documents::{
    frame::{self, Message},
    lib0::{Malformed, Reader, Writer},
};

const BOUNDS: Bounds = Bounds { clients_of_socket: 3, clients: 8, state_bytes: 100 };
const ONE: Source = Source::Socket(1);
const TWO: Source = Source::Socket(2);
const NODE: Source = Source::Node(1);

fn message(entries: &[(u64, u64, &str)]) -> Bytes {
    let written = Writer::default().unsigned(entries.len() as u64);
    let put = |written: Writer, (client, clock, state): &(u64, u64, &str)| {
        written.unsigned(*client).unsigned(*clock).prefixed(state.as_bytes())
    };
    entries.iter().fold(written, put).finish()
}

/// What a frame tells.
fn told(frame: Option<Bytes>) -> Vec<(u64, u64, String)> {
    let Some(frame) = frame else { return Vec::new() };
    let messages = frame::read(&frame).expect("a frame");
    let [Message::Awareness(bytes)] = messages[..] else { panic!("{messages:?}") };
    let mut reader = Reader::new(bytes);
    let count = reader.unsigned().expect("a count");
    let mut entry = || Ok((reader.client()?, reader.unsigned()?, reader.text()?.to_owned()));
    let mut told: Vec<_> =
        (0..count).map(|_| entry()).collect::<Result<_, Malformed>>().expect("sound entries");
    told.sort();
    told
}

fn of(client: u64, clock: u64, state: &str) -> (u64, u64, String) {
    (client, clock, state.to_owned())
}

struct Scene(Awareness, Instant);

impl Scene {
    fn new() -> Self {
        Self(Awareness::default(), Instant::now())
    }

    fn apply(&mut self, from: Source, entries: &[(u64, u64, &str)]) -> Vec<(u64, u64, String)> {
        told(self.0.apply(&message(entries), from, self.1, BOUNDS).expect("a message").frame)
    }

    fn there(&self) -> Vec<(u64, u64, String)> {
        told(self.0.full())
    }
}

#[test]
fn the_newer_clock_wins() {
    let mut scene = Scene::new();
    assert_eq!(scene.apply(ONE, &[(5, 0, "{}")]), [], "a clock of zero is nothing new");
    assert_eq!(scene.apply(ONE, &[(5, 1, "{}")]), [of(5, 1, "{}")]);
    assert_eq!(scene.apply(ONE, &[(5, 1, r#"{"a":1}"#)]), []);
    assert_eq!(scene.apply(ONE, &[(5, 2, "{}")]), [of(5, 2, "{}")], "renewed");
    assert_eq!(scene.apply(ONE, &[(5, 1, "null")]), []);
    assert_eq!(scene.there(), [of(5, 2, "{}")]);
    assert_eq!(scene.apply(ONE, &[(5, 2, "null")]), [of(5, 2, "null")]);
    assert_eq!(scene.apply(ONE, &[(5, 2, "null")]), [], "gone once");
    assert_eq!(scene.apply(ONE, &[(5, 2, "{}")]), [], "late");
    assert_eq!(scene.apply(ONE, &[(5, 3, "{}")]), [of(5, 3, "{}")], "back");
    assert_eq!(scene.apply(ONE, &[(6, 9, "null")]), [], "nobody was there");
    assert_eq!(scene.apply(ONE, &[(7, 1, "1"), (7, 2, "2"), (5, 1, "{}")]), [of(7, 2, "2")], "what changed");
}

#[test]
fn whoever_leaves_takes_theirs_along() {
    let mut scene = Scene::new();
    scene.apply(ONE, &[(5, 1, "{}"), (6, 1, "{}")]);
    scene.apply(NODE, &[(7, 1, "{}")]);
    scene.apply(TWO, &[(6, 2, "{}")]);
    assert_eq!(told(scene.0.remove_source(ONE, scene.1)), [of(5, 1, "null")], "6 is at another socket now");
    assert_eq!(scene.0.remove_source(ONE, scene.1), None);
    assert_eq!(scene.there(), [of(6, 2, "{}"), of(7, 1, "{}")]);
    assert_eq!(told(scene.0.remove_source(NODE, scene.1)), [of(7, 1, "null")]);
    assert_eq!(scene.apply(NODE, &[(7, 1, "{}")]), [], "sent before");
    assert_eq!(scene.0.len(), 1);
}

#[test]
fn time() {
    let mut scene = Scene::new();
    scene.apply(ONE, &[(5, 1, "{}")]);
    scene.1 += Duration::from_secs(20);
    scene.apply(ONE, &[(6, 4, "{}")]);
    scene.1 += Duration::from_secs(10);
    assert_eq!(told(scene.0.sweep(scene.1)), [of(5, 1, "null")]);
    assert_eq!(scene.0.sweep(scene.1), None);
    scene.1 += Duration::from_secs(299);
    assert_eq!(told(scene.0.sweep(scene.1)), [of(6, 4, "null")]);
    assert_eq!(scene.apply(ONE, &[(5, 1, "{}")]), [], "remembered");
    scene.1 += Duration::from_secs(1);
    scene.0.sweep(scene.1);
    assert_eq!(scene.0.clients.len(), 1, "5 is forgotten");
    scene.1 += Duration::from_secs(300);
    scene.0.sweep(scene.1);
    assert!(scene.0.clients.is_empty() && scene.0.sources.is_empty());
}

#[test]
fn bounds() {
    let mut scene = Scene::new();
    let all = message(&[(1, 1, "{}"), (2, 1, "{}"), (3, 1, "{}"), (4, 1, "{}")]);
    let applied = scene.0.apply(&all, ONE, scene.1, BOUNDS).expect("a message");
    assert_eq!((applied.refused, told(applied.frame).len()), (1, 3), "three of a socket");
    let many: Vec<_> = (1..20).map(|client| (client, 1, "{}")).collect();
    let applied = scene.0.apply(&message(&many), NODE, scene.1, BOUNDS).expect("a message");
    assert_eq!((applied.refused, told(applied.frame).len()), (11, 5), "eight of a document");
    scene.0.remove_source(ONE, scene.1);
    assert_eq!(scene.apply(TWO, &[(1, 2, "{}"), (40, 1, "{}")]), [of(1, 2, "{}")], "those who left count");
}

#[test]
fn what_is_none() {
    let mut scene = Scene::new();
    let deep = "[".repeat(65) + &"]".repeat(65);
    let long = format!("\"{}\"", "x".repeat(99));
    for bytes in [
        Bytes::from_static(&[]),
        Bytes::from_static(&[0, 0]),
        Bytes::from_static(&[0xff, 0xff, 0xff, 0x7f]),
        message(&[(1, 1, "")]),
        message(&[(1, 1, "{")]),
        message(&[(1, 1, "{}{}")]),
        message(&[(1 << 53, 1, "{}")]),
        message(&[(1, 1 << 53, "{}")]),
        message(&[(1, 1, &deep)]),
        message(&[(1, 1, &long)]),
        message(&[(2, 1, "{}"), (1, 1, "x")]),
    ] {
        assert_eq!(scene.0.apply(&bytes, ONE, scene.1, BOUNDS), Err(Malformed), "{bytes:?}");
    }
    assert_eq!(scene.0.full(), None, "nothing of it was taken");
    let nobody = scene.0.apply(&[0], ONE, scene.1, BOUNDS);
    assert_eq!(nobody, Ok(Applied { frame: None, refused: 0 }));
}

/// What a client says in the course of time, each under a clock of its own: a state, or that it is gone.
fn said() -> impl Strategy<Value = Vec<(u64, u64, bool, u64)>> {
    prop::collection::vec((0..4_u64, 1..6_u64, 0..4_u64), 0..24).prop_map(|all| {
        all.into_iter().map(|(client, clock, from)| (client, clock, clock % 3 == 0, from)).collect()
    })
}

const ROOMY: Bounds = Bounds { clients_of_socket: 64, clients: 64, state_bytes: 100 };

proptest! {
    #[test]
    fn any_order_ends_the_same((said, shuffled) in said().prop_flat_map(|said| (Just(said.clone()), Just(said).prop_shuffle()))) {
        let now = Instant::now();
        let [one, other] = [said, shuffled].map(|said| {
            let mut awareness = Awareness::default();
            // Who is told of all that changed ends where we do.
            let mut peer = Awareness::default();
            for (client, clock, is_gone, from) in said {
                let state = if is_gone { "null".to_owned() } else { clock.to_string() };
                let bytes = message(&[(client, clock, &state)]);
                let applied = awareness.apply(&bytes, Source::Socket(from), now, ROOMY).expect("a message");
                for (client, clock, state) in told(applied.frame) {
                    let bytes = message(&[(client, clock, &state)]);
                    peer.apply(&bytes, NODE, now, ROOMY).expect("a message");
                }
            }
            (told(awareness.full()), told(peer.full()))
        });
        prop_assert_eq!(&one.0, &other.0);
        prop_assert_eq!(&one.0, &one.1);
        prop_assert_eq!(&other.0, &other.1);
    }

    #[test]
    fn nothing_grows(steps in prop::collection::vec((0..30_u64, 1..9_u64, any::<bool>(), 0..6_u64, 0..4_u8), 0..99)) {
        let (mut awareness, mut now) = (Awareness::default(), Instant::now());
        for (client, clock, is_gone, from, then) in steps {
            let from = if from < 4 { Source::Socket(from) } else { Source::Node(from) };
            let bytes = message(&[(client, clock, if is_gone { "null" } else { "{}" })]);
            awareness.apply(&bytes, from, now, BOUNDS).expect("a message");
            match then {
                0 => now += Duration::from_secs(11),
                1 => drop(awareness.remove_source(from, now)),
                2 => drop(awareness.sweep(now)),
                _ => {}
            }
            prop_assert!(awareness.clients.len() <= BOUNDS.clients);
            let present = awareness.clients.iter().filter(|(_, client)| client.present.is_some());
            for (id, client) in present.clone() {
                let from = client.present.as_ref().expect("present").1;
                prop_assert!(awareness.sources[&from].contains(id));
            }
            prop_assert_eq!(present.count(), awareness.len());
            for (from, ids) in &awareness.sources {
                prop_assert!(!ids.is_empty());
                prop_assert!(matches!(from, Source::Node(_)) || ids.len() <= BOUNDS.clients_of_socket);
            }
        }
        now += Duration::from_secs(30);
        awareness.sweep(now);
        now += Duration::from_secs(300);
        awareness.sweep(now);
        prop_assert!(awareness.clients.is_empty() && awareness.sources.is_empty());
    }

    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        let _ = Awareness::default().apply(&bytes, ONE, Instant::now(), BOUNDS);
    }
}
