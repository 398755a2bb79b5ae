//! Several events of a room on their way to a client in one packet, `["sync",event,event,..]`.
//!
//! Only for clients that said in their handshake that they take it, and only what waits already: nothing is held back for
//! it, and no other task runs between the first event's being put in and the packet's going out. Which events there are
//! for whom is decided by the round of each; what stands here is who has the same events, so that each distinct packet is
//! made once.

use std::{collections::VecDeque, sync::Arc};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::{
    direct::Frame,
    group::Group,
    member::{Member, SocketId, Standing},
};

/// A packet does not grow beyond this, in bytes, unless one event alone does.
pub(super) const MAX_BYTES: usize = 16 * 1024;

/// How many of the last frames are remembered, and how many ways to go on for each. Where every recipient's events differ,
/// looking further would only cost; what is not found is made again.
const RECENT: usize = 8;
const WAYS: usize = 8;

/// The events that members have in common so far, as the last of them and what came before.
type NodeId = usize;

/// No event yet.
const NONE: NodeId = 0;

/// The events of a room that are to go out together.
#[derive(Default)]
pub(crate) struct Batch {
    /// What each member has. The ids are the server's own and random, so no client can make them collide.
    members: IndexMap<SocketId, (Arc<Member>, NodeId), FxBuildHasher>,
    /// A tree towards its root: `nodes[id - 1]`.
    nodes: Vec<Node>,
    /// The last frames, and of each the ways from one node to another over it.
    recent: VecDeque<(Frame, Vec<(NodeId, NodeId)>)>,
}

/// What most of a group have.
pub(crate) struct Common {
    node: NodeId,
    pub(crate) packet: Frame,
    /// The places of the others, in order.
    pub(crate) left_out: Vec<usize>,
}

struct Node {
    before: NodeId,
    frame: Frame,
    bytes: usize,
    /// All of its events in one packet, once somebody is to have it.
    packet: Option<Frame>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Puts one more event into the member's packet; false if it does not fit.
    pub(crate) fn put(&mut self, member: &Arc<Member>, frame: &Frame) -> bool {
        let Self { members, nodes, recent } = self;
        let (_, node) = members.entry(member.id).or_insert_with(|| (Arc::clone(member), NONE));
        let before = *node;
        let known = recent.iter().position(|(known, _)| known.is_same(frame));
        if let Some((_, ways)) = known.and_then(|at| recent.get(at))
            && let Some((_, next)) = ways.iter().find(|(from, _)| *from == before)
        {
            *node = *next;
            return true;
        }
        let bytes = frame.len() + at(nodes, before).map_or(0, |before| before.bytes);
        if bytes > MAX_BYTES && before != NONE {
            return false;
        }
        nodes.push(Node { before, frame: frame.clone(), bytes, packet: None });
        *node = nodes.len();
        let at = known.unwrap_or_else(|| {
            recent.truncate(RECENT - 1);
            recent.push_front((frame.clone(), Vec::new()));
            0
        });
        if let Some((_, ways)) = recent.get_mut(at).filter(|(_, ways)| ways.len() < WAYS) {
            ways.push((before, *node));
        }
        true
    }

    /// Takes one member's packet out.
    pub(crate) fn take(&mut self, member: &Member) -> Option<Frame> {
        let (_, node) = self.members.swap_remove(&member.id)?;
        packet(&mut self.nodes, node)
    }

    /// What most of a group have: their packet, and the places of those who have another or may have none now. Nothing if
    /// those are too many.
    pub(crate) fn alike(&mut self, group: &Group) -> Option<Common> {
        if self.members.len() + group.most_left_out() < group.len() {
            return None;
        }
        let node_of = |id| self.members.get(id).map_or(NONE, |(_, node)| *node);
        // Each vote for another takes one away: what more than half have is what is left.
        let (node, _) = group.keys().fold((NONE, 0_usize), |(most, votes), id| match (node_of(id), votes) {
            (node, 0) => (node, 1),
            (node, _) if node == most => (most, votes + 1),
            _ => (most, votes - 1),
        });
        let packet = packet(&mut self.nodes, node)?;
        let mut left_out = Vec::new();
        for (place, (id, member)) in group.iter().enumerate() {
            if node_of(id) != node || member.standing() != Standing::Open {
                left_out.push(place);
                if left_out.len() > group.most_left_out() {
                    return None;
                }
            }
        }
        Some(Common { node, packet, left_out })
    }

    /// Forgets what most of a group had.
    pub(crate) fn forget(&mut self, group: &Group, common: &Common) {
        self.members.retain(|id, (_, node)| *node != common.node || !group.contains_key(id));
    }

    /// Hands each member's packet out, and is empty after it.
    pub(crate) fn drain(&mut self, mut send: impl FnMut(&Arc<Member>, Frame)) {
        let Self { members, mut nodes, .. } = std::mem::take(self);
        for (member, node) in members.values() {
            if let Some(packet) = packet(&mut nodes, *node) {
                send(member, packet);
            }
        }
    }
}

fn at(nodes: &[Node], id: NodeId) -> Option<&Node> {
    nodes.get(id.checked_sub(1)?)
}

/// All events up to that one in one packet.
fn packet(nodes: &mut [Node], id: NodeId) -> Option<Frame> {
    let node = at(nodes, id)?;
    if let Some(packet) = &node.packet {
        return Some(packet.clone());
    }
    let mut frames: Vec<&Frame> =
        std::iter::successors(Some(node), |node| at(nodes, node.before)).map(|node| &node.frame).collect();
    frames.reverse();
    let packet = Frame::joined(&frames);
    nodes[id - 1].packet = Some(packet.clone());
    Some(packet)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;
    use syncline::Session;
    use syncline_i18n::Catalog;

    use super::*;
    use crate::{
        error::Errors,
        events::member::{Outbox, OutboxError},
        net::ClientAddress,
    };

    struct Nowhere;

    impl Outbox for Nowhere {
        fn emit(&self, _: Frame) -> Result<(), OutboxError> {
            Ok(())
        }
        fn is_full(&self) -> bool {
            false
        }
        fn kill(&self) {}
        fn has_connection(&self) -> bool {
            true
        }
        fn hang_up(&self) {}
        fn dismiss(&self) {}
    }

    fn members(count: usize) -> Vec<Arc<Member>> {
        let locale = Errors::new(Catalog::builder().build().unwrap()).negotiate(&["en"]);
        let address = ClientAddress(Ipv4Addr::LOCALHOST.into());
        let member = |_| {
            let session = Session::default();
            Arc::new(Member::new(SocketId::new(), session, locale, address, true, Box::new(Nowhere)))
        };
        (0..count).map(member).collect()
    }

    fn frame(text: &str) -> Frame {
        Frame::from(format!(r#"["sync",{text}]"#))
    }

    fn drained(batch: &mut Batch) -> Vec<(SocketId, Frame)> {
        let mut packets = Vec::new();
        batch.drain(|member, packet| packets.push((member.id, packet)));
        assert!(batch.is_empty());
        packets
    }

    #[test]
    fn who_has_the_same_events_has_the_same_packet() {
        let members = members(3);
        let mut batch = Batch::default();
        let (first, second, own) = (frame("1"), frame("2"), frame("3"));
        for member in &members {
            assert!(batch.put(member, &first));
        }
        assert!(batch.put(&members[1], &own));
        for member in [&members[0], &members[2]] {
            assert!(batch.put(member, &second));
        }
        let packets = drained(&mut batch);
        let text = |packet: &Frame| packet.text().to_owned();
        assert_eq!(text(&packets[0].1), r#"["sync",1,2]"#);
        assert_eq!(text(&packets[1].1), r#"["sync",1,3]"#);
        assert!(packets[0].1.is_same(&packets[2].1), "made once");
        assert!(packets.iter().all(|(_, packet)| packet.events() == 2));
        // One alone goes out as it came, and one that is taken before is not there any more.
        assert!(batch.put(&members[0], &first) && batch.put(&members[1], &first));
        assert!(batch.take(&members[1]).unwrap().is_same(&first));
        let packets = drained(&mut batch);
        assert!(packets.len() == 1 && packets[0].1.is_same(&first));
    }

    #[test]
    fn a_packet_has_a_bound_and_one_event_has_none() {
        let members = members(1);
        let mut batch = Batch::default();
        let large = frame(&format!("\"{}\"", "x".repeat(MAX_BYTES)));
        assert!(batch.put(&members[0], &large));
        assert!(!batch.put(&members[0], &frame("1")));
        assert_eq!(drained(&mut batch)[0].1.events(), 1, "what did not fit is not in it");
    }

    proptest! {
        #[test]
        fn each_member_gets_its_events_in_their_order(
            rounds in prop::collection::vec(prop::collection::vec(prop::option::of(0usize..12), 6), 0..20),
        ) {
            let members = members(6);
            let mut batch = Batch::default();
            let mut expected = vec![Vec::new(); 6];
            for (round, outputs) in rounds.iter().enumerate() {
                let frames: Vec<Frame> = (0..12).map(|output| frame(&format!("[{round},{output}]"))).collect();
                for (at, output) in outputs.iter().enumerate() {
                    if let Some(output) = *output {
                        prop_assert!(batch.put(&members[at], &frames[output]));
                        expected[at].push(format!("[{round},{output}]"));
                    }
                }
            }
            let packets = drained(&mut batch);
            for (member, events) in members.iter().zip(expected) {
                let packet = packets.iter().find(|(id, _)| *id == member.id);
                match packet {
                    Some((_, packet)) => {
                        prop_assert_eq!(packet.text(), format!(r#"["sync",{}]"#, events.join(",")));
                        prop_assert_eq!(packet.events() as usize, events.len());
                    }
                    None => prop_assert!(events.is_empty()),
                }
            }
        }
    }
}
