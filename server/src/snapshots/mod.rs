//! Snapshots: state that an app owns and numbers, pushed to everybody who watches it, to each as they may see it.
//!
//! ```text
//! app --changed--> hub --hint--> every node that has watchers of the topic --ask--> source --one per audience--> ws
//! ```
//!
//! Edges: `ws` and `http`. State: `topics` (who watches what), `topic`, `messages` and `hint` (names and texts), all free
//! of IO. Between: this handle, `source` (the app's code, guarded) and `news` (to and from the other nodes). `games` is
//! the source that is there without an app's. Nothing of a snapshot reaches a log.

pub(crate) mod codes;
mod games;
mod hint;
mod http;
mod messages;
mod news;
mod openapi;
mod source;
mod topic;
mod topics;
mod ws;

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
pub(crate) use games::Games;
pub(crate) use http::{PREFIXES, router};
use news::{Held, News};
pub(crate) use openapi::describe;
use source::Source;
use syncline::{
    Session, SnapshotHub, SyncResult,
    run::{self, Announcement, AudienceKey, ErasedSource},
};
use tokio::runtime::Handle;
use topic::Topic;
pub(crate) use topic::{GAME, is_kind};
use topics::{Channel, Frame, Topics, Watch};

use crate::{
    auth::{Tickets, Tokens},
    clock::millis_now,
    config::Config,
    error::Errors,
    net::RateLimits,
    observe::{Metrics, SnapshotMetrics, WsSystem},
    redis_link::RedisLink,
    ws::{Bounds, Connections, Edge},
};

/// The largest message from a client, in bytes: it only names topics.
const MAX_MESSAGE: usize = 16 * 1024;

/// How many audiences of a topic are built at a time.
const BUILDS_PER_TOPIC: usize = 8;

/// How long to wait before a snapshot that could not be built is tried again.
const BUILD_AGAIN: Duration = Duration::from_millis(500);

/// What the composition root gives to snapshots.
pub(crate) struct Parts {
    pub(crate) sources: Vec<(String, Arc<dyn ErasedSource>)>,
    pub(crate) games: Option<Games>,
    pub(crate) hub: SnapshotHub,
    pub(crate) redis: Option<Arc<RedisLink>>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connections: Arc<Connections>,
}

/// The snapshots of a server.
pub(crate) struct Snapshots {
    sources: HashMap<String, Source>,
    /// The built-in source, where the app has none of its own.
    games: Option<Games>,
    topics: Arc<Topics<Held>>,
    news: News,
    edge: Edge,
    tickets: Arc<Tickets>,
    tokens: Arc<Tokens>,
    errors: Arc<Errors>,
    limits: Arc<RateLimits>,
    metrics: Arc<Metrics>,
    max_bytes: usize,
    max_depth: usize,
    runtime: OnceLock<Handle>,
}

impl Snapshots {
    /// Nothing if the hub leads to another server already.
    pub(crate) fn new(config: &Config, parts: Parts) -> Option<Arc<Self>> {
        let Parts { sources, games, hub, redis, tickets, tokens, errors, limits, metrics, connections } =
            parts;
        let bounds = Bounds { message: MAX_MESSAGE, ping_every: config.ws_ping, idle: config.ws_idle };
        let edge = Edge::new(WsSystem::Snapshots, connections, Arc::clone(&metrics), bounds);
        let source = |(kind, source)| (kind, Source::new(source, config.handler_timeout));
        let kinds: Vec<String> = sources.iter().map(|(kind, _)| kind.clone()).collect();
        let snapshots = Arc::new_cyclic(|this: &Weak<Self>| Self {
            sources: sources.into_iter().map(source).collect(),
            games,
            topics: Topics::new(),
            news: News::new(redis, &kinds, this),
            edge,
            tickets,
            tokens,
            errors,
            limits,
            metrics,
            max_bytes: config.max_state_bytes,
            max_depth: config.max_json_depth,
            runtime: OnceLock::new(),
        });
        let this = Arc::downgrade(&snapshots);
        let leads = hub.lead_to(move |announcement| {
            if let Some(this) = this.upgrade() {
                this.announced(announcement);
            }
        });
        leads.then_some(snapshots)
    }

    fn counts(&self) -> &SnapshotMetrics {
        &self.metrics.snapshots
    }

    /// Starts what goes on for as long as the server runs: telling the other nodes. Until then nobody watches.
    pub(crate) fn start(self: &Arc<Self>) {
        let _once = self.runtime.set(Handle::current());
        let (telling, sweeping) = (Arc::clone(self), Arc::clone(&self.tickets));
        tokio::spawn(async move { telling.news.tell(&telling.metrics.snapshots).await });
        tokio::spawn(async move { sweeping.sweep().await });
    }

    /// The app says that something happened, on whatever thread.
    fn announced(self: &Arc<Self>, Announcement { kind, id, news }: Announcement<'_>) {
        let Some(topic) = Topic::new(kind, id).filter(|topic| self.sources.contains_key(topic.kind())) else {
            // An id may come from whoever asks the app for something: that is not worth a line each time.
            tracing::debug!(kind, id, "a change of a topic that cannot be");
            return;
        };
        let at = millis_now();
        match news {
            run::News::Changed(version) => self.changed(&topic, Some(version), Some(at)),
            run::News::Access => self.look(&topic),
        }
        self.news.publish(topic, news, at, self.counts());
    }

    /// A topic has changed, here or elsewhere.
    fn changed(self: &Arc<Self>, topic: &Topic, version: Option<u64>, at: Option<u64>) {
        if let Some(channel) = self.topics.get(topic) {
            channel.changed(version, at);
            self.refresh(channel);
        }
    }

    /// Somebody's access to a topic may have gone.
    fn look(&self, topic: &Topic) {
        if let Some(channel) = self.topics.get(topic) {
            channel.look();
        }
    }

    /// Changes may have been missed: all that is watched is read again.
    fn gap(self: &Arc<Self>) {
        self.counts().gaps.increment(1);
        for channel in self.topics.all() {
            channel.changed(None, None);
            self.refresh(channel);
        }
    }

    /// Builds what is stale of a topic, unless somebody does already.
    fn refresh(self: &Arc<Self>, channel: Arc<Channel<Held>>) {
        let Some(runtime) = self.runtime.get() else { return };
        if channel.begin() {
            let this = Arc::clone(self);
            runtime.spawn(async move { this.build(&channel).await });
        }
    }

    async fn build(&self, channel: &Channel<Held>) {
        let Some(source) = self.sources.get(channel.topic.kind()) else { return };
        let id = channel.topic.id();
        while let Some(round) = channel.round(|viewer| source.audience_unguarded(id, viewer)) {
            let builds = round
                .audiences
                .into_iter()
                .map(async |audience| self.build_one(source, channel, &audience, round.changed_at).await);
            let failed: Vec<bool> = stream::iter(builds).buffer_unordered(BUILDS_PER_TOPIC).collect().await;
            let failed = failed.contains(&true);
            if failed {
                tokio::time::sleep(BUILD_AGAIN).await;
            }
        }
    }

    /// Builds the snapshot of one audience; says whether that has to be tried again.
    async fn build_one(
        &self,
        source: &Source,
        channel: &Channel<Held>,
        audience: &AudienceKey,
        changed_at: Option<u64>,
    ) -> bool {
        let topic = &channel.topic;
        match source.snapshot(topic.id(), audience).await {
            Ok(snapshot) => {
                self.counts().builds.increment(1);
                let text = messages::snapshot(topic, &snapshot);
                let version = snapshot.version();
                channel.publish(audience, Frame { version, text, changed_at });
                tracing::debug!(
                    game_id = topic.id(),
                    reason = "changed",
                    version,
                    "a snapshot was broadcast"
                );
                false
            }
            Err(error) => {
                self.counts().build_failures.increment(1);
                let again = error.code().http_status() >= 500;
                channel.refuse(audience, &error, again);
                again
            }
        }
    }

    /// Watches a topic, once its first snapshot is there to be sent.
    ///
    /// # Errors
    /// `snapshot.notFound`, `snapshot.forbidden`, or what the source says.
    async fn watch(self: &Arc<Self>, topic: &Topic, viewer: &Arc<Session>) -> SyncResult<Watch<Held>> {
        let source = self.sources.get(topic.kind()).ok_or(codes::NOT_FOUND)?;
        if !source.may_watch(topic.id(), viewer).await {
            return Err(codes::FORBIDDEN.into());
        }
        let audience = source.audience(topic.id(), viewer)?;
        let hold = || self.news.hold(topic);
        // First of all: whatever changes from here on is built for this watcher too.
        let watch = self.topics.watch(topic, Arc::clone(viewer), audience, hold);
        watch.channel.held.confirmed().await;
        self.refresh(Arc::clone(&watch.channel));
        std::future::poll_fn(|context| watch.poll_first(context.waker())).await?;
        Ok(watch)
    }
}
