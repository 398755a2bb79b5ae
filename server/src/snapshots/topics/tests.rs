//! What a watcher is given, whatever is published in whatever order, and that nothing stays of those who left.

use std::{
    sync::{Arc, Mutex},
    task::{Poll, Waker},
};

use proptest::prelude::*;
use syncline::{
    Session, Snapshot, SnapshotSource, SyncResult, codes,
    run::{AudienceKey, ErasedSource},
};

use super::{Frame, Seen, Topic, Topics, Watch};

/// Sees by the user's id; which is all that this is for.
struct ById;

impl SnapshotSource for ById {
    type Audience = String;

    fn audience(&self, _id: &str, viewer: &Session) -> String {
        viewer.user_id.clone()
    }

    async fn snapshot(&self, _id: &str, _audience: &String) -> SyncResult<Snapshot> {
        Err(codes::NOT_FOUND.into())
    }

    async fn may_watch(&self, _id: &str, _viewer: &Session) -> bool {
        true
    }
}

fn key(audience: &str) -> AudienceKey {
    ErasedSource::audience(&ById, "", &Session { user_id: audience.into(), ..Session::default() })
}

fn frame(version: u64) -> Frame {
    Frame { version, text: version.to_string().into(), changed_at: None }
}

fn watch(topics: &Arc<Topics<()>>, audience: &str) -> Watch<()> {
    let topic = Topic::new("game", "7").unwrap();
    topics.watch(&topic, Arc::default(), key(audience), || ())
}

/// The version that a watcher is given now, if any.
fn next(watch: &Watch<()>) -> Option<u64> {
    match watch.poll(Waker::noop()) {
        Poll::Ready(Seen::Snapshot(frame)) => Some(frame.version),
        Poll::Ready(other) => panic!("{other:?}"),
        Poll::Pending => None,
    }
}

#[test]
fn who_comes_to_another_audience_is_not_given_what_is_older_there() {
    let topics = Topics::new();
    let (mover, stays) = (watch(&topics, "a"), watch(&topics, "b"));
    let channel = Arc::clone(&mover.channel);
    channel.publish(&key("a"), frame(5));
    channel.publish(&key("b"), frame(3));
    assert_eq!((next(&mover), next(&stays)), (Some(5), Some(3)));
    channel.changed(None, None);
    let round = channel.round(|_| key("b")).expect("something to build");
    assert_eq!(round.audiences, [key("b")], "of the other one nobody is left");
    assert_eq!(next(&mover), None, "3 is older than what it had");
    channel.publish(&key("b"), frame(6));
    assert_eq!((next(&mover), next(&stays)), (Some(6), Some(6)));
}

#[test]
fn whoever_comes_during_a_build_waits_for_the_next_one() {
    let topics = Topics::new();
    let first = watch(&topics, "a");
    let channel = Arc::clone(&first.channel);
    assert!(channel.begin() && channel.round(|_| key("a")).is_some());
    let second = watch(&topics, "a");
    channel.publish(&key("a"), frame(1));
    assert!(first.poll_first(Waker::noop()).is_ready(), "that one was begun for it");
    assert!(second.poll_first(Waker::noop()).is_pending(), "that one may not know what is new since");
    assert!(channel.round(|_| key("a")).is_some());
    channel.publish(&key("a"), frame(1));
    assert!(second.poll_first(Waker::noop()).is_ready());
    let third = watch(&topics, "a");
    assert!(third.poll_first(Waker::noop()).is_ready(), "what was built just now is new enough");
    assert!(channel.round(|_| key("a")).is_none() && !channel.begin(), "and not built again");
}

#[test]
fn nothing_stays_of_those_who_left() {
    let topics = Topics::new();
    let held = Arc::new(());
    let watches: Vec<_> = (0..100)
        .map(|number| {
            let topic = Topic::new("game", &(number % 10).to_string()).unwrap();
            topics.watch(&topic, Arc::default(), key(&(number % 7).to_string()), || Arc::clone(&held))
        })
        .collect();
    assert_eq!((topics.all().len(), Arc::strong_count(&held)), (10, 11));
    for watch in &watches {
        let audiences = watch.channel.lock().groups.len();
        assert!(audiences <= 7, "{audiences}");
    }
    drop(watches);
    assert!(topics.lock().is_empty());
    assert_eq!(Arc::strong_count(&held), 1, "what was held for a topic is let go");
}

/// Something that happens to a topic with two audiences and three watchers.
#[derive(Clone, Copy, Debug)]
enum Event {
    Publish(&'static str, u64),
    Regroup(u8),
    Poll(usize),
    Comes(usize, &'static str),
}

fn event() -> impl Strategy<Value = Event> {
    let audience = prop_oneof![Just("a"), Just("b")];
    prop_oneof![
        (audience.clone(), 0..20_u64).prop_map(|(audience, version)| Event::Publish(audience, version)),
        any::<u8>().prop_map(Event::Regroup),
        (0..3_usize).prop_map(Event::Poll),
        (0..3_usize, audience).prop_map(|(watcher, audience)| Event::Comes(watcher, audience)),
    ]
}

proptest! {
    #[test]
    fn versions_only_rise(events in prop::collection::vec(event(), 0..60)) {
        let topics = Topics::new();
        let mut watchers: Vec<(Watch<()>, Option<u64>)> = (0..3).map(|_| (watch(&topics, "a"), None)).collect();
        for event in events {
            let channel = Arc::clone(&watchers[0].0.channel);
            match event {
                Event::Publish(audience, version) => channel.publish(&key(audience), frame(version)),
                Event::Regroup(seed) => {
                    channel.changed(None, None);
                    let seed = Mutex::new(seed);
                    let _round = channel.round(|_| {
                        let mut seed = seed.lock().unwrap();
                        *seed = seed.rotate_left(1);
                        key(if *seed & 1 == 0 { "a" } else { "b" })
                    });
                }
                Event::Poll(watcher) => {
                    let (watch, had) = &mut watchers[watcher];
                    if let Some(version) = next(watch) {
                        prop_assert!(*had < Some(version), "{version} after {had:?}");
                        *had = Some(version);
                    }
                }
                Event::Comes(watcher, audience) => watchers[watcher] = (watch(&topics, audience), None),
            }
        }
    }
}
