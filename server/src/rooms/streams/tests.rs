//! Followers in whatever order things happen, and what they leave behind.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    task::{Poll, Waker},
};

use bytes::Bytes;
use proptest::prelude::*;

use super::{Caps, HEARTBEAT, Refused, Streams, Subscription};
use crate::{records::Position, rooms::record::RoomId};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn streams(per_address: usize, per_room: usize) -> Arc<Streams> {
    Streams::new(Caps { per_address, per_room })
}

fn room(name: &str) -> RoomId {
    RoomId::parse(name).unwrap()
}

fn event(position: Position) -> Bytes {
    format!("{} {} {}", position.epoch, position.version, position.gone).into()
}

fn next(subscription: &Subscription) -> Option<Bytes> {
    match subscription.poll(Waker::noop()) {
        Poll::Ready(bytes) => Some(bytes.expect("the stream goes on")),
        Poll::Pending => None,
    }
}

#[test]
fn a_million_one_shot_streams_leave_nothing_behind() {
    let streams = streams(1, 1);
    for number in 0..1_000_000_u32 {
        let address = IpAddr::V4(Ipv4Addr::from_bits(number));
        let subscription = streams.follow(&room(&number.to_string()), address).unwrap();
        assert!(next(&subscription).is_none());
    }
    // As many at a time as a flood would have.
    let flood: Vec<_> = (0..20_000_u32)
        .map(|number| {
            streams.follow(&room(&number.to_string()), IpAddr::V4(Ipv4Addr::from_bits(number))).unwrap()
        })
        .collect();
    assert_eq!(streams.count(), 20_000);
    drop(flood);
    let entries = streams.lock();
    assert_eq!((entries.rooms.len(), entries.addresses.len()), (0, 0));
    assert!(entries.rooms.capacity() <= 1024 && entries.addresses.capacity() <= 1024);
}

#[test]
fn caps_hold_and_places_come_back() {
    let streams = streams(2, 3);
    let other = IpAddr::V4(Ipv4Addr::BROADCAST);
    let first = streams.follow(&room("a"), HERE).unwrap();
    let _second = streams.follow(&room("b"), HERE).unwrap();
    assert_eq!(streams.follow(&room("c"), HERE).err(), Some(Refused::Full));
    let others = [(); 2].map(|()| streams.follow(&room("a"), other).unwrap());
    let third = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    assert_eq!(streams.follow(&room("a"), third).err(), Some(Refused::Full));
    drop(first);
    let _again = streams.follow(&room("a"), HERE).unwrap();
    drop(others);
    for ending in streams.close() {
        ending.end();
    }
    assert_eq!(_again.poll(Waker::noop()), Poll::Ready(None));
    assert_eq!(streams.follow(&room("d"), third).err(), Some(Refused::Closed));
}

#[test]
fn heartbeats_do_not_pile_up() {
    let streams = streams(9, 9);
    let subscription = streams.follow(&room("a"), HERE).unwrap();
    streams.beat();
    streams.beat();
    assert_eq!(next(&subscription), Some(HEARTBEAT));
    assert_eq!(next(&subscription), None);
}

#[test]
fn what_a_client_has_is_not_repeated() {
    let streams = streams(9, 9);
    let (has, has_not) =
        (streams.follow(&room("a"), HERE).unwrap(), streams.follow(&room("a"), HERE).unwrap());
    let at = |version, gone| Position { epoch: 1, version, gone };
    streams.publish(&room("a"), at(7, false), || event(at(7, false)));
    has.has_seen(at(7, false));
    assert_eq!((next(&has), next(&has_not)), (None, Some(event(at(7, false)))));
    streams.publish(&room("a"), at(7, true), || event(at(7, true)));
    assert_eq!(next(&has), Some(event(at(7, true))));
    streams.publish(&room("a"), Position::unknown(1), || event(Position::unknown(1)));
    assert_eq!(next(&has), None, "gone is gone");
    assert_eq!(next(&has_not), Some(event(Position::unknown(1))));
}

/// What may happen to a room with three followers.
#[derive(Clone, Debug)]
enum Step {
    Publish(Position),
    Read(usize),
    Beat,
    ComeBack(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let position = (1..3_u64, 1..20_u64, any::<bool>()).prop_map(|(epoch, version, gone)| Position {
        epoch,
        version,
        gone,
    });
    prop_oneof![
        4 => position.prop_map(Step::Publish),
        4 => (0..3_usize).prop_map(Step::Read),
        1 => Just(Step::Beat),
        1 => (0..3_usize).prop_map(Step::ComeBack),
    ]
}

proptest! {
    #[test]
    fn no_stream_sees_an_older_version_and_each_ends_on_the_newest(steps in prop::collection::vec(step(), 0..200)) {
        let streams = streams(9, 9);
        let name = room("a");
        // One always follows, so that the room is known all the time.
        let _always = streams.follow(&name, HERE).unwrap();
        let mut followers = [(); 3].map(|()| streams.follow(&name, HERE).unwrap());
        let mut seen = [None::<Position>; 3];
        let mut newest = None::<Position>;
        let read = |subscription: &Subscription, seen: &mut Option<Position>| {
            let Some(bytes) = next(subscription).filter(|bytes| *bytes != HEARTBEAT) else { return Ok(false) };
            let words: Vec<String> =
                String::from_utf8(bytes.to_vec()).unwrap().split(' ').map(str::to_owned).collect();
            let at = Position {
                epoch: words[0].parse().unwrap(),
                version: words[1].parse().unwrap(),
                gone: words[2] == "true",
            };
            prop_assert!(*seen < Some(at), "{seen:?} and then {at:?}");
            *seen = Some(at);
            Ok(true)
        };
        for step in steps {
            match step {
                Step::Publish(at) => {
                    newest = newest.max(Some(at));
                    streams.publish(&name, at, || event(at));
                }
                Step::Read(which) => {
                    read(&followers[which], &mut seen[which])?;
                }
                Step::Beat => streams.beat(),
                Step::ComeBack(which) => {
                    followers[which] = streams.follow(&name, HERE).unwrap();
                    if let Some(at) = seen[which] {
                        followers[which].has_seen(at);
                    }
                }
            }
        }
        for (follower, seen) in followers.iter().zip(&mut seen) {
            while read(follower, seen)? || next(follower).is_some() {}
            let skipped_gone = newest.is_some_and(|newest| newest.gone) && seen.is_some_and(|seen| seen.gone);
            prop_assert!(*seen == newest || skipped_gone, "{seen:?} at the end, not {newest:?}");
        }
    }
}
