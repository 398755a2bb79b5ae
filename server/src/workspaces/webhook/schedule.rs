//! Whose turn it is: the workspaces that have something to tell, and when each of them is due. Free of IO.
//!
//! Only so many workspaces have a place at a time. Whoever finds none is found again in the journal, which is scanned
//! when there is room: so what is kept here is bounded however many wait.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::outbox::Progress;

/// How many of a workspace's events come before its log is tidied.
pub(super) const TIDY_AFTER: usize = 1_000;

/// How many turns run at a time, how many have a place, and how long updates are gathered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) at_a_time: usize,
    pub(super) places: usize,
    /// How many a scan of the journal finds at a time.
    pub(super) page: usize,
    pub(super) gather: Duration,
}

/// What is known of a workspace that has something to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) progress: Progress,
    /// How many attempts of the message that is next failed.
    pub(super) failed: u32,
    /// When the next one may be.
    pub(super) not_before: Option<Instant>,
    /// Whether the last one got no answer: then it is tried again soon after the receiver is back.
    pub(super) is_unanswered: bool,
}

/// A workspace's turn.
#[derive(Debug, PartialEq)]
pub(super) struct Turn {
    pub(super) workspace: Arc<str>,
    pub(super) state: State,
    /// Whether its log may have grown long.
    pub(super) tidies: bool,
}

/// How a turn ended.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Nothing is left but what came meanwhile.
    Done,
    /// There is more.
    More(State),
    /// The same again, at the time that is in it.
    Later(State),
}

struct Place {
    state: State,
    /// How many events came since the log was tidied.
    events: usize,
    /// When it is due; none while its turn runs.
    due: Option<Instant>,
    /// Whether something came while its turn ran.
    again: bool,
}

/// The schedule.
pub(super) struct Schedule {
    bounds: Bounds,
    places: HashMap<Arc<str>, Place>,
    due: BTreeSet<(Instant, Arc<str>)>,
    running: usize,
    /// After which workspace the scan goes on; none when it came to its end.
    scan: Option<Arc<str>>,
    is_scanning: bool,
    /// Whether somebody found no place since the scan began.
    missed: bool,
    hurries: bool,
}

impl Schedule {
    /// One that scans first.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            places: HashMap::new(),
            due: BTreeSet::new(),
            running: 0,
            scan: Some("".into()),
            is_scanning: false,
            missed: false,
            hurries: false,
        }
    }

    /// Something of a workspace is to be told.
    pub(super) fn notify(&mut self, workspace: Arc<str>, now: Instant) {
        let Some(place) = self.places.get_mut(&workspace) else {
            self.take_place(workspace, 1, now + self.gather());
            return;
        };
        place.events = place.events.saturating_add(1);
        let Some(due) = place.due else {
            place.again = true;
            return;
        };
        // One that waits for its receiver has its log tidied meanwhile.
        if place.events == TIDY_AFTER && due > now {
            place.due = Some(now);
            self.due.remove(&(due, Arc::clone(&workspace)));
            self.due.insert((now, workspace));
        }
    }

    fn gather(&self) -> Duration {
        if self.hurries { Duration::ZERO } else { self.bounds.gather }
    }

    fn take_place(&mut self, workspace: Arc<str>, events: usize, due: Instant) {
        if self.places.len() >= self.bounds.places {
            self.missed = true;
            return;
        }
        let place = Place { state: State::default(), events, due: Some(due), again: false };
        self.places.insert(Arc::clone(&workspace), place);
        self.due.insert((due, workspace));
    }

    /// After which workspace the journal is to be scanned now. Whoever asks has to say what it found, or that it failed.
    pub(super) fn next_scan(&mut self) -> Option<Arc<str>> {
        let has_room = self.places.len() + self.bounds.page <= self.bounds.places;
        if self.is_scanning || self.hurries || !has_room {
            return None;
        }
        if self.scan.is_none() && self.missed {
            self.missed = false;
            self.scan = Some("".into());
        }
        let after = self.scan.clone()?;
        self.is_scanning = true;
        Some(after)
    }

    /// How many a scan is to find.
    pub(super) fn page(&self) -> usize {
        self.bounds.page
    }

    /// What a scan found: at most a page, and less of the last one.
    pub(super) fn scanned(&mut self, found: Vec<Arc<str>>, now: Instant) {
        self.is_scanning = false;
        self.scan = found.last().filter(|_| found.len() >= self.bounds.page).cloned();
        for workspace in found {
            if !self.places.contains_key(&workspace) {
                // Nobody knows how much it is.
                self.take_place(workspace, TIDY_AFTER, now);
            }
        }
    }

    /// A scan failed, and is to be done again.
    pub(super) fn scan_failed(&mut self) {
        self.is_scanning = false;
    }

    /// When the next turn is due, if there is room for one.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let has_room = self.running < self.bounds.at_a_time;
        self.due.first().filter(|_| has_room).map(|(due, _)| *due)
    }

    /// A turn that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Turn> {
        if self.next_due()? > now {
            return None;
        }
        let (_, workspace) = self.due.pop_first()?;
        let place = self.places.get_mut(&workspace)?;
        self.running += 1;
        place.due = None;
        let tidies = place.events >= TIDY_AFTER;
        if tidies {
            place.events = 0;
        }
        Some(Turn { state: place.state, workspace, tidies })
    }

    /// A turn has ended.
    pub(super) fn ended(&mut self, workspace: Arc<str>, next: Next, now: Instant) {
        self.running = self.running.saturating_sub(1);
        let gather = self.gather();
        let Some(place) = self.places.get_mut(&workspace) else { return };
        let again = std::mem::take(&mut place.again);
        let due = match next {
            Next::Done if !again => {
                self.places.remove(&workspace);
                return;
            }
            Next::Done => {
                place.state = State::default();
                now + gather
            }
            Next::More(state) => {
                place.state = state;
                now
            }
            Next::Later(state) => {
                place.state = state;
                let due = state.not_before.unwrap_or(now);
                if place.events >= TIDY_AFTER { now } else { due }
            }
        };
        place.due = Some(due);
        self.due.insert((due, workspace));
    }

    /// The receiver is back: whoever got no answer from it is due soon. `within` gives each its own delay.
    pub(super) fn is_back(&mut self, now: Instant, mut within: impl FnMut() -> Duration) {
        for (workspace, place) in &mut self.places {
            let Some(due) = place.due.filter(|_| place.state.is_unanswered) else { continue };
            let sooner = now + within();
            if sooner < due {
                place.state.not_before = Some(sooner);
                place.due = Some(sooner);
                self.due.remove(&(due, Arc::clone(workspace)));
                self.due.insert((sooner, Arc::clone(workspace)));
            }
        }
    }

    /// From now on nothing is gathered any more, and nothing scanned; what waits after a failure still waits.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.hurries = true;
        for (workspace, place) in &mut self.places {
            let Some(due) = place.due.filter(|due| *due > now && place.state.not_before.is_none()) else {
                continue;
            };
            place.due = Some(now);
            self.due.remove(&(due, Arc::clone(workspace)));
            self.due.insert((now, Arc::clone(workspace)));
        }
    }

    /// Whether no turn runs and none is due.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.running == 0 && self.due.first().is_none_or(|(due, _)| *due > now)
    }
}

#[cfg(test)]
#[path = "tests/schedule.rs"]
mod tests;
