//! Peers by Automerge's own sync against ours: all converge, whatever the Bloom filters hide.

use automerge::{
    AutoCommit, Automerge, ROOT,
    sync::{Message, State, SyncDoc as _},
    transaction::Transactable as _,
};
use proptest::prelude::*;

use super::{Endless, Exchange, MAX_EMPTY_HANDED};
use crate::workspaces::{document::Document, repo::message};

const BOUNDS: message::Bounds = message::Bounds { bytes: 10_000_000, ops: 1_000_000 };

/// A server with a document, and how far a peer is.
struct Server {
    document: Document,
    exchange: Exchange,
}

impl Server {
    fn with(changes: Vec<automerge::Change>) -> Self {
        let mut document = Document::new(automerge::ActorId::random());
        document.merge(changes).unwrap();
        Self { document, exchange: Exchange::new(true) }
    }

    fn copy(&self) -> Automerge {
        self.document.copy()
    }

    /// As a server hears a message; the answer.
    fn hear(&mut self, bytes: &[u8]) -> Option<Message> {
        let incoming = message::read(bytes, BOUNDS, true).unwrap();
        let came = incoming.changes.len();
        let changes = self.exchange.with_held(incoming.changes);
        let (ready, missing) = self.document.admit(changes).expect("sound changes");
        self.document.try_merge(ready).expect("they can be made");
        self.exchange.hold(missing, BOUNDS.bytes, came).unwrap();
        let heard = Some((incoming.message, incoming.had_changes));
        let answer = self.exchange.answer(&mut self.copy(), heard).unwrap();
        answer.map(|bytes| Message::decode(&bytes).unwrap())
    }
}

/// Lets both talk until neither has more to say; how many messages that took.
fn settle(server: &mut Server, peer: &mut AutoCommit, state: &mut State) -> usize {
    let mut said = 0;
    loop {
        let from_peer = peer.sync().generate_sync_message(state);
        let answer = match &from_peer {
            Some(message) => server.hear(&message.clone().encode()),
            None => {
                let answer = server.exchange.answer(&mut server.copy(), None).unwrap();
                answer.map(|bytes| Message::decode(&bytes).unwrap())
            }
        };
        if from_peer.is_none() && answer.is_none() {
            return said;
        }
        said += 1;
        assert!(said < 100, "it ends");
        if let Some(answer) = answer {
            peer.sync().receive_sync_message(state, answer).unwrap();
        }
    }
}

fn write(doc: &mut AutoCommit, changes: usize, salt: u64) {
    for number in 0..changes {
        doc.put(ROOT, format!("k{}", number % 5), (salt * 1000 + number as u64) as i64).unwrap();
        doc.commit();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// With hundreds of changes on both sides some are always hidden by a filter.
    #[test]
    fn both_have_the_same_in_the_end(common in 0..20_usize, ours in 0..300_usize, theirs in 0..300_usize, salt in any::<u16>()) {
        let mut base = AutoCommit::new();
        write(&mut base, common, 1);
        let (mut us, mut peer) = (base.fork(), base.fork());
        write(&mut us, ours, 2 + u64::from(salt));
        write(&mut peer, theirs, 100_000 + u64::from(salt));
        let mut server = Server::with(us.get_changes(&[]));
        let mut state = State::new();
        settle(&mut server, &mut peer, &mut state);
        prop_assert_eq!(server.document.heads(), peer.get_heads());
        prop_assert!(server.exchange.held.is_empty());
        // And on from there.
        write(&mut peer, 1, 7);
        let said = settle(&mut server, &mut peer, &mut state);
        prop_assert_eq!(server.document.heads(), peer.get_heads());
        prop_assert!(said <= 2, "{}", said);
    }
}

/// The peer does not send what it takes for known, and never again what it has sent: what was held has to be kept.
#[test]
fn what_a_filter_hides_is_asked_for() {
    let mut peer = AutoCommit::new();
    write(&mut peer, 3, 1);
    let mut server = Server::with(Vec::new());
    let mut state = State::new();
    peer.sync().generate_sync_message(&mut state).unwrap();
    let changes: Vec<_> =
        peer.get_changes(&[]).into_iter().map(|change| change.raw_bytes().to_vec()).collect();
    let hidden = peer.get_changes(&[])[0].hash();
    let message = |changes: Vec<Vec<u8>>, heads| Message {
        heads,
        need: Vec::new(),
        have: Vec::new(),
        changes: changes.into(),
        flags: None,
        version: automerge::sync::MessageVersion::V1,
    };
    let heads = peer.get_heads();
    let answer = server.hear(&message(changes[1..].to_vec(), heads.clone()).encode()).unwrap();
    assert_eq!((answer.need, answer.have.len(), answer.flags), (vec![hidden], 0, None));
    assert_eq!(server.exchange.held.len(), 2);
    let answer = server.hear(&message(changes[..1].to_vec(), heads.clone()).encode()).unwrap();
    assert_eq!(
        (answer.heads, answer.need),
        (heads.clone(), Vec::new()),
        "the peer is told that all is there"
    );
    assert_eq!((server.document.heads(), server.exchange.held.len()), (heads, 0));
}

#[test]
fn what_never_comes_to_anything_ends() {
    let mut peer = AutoCommit::new();
    write(&mut peer, 2, 1);
    let orphan = peer.get_changes(&[])[1].clone();
    let mut exchange = Exchange::new(true);
    assert_eq!(exchange.hold(vec![orphan.clone()], 10, 1), Err(Endless), "too much");
    for _ in 0..MAX_EMPTY_HANDED {
        assert_eq!(exchange.hold(vec![orphan.clone()], 1000, 0), Ok(()));
    }
    assert_eq!(exchange.hold(vec![orphan.clone()], 1000, 0), Err(Endless));
    assert_eq!(exchange.hold(vec![orphan], 1000, 1), Ok(()), "it has come with something");
}
