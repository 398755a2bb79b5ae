//! To and from the other nodes: that a topic has changed, on that topic's own channel.
//!
//! What could not be told is told again once Redis is back, so that nobody depends on when it was away; only the newest
//! of each topic is kept until then. Without Redis there are no others, and all of this is nothing.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use syncline::run;
use tokio::sync::Notify;

use super::{Snapshots, hint, topic::Topic};
use crate::{
    observe::SnapshotMetrics,
    redis_link::{self, Pushed, RedisLink, Subscriber},
};

/// How many topics' news may wait to be told. At the bound, others' are told to this node alone and counted as failed.
const WAITING: usize = 10_000;

/// How many are told at a time.
const AT_A_TIME: usize = 64;

/// How long to wait before it is tried again.
const AGAIN: Duration = Duration::from_millis(250);

/// The way to the other nodes.
pub(super) struct News {
    link: Option<Link>,
}

struct Link {
    /// What this node calls itself: its own hints come back to it.
    origin: String,
    /// One for each kind.
    subscribers: HashMap<String, Subscriber>,
    waiting: Mutex<HashMap<Topic, Waiting>>,
    more: Notify,
}

#[derive(Clone, Copy)]
struct Waiting {
    /// The newest version, if there is one.
    changed: Option<(u64, u64)>,
    /// When somebody's access changed, if it has.
    access: Option<u64>,
}

/// What is held for a topic that somebody watches: its channel.
pub(crate) struct Held(Option<redis_link::Held>);

impl Held {
    /// Waits until nothing more can be missed, or Redis is known to be away: then all is read again when it is back.
    pub(super) async fn confirmed(&self) {
        if let Some(held) = &self.0 {
            held.confirmed().await;
        }
    }
}

impl News {
    pub(super) fn new(redis: Option<Arc<RedisLink>>, kinds: &[String], snapshots: &Weak<Snapshots>) -> Self {
        let link = redis.map(|redis| {
            let origin = uuid::Uuid::new_v4().to_string();
            let subscribers = kinds.iter().enumerate().map(|(number, kind)| {
                let (snapshots, origin) = (Weak::clone(snapshots), origin.clone());
                let listener = move |pushed: Pushed<'_>| {
                    if let Some(snapshots) = snapshots.upgrade() {
                        // Each kind hears of a gap, and one is enough.
                        heard(&snapshots, pushed, &origin, number == 0);
                    }
                };
                (kind.clone(), redis.subscriber(&format!("{kind}:"), Box::new(listener)))
            });
            Link {
                subscribers: subscribers.collect(),
                origin,
                waiting: Mutex::default(),
                more: Notify::new(),
            }
        });
        Self { link }
    }

    /// Holds a topic's channel.
    pub(super) fn hold(&self, topic: &Topic) -> Held {
        let subscriber = self.link.as_ref().and_then(|link| link.subscribers.get(topic.kind()));
        Held(subscriber.map(|subscriber| subscriber.hold(&topic.channel())))
    }

    /// The other nodes are to be told. Returns at once.
    pub(super) fn publish(&self, topic: Topic, news: run::News, at: u64, metrics: &SnapshotMetrics) {
        let Some(link) = &self.link else { return };
        let mut waiting = link.lock();
        if waiting.len() >= WAITING && !waiting.contains_key(&topic) {
            drop(waiting);
            metrics.publish_failures.increment(1);
            return;
        }
        waiting.entry(topic).or_insert(Waiting { changed: None, access: None }).add(news, at);
        drop(waiting);
        link.more.notify_one();
    }

    /// Tells the other nodes what waits to be told, for as long as the server runs.
    pub(super) async fn tell(&self, metrics: &SnapshotMetrics) {
        let Some(link) = &self.link else { return };
        loop {
            link.more.notified().await;
            loop {
                let waiting = std::mem::take(&mut *link.lock());
                let told = waiting.into_iter().map(|(topic, waiting)| link.tell(topic, waiting));
                let failed = stream::iter(told).buffer_unordered(AT_A_TIME).filter_map(async |failed| failed);
                let failed: Vec<(Topic, Waiting)> = failed.collect().await;
                if failed.is_empty() {
                    break;
                }
                metrics.publish_failures.increment(failed.len() as u64);
                link.put_back(failed);
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

impl Waiting {
    fn add(&mut self, news: run::News, at: u64) {
        match news {
            run::News::Changed(version) if self.changed.is_none_or(|(known, _)| known < version) => {
                self.changed = Some((version, at));
            }
            run::News::Changed(_) => {}
            run::News::Access => self.access = Some(at),
        }
    }

    fn news(self) -> impl Iterator<Item = (run::News, u64)> {
        let changed = self.changed.map(|(version, at)| (run::News::Changed(version), at));
        changed.into_iter().chain(self.access.map(|at| (run::News::Access, at)))
    }
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of a topic; what could not be told.
    async fn tell(&self, topic: Topic, waiting: Waiting) -> Option<(Topic, Waiting)> {
        // There is one for each kind that topics are made of.
        let subscriber = self.subscribers.get(topic.kind())?;
        for (news, at) in waiting.news() {
            let message = hint::write(&topic, news, at, &self.origin);
            if let Err(error) = subscriber.publish(&topic.channel(), &message).await {
                tracing::debug!(%error, ?topic, "a change could not be told");
                return Some((topic, waiting));
            }
        }
        None
    }

    /// What has waited and could not be told waits on, below what has come since, for as long as there is room for it.
    fn put_back(&self, failed: Vec<(Topic, Waiting)>) {
        let mut all = self.lock();
        for (topic, before) in failed {
            let has_room = all.len() < WAITING;
            match all.entry(topic) {
                Entry::Vacant(none) if has_room => {
                    none.insert(before);
                }
                // It is counted as failed already.
                Entry::Vacant(_) => {}
                Entry::Occupied(mut since) => {
                    before.news().for_each(|(news, at)| since.get_mut().add(news, at));
                }
            }
        }
    }
}

fn heard(snapshots: &Arc<Snapshots>, pushed: Pushed<'_>, own: &str, tells_gap: bool) {
    let (channel, message) = match pushed {
        Pushed::Message { channel, message } => (channel, message),
        Pushed::Gap if tells_gap => return snapshots.gap(),
        Pushed::Gap => return,
    };
    match hint::read(channel, message) {
        Some(hint) if hint.origin.as_deref() == Some(own) => {}
        Some(hint) if hint.is_access => snapshots.look(&hint.topic),
        Some(hint) => snapshots.changed(&hint.topic, hint.version, hint.at),
        None => {
            snapshots.counts().malformed.increment(1);
            tracing::debug!(channel, bytes = message.len(), "a message on a topic's channel is none");
        }
    }
}

#[cfg(test)]
mod tests {
    use syncline::run::News as Told;

    use super::{HashMap, Link, Mutex, Notify, Topic, WAITING, Waiting};

    fn link() -> Link {
        let (subscribers, waiting) = (HashMap::new(), Mutex::default());
        Link { origin: "here".into(), subscribers, waiting, more: Notify::new() }
    }

    fn topic(number: usize) -> Topic {
        Topic::new("game", &number.to_string()).unwrap()
    }

    fn changed(version: u64) -> Waiting {
        Waiting { changed: Some((version, 0)), access: None }
    }

    #[test]
    fn what_could_not_be_told_waits_below_what_has_come_since() {
        let link = link();
        link.lock().insert(topic(1), Waiting { changed: Some((5, 50)), access: None });
        link.put_back(vec![
            (topic(1), Waiting { changed: Some((4, 40)), access: Some(41) }),
            (topic(2), changed(1)),
        ]);
        let all = link.lock();
        let told: Vec<_> = all[&topic(1)].news().collect();
        assert_eq!(told, [(Told::Changed(5), 50), (Told::Access, 41)]);
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn however_long_it_cannot_be_told_what_waits_is_bounded() {
        let link = link();
        for round in 0..3 {
            let failed = std::mem::take(&mut *link.lock());
            let since = (0..WAITING).map(|number| (topic(round * WAITING + number), changed(1)));
            link.lock().extend(since);
            link.put_back(failed.into_iter().collect());
        }
        assert_eq!(link.lock().len(), WAITING);
    }
}
