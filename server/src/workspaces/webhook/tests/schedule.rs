//! The schedule, with a clock of its own.

use super::*;

const GATHER: Duration = Duration::from_millis(100);

fn schedule(places: usize) -> Schedule {
    Schedule::new(Bounds { at_a_time: 2, places, page: 2, gather: GATHER })
}

fn id(text: &str) -> Arc<str> {
    text.into()
}

fn taken(schedule: &mut Schedule, now: Instant) -> Option<String> {
    schedule.take(now).map(|turn| turn.workspace.to_string())
}

fn later(not_before: Instant, is_unanswered: bool) -> Next {
    Next::Later(State { not_before: Some(not_before), is_unanswered, ..State::default() })
}

#[test]
fn what_comes_is_gathered_from_the_first_on() {
    let (mut all, now) = (schedule(10), Instant::now());
    all.notify(id("a"), now);
    all.notify(id("a"), now + GATHER / 2);
    assert_eq!(all.next_due(), Some(now + GATHER));
    assert_eq!(taken(&mut all, now + GATHER / 2), None);
    assert_eq!(taken(&mut all, now + GATHER).as_deref(), Some("a"));
    assert_eq!(taken(&mut all, now + GATHER), None);
    // What comes during the turn is gathered after it.
    all.notify(id("a"), now + GATHER);
    assert_eq!(taken(&mut all, now + 9 * GATHER), None, "one turn of a workspace at a time");
    all.ended(id("a"), Next::Done, now + 2 * GATHER);
    assert_eq!(all.next_due(), Some(now + 3 * GATHER));
    assert_eq!(taken(&mut all, now + 3 * GATHER).as_deref(), Some("a"));
    all.ended(id("a"), Next::Done, now + 3 * GATHER);
    assert_eq!(all.next_due(), None);
    assert!(all.places.is_empty() && all.due.is_empty());
}

#[test]
fn so_many_turns_at_a_time() {
    let (mut all, now) = (schedule(10), Instant::now());
    for workspace in ["a", "b", "c"] {
        all.notify(id(workspace), now);
    }
    let now = now + GATHER;
    assert!(taken(&mut all, now).is_some() && taken(&mut all, now).is_some());
    assert_eq!((taken(&mut all, now), all.next_due()), (None, None));
    all.ended(id("a"), Next::More(State::default()), now);
    assert_eq!(all.next_due(), Some(now));
    assert!(!all.is_idle(now));
}

#[test]
fn whoever_finds_no_place_is_found_by_a_scan() {
    let (mut all, now) = (schedule(3), Instant::now());
    assert_eq!(all.next_scan().as_deref(), Some(""));
    assert_eq!(all.next_scan(), None, "one at a time");
    all.scanned(vec![id("a"), id("b")], now);
    assert_eq!(all.next_scan(), None, "there is no room for a page");
    all.notify(id("c"), now);
    all.notify(id("d"), now);
    assert_eq!(all.places.len(), 3);
    for workspace in ["a", "b"] {
        assert_eq!(taken(&mut all, now).as_deref(), Some(workspace));
        all.ended(id(workspace), Next::Done, now);
    }
    assert_eq!(all.next_scan().as_deref(), Some("b"), "it goes on where it was");
    all.scan_failed();
    assert_eq!(all.next_scan().as_deref(), Some("b"));
    all.scanned(vec![], now);
    assert_eq!(all.next_scan().as_deref(), Some(""), "somebody was missed");
    all.scanned(vec![id("d")], now);
    assert_eq!(all.next_scan(), None);
    assert_eq!(taken(&mut all, now).as_deref(), Some("d"));
}

#[test]
fn a_log_that_grows_is_tidied_while_its_message_waits() {
    let (mut all, now) = (schedule(10), Instant::now());
    all.notify(id("a"), now);
    let (now, much_later) = (now + GATHER, now + 100 * GATHER);
    assert!(!all.take(now).unwrap().tidies);
    all.ended(id("a"), later(much_later, false), now);
    for _ in 2..TIDY_AFTER {
        all.notify(id("a"), now);
    }
    assert_eq!(all.take(now), None);
    all.notify(id("a"), now);
    assert!(all.take(now).unwrap().tidies);
    for _ in 0..TIDY_AFTER {
        all.notify(id("a"), now);
    }
    all.ended(id("a"), later(much_later, false), now);
    assert!(all.take(now).unwrap().tidies, "it grew while it was tidied");
    all.ended(id("a"), later(much_later, false), now);
    assert_eq!(all.next_due(), Some(much_later));
}

#[test]
fn a_receiver_that_is_back_is_told_soon() {
    let (mut all, now) = (schedule(10), Instant::now());
    for workspace in ["a", "b"] {
        all.notify(id(workspace), now);
    }
    let (now, much_later) = (now + GATHER, now + 100 * GATHER);
    assert!(taken(&mut all, now).is_some() && taken(&mut all, now).is_some());
    all.ended(id("a"), later(much_later, true), now);
    all.ended(id("b"), later(much_later, false), now);
    all.is_back(now, || 2 * GATHER);
    assert_eq!(all.next_due(), Some(now + 2 * GATHER));
    let turn = all.take(now + 2 * GATHER).unwrap();
    assert_eq!((&*turn.workspace, turn.state.not_before), ("a", Some(now + 2 * GATHER)));
    assert_eq!(all.next_due(), Some(much_later), "the other one was answered");
    all.ended(id("a"), later(now + GATHER, true), now);
    all.is_back(now, || 2 * GATHER);
    assert_eq!(all.next_due(), Some(now + GATHER), "nobody is put off");
}

#[test]
fn whoever_hurries_gathers_nothing_and_waits_for_no_receiver() {
    let (mut all, now) = (schedule(10), Instant::now());
    all.notify(id("a"), now);
    assert_eq!(taken(&mut all, now + GATHER).as_deref(), Some("a"));
    all.ended(id("a"), later(now + 100 * GATHER, false), now);
    all.notify(id("b"), now);
    all.hurry(now);
    assert_eq!(taken(&mut all, now).as_deref(), Some("b"));
    all.ended(id("b"), Next::Done, now);
    assert!(all.is_idle(now));
    all.notify(id("c"), now);
    assert!(!all.is_idle(now));
    assert_eq!(taken(&mut all, now).as_deref(), Some("c"));
    assert_eq!(all.next_scan(), None);
}
