//! Slow lanes: where a recipient whose client stage is not ready at once waits, one lane a room, so that nobody else
//! waits with it.
//!
//! While a lane is open, that recipient's later events of the room go through it and so stay in order. What a step
//! does is deliver's.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// How many events may wait in one lane.
const MAX_WAITING: usize = 64;

/// What a lane does for one event: wait for the stage, and send.
pub(crate) type LaneStep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits its turn.
    Queued,
    /// It opened the lane: somebody has to drive it.
    Opened,
    /// The lane is full and the step is gone.
    Full,
}

/// One socket's lanes, by room.
#[derive(Default)]
pub(crate) struct Lanes {
    /// How many are open, so that the common case, none, takes no lock.
    open: AtomicUsize,
    waiting: Mutex<HashMap<Arc<str>, VecDeque<LaneStep>>>,
}

impl Lanes {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, VecDeque<LaneStep>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether events of this room have to go through a lane.
    pub(crate) fn is_open(&self, room: &str) -> bool {
        self.open.load(Ordering::Acquire) > 0 && self.lock().contains_key(room)
    }

    /// Puts a step at the lane's end.
    pub(crate) fn push(&self, room: &Arc<str>, step: LaneStep) -> Pushed {
        let mut lanes = self.lock();
        match lanes.get_mut(room) {
            Some(lane) if lane.len() >= MAX_WAITING => Pushed::Full,
            Some(lane) => {
                lane.push_back(step);
                Pushed::Queued
            }
            None => {
                lanes.insert(Arc::clone(room), VecDeque::from([step]));
                self.open.fetch_add(1, Ordering::AcqRel);
                Pushed::Opened
            }
        }
    }

    /// The next step; nothing when the lane is empty, and then it is closed.
    pub(crate) fn next(&self, room: &str) -> Option<LaneStep> {
        let mut lanes = self.lock();
        let step = lanes.get_mut(room)?.pop_front();
        if step.is_none() {
            lanes.remove(room);
            self.open.fetch_sub(1, Ordering::AcqRel);
        }
        step
    }
}
