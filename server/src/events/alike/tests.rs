//! Whole rounds, with and without mirrors, against what each member should have got.

mod probe;

use probe::{BY_CLASS, CAPACITY, ECHO, Event, PICKY, Probe, ROOM};
use proptest::prelude::*;

use crate::events::{batch::MAX_BYTES, direct::Frame, group::Group, member::Standing};

#[tokio::test]
async fn what_is_the_same_for_all_goes_out_at_once_and_exceptions_get_their_own() {
    let mut probe = Probe::new(8, 0);
    for event in [ECHO, PICKY, BY_CLASS] {
        probe.deliver(ROOM, &[event]).await;
        assert_eq!(probe.packets(), (1, 0));
    }
    probe.check();
    // Nobody, somebody else, and somebody later.
    for (class, apart) in [("skip", 0), ("fail", 1), ("slow", 1)] {
        probe.become_of_class(3, class);
        probe.deliver(ROOM, &[PICKY]).await;
        assert_eq!(probe.packets(), (1, apart), "{class}");
        assert!(probe.mirrors_are_in_step());
        probe.check();
    }
    probe.deliver(ROOM, &[Event { exclude: Some(5), ..ECHO }]).await;
    assert_eq!(probe.packets(), (1, 0));
    // Two of eight are a quarter, three are too many.
    for (exceptions, expected) in [(2, (1, 0)), (3, (0, 5))] {
        (0..exceptions).for_each(|at| probe.become_of_class(at, "skip"));
        (exceptions..8).for_each(|at| probe.become_of_class(at, "a"));
        probe.deliver(ROOM, &[PICKY]).await;
        assert_eq!(probe.packets(), expected);
    }
    // Half of them an audience each, and one who has something of its own.
    (0..4).for_each(|at| probe.become_of_class(at, "b"));
    probe.deliver(ROOM, &[BY_CLASS]).await;
    assert_eq!(probe.packets(), (2, 0));
    (0..7).for_each(|at| probe.become_of_class(at, "a"));
    probe.become_of_class(7, "own");
    probe.deliver(ROOM, &[PICKY]).await;
    assert_eq!(probe.packets(), (0, 8), "the first that differs is not an exception but the end of it");
    probe.check();
}

#[tokio::test]
async fn what_waits_goes_out_at_once_too() {
    let mut probe = Probe::new(8, 8);
    probe.deliver(ROOM, &[ECHO, PICKY, ECHO]).await;
    assert_eq!(probe.packets(), (1, 0));
    probe.become_of_class(0, "own");
    probe.deliver(ROOM, &[ECHO, PICKY]).await;
    assert_eq!(probe.packets(), (1, 1), "one has another packet");
    (0..4).for_each(|at| probe.become_of_class(at, "b"));
    probe.deliver(ROOM, &[ECHO, BY_CLASS, ECHO]).await;
    assert_eq!(probe.packets(), (2, 0), "one for each audience");
    probe.check();
    assert_eq!(probe.count("syncline_slow_consumers_total"), 0);
    // Two of eight do not batch: they are left out of what goes to the others, and get theirs one by one.
    let mut probe = Probe::new(8, 6);
    probe.deliver(ROOM, &[ECHO, ECHO]).await;
    assert_eq!(probe.packets(), (1, 4));
    let mut probe = Probe::new(8, 2);
    probe.deliver(ROOM, &[ECHO, ECHO]).await;
    assert_eq!(probe.packets(), (2, 2));
    probe.check();
}

#[tokio::test]
async fn what_waits_for_all_goes_out_before_its_packet_grows_too_large() {
    let mut probe = Probe::new(8, 8);
    probe.deliver(ROOM, &[ECHO; 400]).await;
    let lengths: Vec<_> = probe.world.lock().queues[&probe.members[0].id].iter().map(String::len).collect();
    assert!(lengths.len() > 1 && lengths.iter().all(|length| *length <= MAX_BYTES), "{lengths:?}");
    assert_eq!(probe.packets(), (lengths.len(), 0));
    probe.check();
}

#[tokio::test]
async fn who_is_full_is_evicted_and_no_one_else_loses_anything() {
    let mut probe = Probe::new(6, 0);
    for number in 0..CAPACITY + 2 {
        (1..6).for_each(|at| probe.read(at));
        probe.deliver(ROOM, &[ECHO]).await;
        let evicted = probe.members[0].standing() == Standing::Ended;
        assert_eq!(evicted, number >= CAPACITY, "at the first that its queue has no room for");
    }
    assert_eq!(probe.packets(), (CAPACITY + 2, 0));
    assert_eq!(probe.count("syncline_slow_consumers_total"), 1);
    assert!(probe.members[1..].iter().all(|member| member.standing() == Standing::Open));
    probe.check();
}

#[tokio::test]
async fn a_group_that_is_not_what_it_was_is_not_sent_to() {
    let probe = Probe::new(6, 0);
    let members = &probe.node.members;
    let audience = probe.node.registry.get("probe/byClass", "v1").unwrap().client().unwrap();
    let audience = audience.audience.as_ref().unwrap();
    let groups = || (members.room(ROOM).unwrap().1, members.audiences(ROOM, audience).unwrap().1.remove(0));
    let packet = Frame::from(r#"["sync",{}]"#.to_owned());
    let is_sent = |group: &Group| members.send(ROOM, group, &[], packet.clone()).is_some();
    let (room, class) = groups();
    assert!(is_sent(&room) && is_sent(&class));
    members.leave(probe.members[0].id, ROOM);
    assert!(!is_sent(&room) && !is_sent(&class));
    probe.join(0);
    assert!(!is_sent(&room) && !is_sent(&class), "the same members, but not at all times");
    let (room, class) = groups();
    probe.become_of_class(0, "a");
    assert!(is_sent(&room), "everybody is where they were");
    assert!(!is_sent(&class), "the session that its key was of is another");
}

#[tokio::test]
async fn a_room_too_large_for_one_turn_is_sent_to_before_others_have_theirs() {
    let mut probe = Probe::new(70_000, 0);
    let (world, first) = (probe.world.clone(), probe.members[0].id);
    let was_sent = tokio::spawn(async move { world.lock().queues.contains_key(&first) });
    probe.deliver(ROOM, &[ECHO]).await;
    assert!(was_sent.await.unwrap());
    assert_eq!(probe.packets(), (0, 70_000));
    probe.check();
}

#[derive(Clone, Debug)]
enum Step {
    Join(usize),
    Leave(usize),
    Renew(usize),
    Class(usize, &'static str),
    Expire(usize),
    Read(usize),
    ReadAll,
    Deliver(&'static str, Vec<Event>),
}

fn steps(members: usize) -> impl Strategy<Value = Vec<Step>> {
    let name = prop::sample::select(vec!["probe/echo", "probe/picky", "probe/byClass"]);
    let exclude = prop::option::weighted(0.3, 0..members);
    let event = (name, exclude).prop_map(|(name, exclude)| Event { name, exclude });
    let class = prop::sample::select(vec!["a", "a", "a", "a", "a", "a", "b", "own", "skip", "fail", "slow"]);
    let step = prop_oneof![
        2 => (0..members).prop_map(Step::Join),
        2 => (0..members).prop_map(Step::Leave),
        1 => (0..members).prop_map(Step::Renew),
        3 => (0..members, class).prop_map(|(at, class)| Step::Class(at, class)),
        1 => (0..members).prop_map(Step::Expire),
        2 => (0..members).prop_map(Step::Read),
        4 => Just(Step::ReadAll),
        8 => (prop::sample::select(vec![ROOM, ROOM, "all"]), prop::collection::vec(event, 1..5))
            .prop_map(|(room, events)| Step::Deliver(room, events)),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn everybody_gets_what_is_theirs_and_mirrors_stay_in_step(
        (count, batching, steps) in (5_usize..12)
            .prop_flat_map(|count| (Just(count), prop::sample::select(vec![0, 0, 1, count / 2, count]), steps(count))),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut probe = Probe::new(count, batching);
            for step in steps {
                let before: Vec<_> = probe.members.iter().map(|member| member.standing()).collect();
                match step {
                    Step::Join(at) => probe.join(at),
                    Step::Leave(at) => drop(probe.node.members.leave(probe.members[at].id, ROOM)),
                    Step::Renew(at) => probe.renew(at),
                    Step::Class(at, class) => probe.become_of_class(at, class),
                    Step::Expire(at) => {
                        probe.members[at].change_standing(Standing::Open, Standing::Expired);
                    }
                    Step::Read(at) => probe.read(at),
                    Step::ReadAll => (0..count).for_each(|at| probe.read(at)),
                    Step::Deliver(room, events) => {
                        probe.deliver(room, &events).await;
                        for (member, before) in probe.members.iter().zip(before) {
                            let evicted = before == Standing::Open && member.standing() == Standing::Ended;
                            assert!(!evicted || member.outbox.is_full(), "evicted without need");
                        }
                    }
                }
                assert!(probe.mirrors_are_in_step());
            }
            probe.check();
        });
    }
}
