//! Who watches which topic on this node, by audience, and what each of them has had: an entry for a topic while somebody
//! watches it.
//!
//! A watcher takes the newest snapshot when it is ready to, so a slow one skips what came between and nothing waits in a
//! queue. It is polled, and keeps the waker of whoever polls. Building snapshots and sending them are done elsewhere.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use slab::Slab;
use syncline::{Session, SyncError, run::AudienceKey};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::topic::Topic;

/// How old what one watcher was given may be to be given to the next who comes. Changes are told of in between.
const FRESH: Duration = Duration::from_secs(1);

/// The topics that somebody watches. `H` is what is held for a topic for as long as somebody does.
pub(crate) struct Topics<H> {
    channels: Mutex<HashMap<Topic, Arc<Channel<H>>>>,
}

/// A topic that somebody watches.
pub(crate) struct Channel<H> {
    pub(crate) topic: Topic,
    /// What is held for it.
    pub(crate) held: H,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    groups: HashMap<AudienceKey, Group>,
    watchers: Slab<Watcher>,
    /// Whether somebody builds snapshots for it at the moment.
    refreshing: bool,
    /// Whether audiences have to be asked again, as it has changed.
    regroup: bool,
    /// When the change was that is not built yet, in milliseconds since 1970.
    changed_at: Option<u64>,
}

/// The watchers who see the same.
#[derive(Default)]
struct Group {
    watchers: usize,
    newest: Option<Frame>,
    built: Option<Instant>,
    /// How often it was built, or was tried to.
    builds: u64,
    /// Whether it has to be built, again or for the first time.
    stale: bool,
    /// Whether it is being built.
    building: bool,
}

/// A snapshot, encoded once for all who get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) version: u64,
    pub(crate) text: Utf8Bytes,
    /// When its change was, in milliseconds since 1970, if that is known.
    pub(crate) changed_at: Option<u64>,
}

struct Watcher {
    viewer: Arc<Session>,
    /// Nothing while the app cannot say which one.
    audience: Option<AudienceKey>,
    /// How often its audience's snapshot has to have been built for its first one: once since it came.
    needs: u64,
    /// The version that it had last.
    seen: Option<u64>,
    /// Why there is nothing newer, not told yet.
    refusal: Option<SyncError>,
    /// Whether its access has to be looked at.
    look: bool,
    waker: Option<Waker>,
}

/// What a watcher is to be told, or to do.
#[derive(Debug)]
pub(crate) enum Seen {
    /// There is a newer snapshot.
    Snapshot(Frame),
    /// There is none, for that reason.
    Refusal(SyncError),
    /// Its access is to be looked at.
    Look,
}

/// What has to be built: for which audiences, and when the change was.
pub(crate) struct Round {
    pub(crate) audiences: Vec<AudienceKey>,
    pub(crate) changed_at: Option<u64>,
}

impl<H> Topics<H> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { channels: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Arc<Channel<H>>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a topic from now on; `hold` is called if nobody else does yet.
    pub(crate) fn watch(
        self: &Arc<Self>,
        topic: &Topic,
        viewer: Arc<Session>,
        audience: AudienceKey,
        hold: impl FnOnce() -> H,
    ) -> Watch<H> {
        let mut channels = self.lock();
        let channel = channels.entry(topic.clone()).or_insert_with(|| {
            Arc::new(Channel { topic: topic.clone(), held: hold(), state: Mutex::default() })
        });
        let channel = Arc::clone(channel);
        let mut state = channel.lock();
        let needs = state.join(&audience);
        let audience = Some(audience);
        let watcher =
            Watcher { viewer, audience, needs, seen: None, refusal: None, look: false, waker: None };
        let key = state.watchers.insert(watcher);
        drop(state);
        Watch { topics: Arc::clone(self), channel, key }
    }

    /// The topic's channel, if somebody watches it.
    pub(crate) fn get(&self, topic: &Topic) -> Option<Arc<Channel<H>>> {
        self.lock().get(topic).map(Arc::clone)
    }

    /// All that somebody watches.
    pub(crate) fn all(&self) -> Vec<Arc<Channel<H>>> {
        self.lock().values().map(Arc::clone).collect()
    }

    fn leave(&self, channel: &Arc<Channel<H>>, key: usize) {
        let mut channels = self.lock();
        let mut state = channel.lock();
        let audience = state.watchers.try_remove(key).and_then(|watcher| watcher.audience);
        if let Some(audience) = audience {
            state.part(&audience);
        }
        if state.watchers.is_empty() {
            channels.remove(&channel.topic);
            // What a flood has made large need not stay so.
            if channels.capacity() > 1024 && channels.len() < channels.capacity() / 8 {
                channels.shrink_to_fit();
            }
        }
    }
}

impl<H> Channel<H> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The topic has changed; with a version that everybody's snapshot has already, it has not.
    pub(crate) fn changed(&self, version: Option<u64>, at: Option<u64>) {
        let mut state = self.lock();
        let is_known = |group: &Group| {
            version
                .is_some_and(|version| group.newest.as_ref().is_some_and(|newest| newest.version >= version))
        };
        if state.groups.values().all(is_known) {
            return;
        }
        state.regroup = true;
        state.changed_at = at;
        state.groups.values_mut().for_each(|group| group.stale = true);
    }

    /// Somebody's access may have gone.
    pub(crate) fn look(&self) {
        let mut state = self.lock();
        let mut wakers = Vec::new();
        for (_key, watcher) in &mut state.watchers {
            watcher.look = true;
            wakers.extend(watcher.waker.take());
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether the caller is to build what is stale: nobody does, and there is something.
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.lock();
        let begins = !state.refreshing && state.groups.values().any(|group| group.stale);
        state.refreshing |= begins;
        begins
    }

    /// What is stale now; nothing, when all is built, and then nobody builds any more. `audience` says whose is whose.
    pub(crate) fn round(&self, audience: impl Fn(&Session) -> AudienceKey) -> Option<Round> {
        let mut state = self.lock();
        if std::mem::take(&mut state.regroup) {
            state.regroup(audience);
        }
        let mut audiences = Vec::new();
        for (audience, group) in &mut state.groups {
            if std::mem::take(&mut group.stale) {
                group.building = true;
                audiences.push(audience.clone());
            }
        }
        if audiences.is_empty() {
            state.refreshing = false;
            return None;
        }
        Some(Round { audiences, changed_at: state.changed_at.take() })
    }

    /// An audience has this snapshot now, unless it has a later one.
    pub(crate) fn publish(&self, audience: &AudienceKey, frame: Frame) {
        let mut state = self.lock();
        let Some(group) = state.groups.get_mut(audience) else { return };
        group.done();
        group.built = Some(Instant::now());
        if group.newest.as_ref().is_none_or(|newest| newest.version < frame.version) {
            group.newest = Some(frame);
        }
        tell(state, audience, |_| {});
    }

    /// There is no snapshot for an audience. `again`: it is to be built later on.
    pub(crate) fn refuse(&self, audience: &AudienceKey, error: &SyncError, again: bool) {
        let mut state = self.lock();
        let Some(group) = state.groups.get_mut(audience) else { return };
        group.done();
        group.stale |= again;
        tell(state, audience, |watcher| {
            // Those who wait for a first one are told; the others keep what they have while it is tried again.
            if !again || watcher.seen.is_none() {
                watcher.refusal = Some(error.again());
            }
        });
    }
}

/// Changes the watchers of an audience and wakes those who wait.
fn tell(mut state: MutexGuard<'_, State>, audience: &AudienceKey, change: impl Fn(&mut Watcher)) {
    let mut wakers = Vec::new();
    for (_key, watcher) in &mut state.watchers {
        if watcher.audience.as_ref() == Some(audience) {
            change(watcher);
            wakers.extend(watcher.waker.take());
        }
    }
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

impl State {
    /// One more of that audience; says how often its snapshot has to have been built to be new enough.
    fn join(&mut self, audience: &AudienceKey) -> u64 {
        let group = self.groups.entry(audience.clone()).or_default();
        group.watchers += 1;
        if !group.stale && group.built.is_some_and(|built| built.elapsed() < FRESH) {
            return group.builds;
        }
        group.stale = true;
        group.builds + 1 + u64::from(group.building)
    }

    fn part(&mut self, audience: &AudienceKey) {
        if let Some(group) = self.groups.get_mut(audience) {
            group.watchers -= 1;
            if group.watchers == 0 {
                self.groups.remove(audience);
            }
        }
    }

    fn regroup(&mut self, audience: impl Fn(&Session) -> AudienceKey) {
        let mut moved = Vec::new();
        for (key, watcher) in &self.watchers {
            // The app's own code. Whoever it cannot place sees nothing more, rather than what is another's.
            let now = catch_unwind(AssertUnwindSafe(|| audience(&watcher.viewer))).ok();
            if now != watcher.audience {
                moved.push((key, now));
            }
        }
        for (key, now) in moved {
            if let Some(before) = self.watchers[key].audience.take() {
                self.part(&before);
            }
            if let Some(now) = &now {
                self.watchers[key].needs = self.join(now);
            }
            self.watchers[key].audience = now;
        }
    }
}

/// One watcher's place; dropping it gives it back.
pub(crate) struct Watch<H> {
    topics: Arc<Topics<H>>,
    pub(crate) channel: Arc<Channel<H>>,
    key: usize,
}

impl<H> Watch<H> {
    /// What is next; when there is nothing yet, `waker` is woken once there may be.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Seen> {
        let mut state = self.channel.lock();
        let State { groups, watchers, .. } = &mut *state;
        let Some(watcher) = watchers.get_mut(self.key) else { return Poll::Pending };
        if std::mem::take(&mut watcher.look) {
            return Poll::Ready(Seen::Look);
        }
        let group = watcher.audience.as_ref().and_then(|audience| groups.get(audience));
        if let Some(newest) = group.and_then(|group| group.newest.as_ref())
            && watcher.seen < Some(newest.version)
        {
            watcher.seen = Some(newest.version);
            watcher.refusal = None;
            return Poll::Ready(Seen::Snapshot(newest.clone()));
        }
        if let Some(refusal) = watcher.refusal.take() {
            return Poll::Ready(Seen::Refusal(refusal));
        }
        watcher.waker = Some(waker.clone());
        Poll::Pending
    }

    /// Whether there is a snapshot that was built since the watcher came, or why there is none.
    pub(crate) fn poll_first(&self, waker: &Waker) -> Poll<Result<(), SyncError>> {
        let mut state = self.channel.lock();
        let State { groups, watchers, .. } = &mut *state;
        let Some(watcher) = watchers.get_mut(self.key) else { return Poll::Pending };
        if let Some(refusal) = watcher.refusal.take() {
            return Poll::Ready(Err(refusal));
        }
        let group = watcher.audience.as_ref().and_then(|audience| groups.get(audience));
        if group.is_some_and(|group| group.newest.is_some() && group.builds >= watcher.needs) {
            return Poll::Ready(Ok(()));
        }
        watcher.waker = Some(waker.clone());
        Poll::Pending
    }
}

impl Group {
    fn done(&mut self) {
        self.building = false;
        self.builds += 1;
    }
}

impl<H> Drop for Watch<H> {
    fn drop(&mut self) {
        self.topics.leave(&self.channel, self.key);
    }
}

#[cfg(test)]
mod tests;
