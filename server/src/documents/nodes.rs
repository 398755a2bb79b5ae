//! To and from the other nodes, over Redis: updates, awareness, and how far each is with a document, on that document's own
//! channel.
//!
//! What gets lost on the way is no loss: nodes tell each other every few seconds how far they are, and at once after a
//! gap, and whoever lacks something is told it. What a message does to a document is its owner's.

mod envelope;

use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use envelope::Envelope;
use redis::{AsyncCommands as _, pipe};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};

use super::{awareness::Source, id::DocumentId, live::Live, owner::Command};
use crate::{
    observe::Metrics,
    redis_link::{self, Pushed, RedisLink, Subscriber},
};

/// Before the id of a document, its channel's name.
const PREFIX: &str = "syncline:document:";

/// Before the name of a part that is too large for a channel.
const PART: &str = "syncline:document-part:";

/// How long such a part is kept.
const PART_SECONDS: u64 = 60;

/// What is larger does not go by a channel: Redis cuts off whoever is slow to take it.
const LARGEST_ON_CHANNEL: usize = 256 * 1024;

/// How many messages may wait to be told, and how many KiB of them. What finds no room is not told: the others hear that
/// they lack it when nodes compare.
const WAITING: usize = 4096;
const WAITING_UNITS: u32 = 64 * 1024;
const UNIT: usize = 1024;

/// How many messages are told in one turn.
const AT_A_TIME: usize = 64;

/// A node, as others know it: random, and new at each start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(pub(super) [u8; 16]);

impl NodeId {
    /// Whose awareness it is that comes from there.
    pub(super) fn source(self) -> Source {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        Source::Node(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// How far a node is with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Equal for whoever has the same.
    pub(super) digest: [u8; 32],
    pub(super) state_vector: Bytes,
}

/// Why a node says how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is time to.
    Unasked,
    /// It has just come, or may have missed something: it wants to know what there is.
    Asked,
    /// Another node did.
    Answer,
}

/// What this node tells the others of a document.
#[derive(Clone, Debug)]
pub(super) enum News {
    Update(Bytes),
    Awareness(Bytes),
    /// A text that nobody keeps.
    Stateless(Bytes),
    State(Standing, Said),
    /// It is deleted.
    Deleted,
    /// Nobody here has it open any more.
    Left,
}

/// What another node has told, or what became of the way to them.
#[derive(Clone, Debug)]
pub(super) enum Remote {
    Update(Bytes),
    Awareness(NodeId, Bytes),
    Stateless(Bytes),
    State(Standing, Said),
    Deleted,
    Left(NodeId),
    /// Something may have been missed.
    Gap,
}

/// What is held for a document that is open: its channel.
pub(super) struct Held(redis_link::Held);

impl Held {
    /// Waits until nothing more can be missed, or Redis is known to be away: then a gap follows.
    pub(super) async fn confirmed(&self) {
        self.0.confirmed().await;
    }
}

/// The way to the other nodes.
pub(super) struct Nodes {
    id: NodeId,
    link: Arc<RedisLink>,
    metrics: Arc<Metrics>,
    live: OnceLock<Weak<Live>>,
    subscriber: OnceLock<Subscriber>,
    waiting: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

/// A message that waits to be told.
struct Waiting {
    channel: String,
    message: Bytes,
    _room: OwnedSemaphorePermit,
}

impl Nodes {
    /// Nothing is heard and told before [`Nodes::start`].
    pub(super) fn new(link: Arc<RedisLink>, metrics: Arc<Metrics>) -> (Arc<Self>, Outgoing) {
        let (waiting, outgoing) = mpsc::channel(WAITING);
        let nodes = Self {
            id: NodeId(*uuid::Uuid::new_v4().as_bytes()),
            link,
            metrics,
            live: OnceLock::new(),
            subscriber: OnceLock::new(),
            waiting,
            room: Arc::new(Semaphore::new(WAITING_UNITS as usize)),
        };
        (Arc::new(nodes), Outgoing(outgoing))
    }

    /// Begins to hear and to tell.
    pub(super) fn start(self: &Arc<Self>, live: &Arc<Live>, outgoing: Outgoing, runtime: &Handle) {
        let _once = self.live.set(Arc::downgrade(live));
        let (nodes, handle) = (Arc::downgrade(self), runtime.clone());
        let listener = move |pushed: Pushed<'_>| {
            if let Some(nodes) = nodes.upgrade() {
                nodes.heard(pushed, &handle);
            }
        };
        let _once = self.subscriber.set(self.link.subscriber(PREFIX, Box::new(listener)));
        let (link, metrics) = (Arc::clone(&self.link), Arc::clone(&self.metrics));
        runtime.spawn(async move { outgoing.tell(&link, &metrics).await });
    }

    /// Holds a document's channel.
    pub(super) fn hold(&self, id: &DocumentId) -> Option<Held> {
        self.subscriber.get().map(|subscriber| Held(subscriber.hold(&channel(id))))
    }

    /// The other nodes are to be told. Returns at once.
    pub(super) fn tell(&self, id: &DocumentId, news: News) {
        let message = envelope::write(self.id, &news);
        let units = u32::try_from(message.len().div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, WAITING_UNITS);
        let room = Arc::clone(&self.room).try_acquire_many_owned(units);
        let told = room.ok().and_then(|room| {
            self.waiting.try_send(Waiting { channel: channel(id), message, _room: room }).ok()
        });
        if told.is_none() {
            self.metrics.documents.publish_failures.increment(1);
        }
    }

    /// Waits until all that was to be told up to now is, or could not be.
    pub(super) async fn told(&self) {
        let _all_of_the_room = self.room.acquire_many(WAITING_UNITS).await;
    }

    fn heard(self: &Arc<Self>, pushed: Pushed<'_>, runtime: &Handle) {
        let Some(live) = self.live.get().and_then(Weak::upgrade) else { return };
        let (channel, message) = match pushed {
            Pushed::Message { channel, message } => (channel, message),
            Pushed::Gap => {
                self.metrics.documents.gaps.increment(1);
                return live.all().iter().for_each(|open| self.deliver(&live, &open.id, Remote::Gap));
            }
        };
        let id = channel.strip_prefix(PREFIX).and_then(DocumentId::new);
        let envelope = envelope::read(message);
        let Some((id, (from, envelope))) = id.zip(envelope) else { return self.malformed(message.len()) };
        if from == self.id {
            return;
        }
        match envelope {
            Envelope::Remote(remote) => self.deliver(&live, &id, remote),
            Envelope::Part(name) => {
                let nodes = Arc::clone(self);
                runtime.spawn(async move { nodes.fetch(&live, &id, from, &name).await });
            }
        }
    }

    fn malformed(&self, bytes: usize) {
        self.metrics.documents.remote_malformed.increment(1);
        tracing::debug!(bytes, "a message on a document's channel is none");
    }

    /// Waits for nobody: whoever is not told now finds out when nodes compare.
    fn deliver(&self, live: &Arc<Live>, id: &DocumentId, remote: Remote) {
        let Some(open) = live.get(id) else { return };
        if open.try_ask(Command::Remote(remote)).is_err() {
            self.metrics.documents.gaps.increment(1);
        }
    }

    /// Gets a part that was too large for the channel.
    async fn fetch(&self, live: &Arc<Live>, id: &DocumentId, from: NodeId, name: &str) {
        let part = self.link.commands(async |mut connection| {
            connection.get::<_, Option<Vec<u8>>>(format!("{PART}{name}")).await
        });
        match part.await {
            Ok(Some(part)) => match envelope::read(&part) {
                Some((sender, Envelope::Remote(remote))) if sender == from => self.deliver(live, id, remote),
                _ => self.malformed(part.len()),
            },
            Ok(None) | Err(_) => self.metrics.documents.gaps.increment(1),
        }
    }
}

/// What waits to be told.
pub(super) struct Outgoing(mpsc::Receiver<Waiting>);

impl Outgoing {
    /// Tells the other nodes, in order, for as long as the server runs.
    async fn tell(mut self, link: &RedisLink, metrics: &Metrics) {
        let mut waiting = Vec::with_capacity(AT_A_TIME);
        while self.0.recv_many(&mut waiting, AT_A_TIME).await > 0 {
            let mut commands = pipe();
            for Waiting { channel, message, .. } in &waiting {
                if message.len() <= LARGEST_ON_CHANNEL {
                    commands.cmd("PUBLISH").arg(channel).arg(&message[..]).ignore();
                    continue;
                }
                let name = uuid::Uuid::new_v4().simple().to_string();
                let Some(pointer) = envelope::pointer(message, &name) else { continue };
                commands.set_ex(format!("{PART}{name}"), &message[..], PART_SECONDS).ignore();
                commands.cmd("PUBLISH").arg(channel).arg(&pointer[..]).ignore();
            }
            let told =
                link.commands(async |mut connection| commands.query_async::<()>(&mut connection).await);
            if told.await.is_err() {
                metrics.documents.publish_failures.increment(waiting.len() as u64);
            }
            waiting.clear();
        }
    }
}

fn channel(id: &DocumentId) -> String {
    format!("{PREFIX}{}", id.as_str())
}
