//! Which channels are wanted, and which of them Redis is known to have: the one place where the two meet.
//!
//! Plain state under one lock that is never held across an await nor while a listener is called. It sends nothing:
//! the connection asks what has changed.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redis::{RedisResult, Value};
use tokio::sync::Notify;

use super::{RedisLink, TIMEOUT};

/// How many channels one command names.
const BATCH: usize = 512;

/// What channels bring.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pushed<'a> {
    /// A message.
    Message {
        /// The channel's whole name.
        channel: &'a str,
        message: &'a [u8],
    },
    /// Messages may have been missed until now: the connection is a new one. All that is wanted stands again.
    Gap,
}

/// Is called with everything that channels bring, in order.
pub(crate) type Listener = Box<dyn Fn(Pushed<'_>) + Send + Sync>;

/// Channels that begin with one prefix and come and go; cheap to clone.
#[derive(Clone)]
pub(crate) struct Subscriber {
    link: Arc<RedisLink>,
    prefix: Arc<str>,
}

impl Subscriber {
    pub(super) fn new(link: Arc<RedisLink>, prefix: &str, listener: Listener) -> Self {
        let prefix: Arc<str> = prefix.into();
        let listening = Listening { prefix: Arc::clone(&prefix), listener };
        link.subscriptions.lock().listeners.push(Arc::new(listening));
        Self { link, prefix }
    }

    /// Wants the channel of this whole name for as long as what is returned lives, together with whoever else does.
    pub(crate) fn hold(&self, channel: &str) -> Held {
        debug_assert!(channel.starts_with(&*self.prefix), "{channel} is one of {}", self.prefix);
        self.link.subscriptions.hold(channel)
    }

    /// As [`RedisLink::publish`].
    pub(crate) async fn publish(&self, channel: &str, message: &[u8]) -> RedisResult<()> {
        self.link.publish(channel, message).await
    }
}

/// A channel that is wanted.
pub(crate) struct Held {
    subscriptions: Arc<Subscriptions>,
    channel: Arc<str>,
    settled: Arc<Notify>,
}

impl Held {
    /// Waits until Redis has confirmed that what is published from then on comes here. Not while it is away, and not
    /// for longer than a command may take: [`Pushed::Gap`] follows when the channel stands.
    pub(crate) async fn confirmed(&self) {
        let settled = async {
            loop {
                // Hears of everything from here on, before it is looked.
                let settled = self.settled.notified();
                if self.subscriptions.is_settled(&self.channel) {
                    return;
                }
                settled.await;
            }
        };
        let _or_it_takes_too_long = tokio::time::timeout(TIMEOUT, settled).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.subscriptions.release(&self.channel);
    }
}

struct Listening {
    prefix: Arc<str>,
    listener: Listener,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Not connected yet.
    #[default]
    Starting,
    Connected,
    Away,
}

struct Channel {
    holders: usize,
    /// Whether this connection is subscribed to it, as far as Redis has confirmed, and will be.
    stands: bool,
    /// Whether it is among the changed ones.
    changed: bool,
    settled: Arc<Notify>,
}

/// All channels, wanted or still there.
#[derive(Default)]
pub(super) struct Subscriptions {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    phase: Phase,
    listeners: Vec<Arc<Listening>>,
    channels: HashMap<Arc<str>, Channel>,
    /// Channels that the connection has to look at, each at most once. Nothing while there is none.
    changed: VecDeque<Arc<str>>,
}

/// What is to be done next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) subscribe: Vec<Arc<str>>,
    pub(super) unsubscribe: Vec<Arc<str>>,
}

impl Subscriptions {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(self: &Arc<Self>, name: &str) -> Held {
        let mut state = self.lock();
        let name =
            state.channels.get_key_value(name).map_or_else(|| name.into(), |(name, _)| Arc::clone(name));
        let channel = state.channels.entry(Arc::clone(&name)).or_insert_with(|| Channel {
            holders: 0,
            stands: false,
            changed: false,
            settled: Arc::default(),
        });
        channel.holders += 1;
        let (is_first, settled) = (channel.holders == 1, Arc::clone(&channel.settled));
        if is_first {
            state.mark(&name);
            self.changed.notify_one();
        }
        Held { subscriptions: Arc::clone(self), channel: name, settled }
    }

    fn release(&self, name: &Arc<str>) {
        let mut state = self.lock();
        let Some(channel) = state.channels.get_mut(name) else { return };
        channel.holders -= 1;
        if channel.holders > 0 {
            return;
        }
        if state.phase == Phase::Connected {
            state.mark(name);
            self.changed.notify_one();
        } else {
            state.channels.remove(name);
        }
    }

    /// How many channels are known.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lock().channels.len()
    }

    fn is_settled(&self, name: &str) -> bool {
        let state = self.lock();
        state.phase == Phase::Away || state.channels.get(name).is_some_and(|channel| channel.stands)
    }

    /// There is a new connection, subscribed to nothing.
    pub(super) fn begin(&self) {
        let mut state = self.lock();
        state.phase = Phase::Connected;
        let wanted: Vec<Arc<str>> = state.channels.keys().cloned().collect();
        wanted.iter().for_each(|name| state.mark(name));
    }

    /// There is no connection: nobody is to wait for it.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.phase = Phase::Away;
        state.changed.clear();
        state.channels.retain(|_, channel| {
            (channel.stands, channel.changed) = (false, false);
            channel.settled.notify_waiters();
            channel.holders > 0
        });
    }

    /// Waits until something has changed.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// What to do next, in one command of each kind; nothing if Redis has what is wanted. To be asked again when it is
    /// done, and not before: what changes in the meantime is decided then.
    pub(super) fn next_changes(&self) -> Option<Changes> {
        let mut changes = Changes::default();
        let mut state = self.lock();
        let state = &mut *state;
        while changes.subscribe.len() < BATCH && changes.unsubscribe.len() < BATCH {
            let Some(name) = state.changed.pop_front() else { break };
            let Some(channel) = state.channels.get_mut(&name) else { continue };
            channel.changed = false;
            match (channel.holders > 0, channel.stands) {
                (true, false) => changes.subscribe.push(name),
                (false, true) => {
                    // From now on nobody may take it to stand: who wants it again waits until it does again.
                    channel.stands = false;
                    changes.unsubscribe.push(name);
                }
                (true, true) => {}
                (false, false) => drop(state.channels.remove(&name)),
            }
        }
        (changes != Changes::default()).then_some(changes)
    }

    /// Redis has confirmed that.
    pub(super) fn done(&self, changes: &Changes) {
        let mut state = self.lock();
        for name in &changes.subscribe {
            if let Some(channel) = state.channels.get_mut(name) {
                channel.stands = true;
                channel.settled.notify_waiters();
            }
        }
        for name in &changes.unsubscribe {
            if state.channels.get(name).is_some_and(|channel| channel.holders == 0) {
                state.channels.remove(name);
            }
        }
    }

    pub(super) fn message(&self, data: &[Value]) {
        let [Value::BulkString(channel), Value::BulkString(message)] = data else { return };
        let Ok(channel) = std::str::from_utf8(channel) else { return };
        let all = self.lock().listeners.clone();
        for listening in all.iter().filter(|listening| channel.starts_with(&*listening.prefix)) {
            (listening.listener)(Pushed::Message { channel, message });
        }
    }

    pub(super) fn tell_gap(&self) {
        let all = self.lock().listeners.clone();
        all.iter().for_each(|listening| (listening.listener)(Pushed::Gap));
    }
}

impl State {
    fn mark(&mut self, name: &Arc<str>) {
        if self.phase != Phase::Connected {
            return;
        }
        if let Some(channel) = self.channels.get_mut(name)
            && !channel.changed
        {
            channel.changed = true;
            self.changed.push_back(Arc::clone(name));
        }
    }
}
