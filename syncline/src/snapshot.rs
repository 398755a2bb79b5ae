//! Snapshots: state that an app owns, pushed to everybody who watches it.
//!
//! Here is what an app gives, a [`SnapshotSource`] for each kind of topic, and what it tells, a change, through a
//! [`SnapshotHub`]. Who watches, and how a snapshot gets there, is the server's.

use std::{
    fmt,
    future::Future,
    hash::Hash,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{Session, SyncResult, audience_stage::AudienceKey, codes};

/// A topic's state at one version, as one audience may see it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    version: u64,
    data: Arc<RawValue>,
}

impl Snapshot {
    /// A snapshot. `version` is the app's own count of changes, often called `lock_version`: it rises with each change
    /// that anybody may see, and stays below 2^53, which a browser can hold.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn new(version: u64, data: &impl Serialize) -> SyncResult<Self> {
        Ok(Self { version, data: to_raw_value(data)?.into() })
    }

    /// A snapshot whose data is JSON already.
    #[must_use]
    pub fn raw(version: u64, data: Arc<RawValue>) -> Self {
        Self { version, data }
    }

    /// The app's version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The data.
    #[must_use]
    pub fn data(&self) -> &Arc<RawValue> {
        &self.data
    }
}

/// What an app knows of one kind of topic: who may watch, who sees the same, and what that is.
///
/// A snapshot is built once for each distinct audience of a topic, however many watch it, so it cannot depend on a
/// single viewer: what a viewer may see has to be in the audience.
pub trait SnapshotSource: Send + Sync + 'static {
    /// Who sees the same. `()` when everybody does; in a card game the seat, so that each hand stays hidden.
    type Audience: Hash + Eq + Send + Sync + 'static;

    /// The audience of a viewer. It is asked again whenever the topic has changed, and must be quick.
    fn audience(&self, id: &str, viewer: &Session) -> Self::Audience;

    /// The newest snapshot for that audience.
    ///
    /// # Errors
    /// A code of the app's, or [`codes::NOT_FOUND`] for a topic that is not there: then those who watch are told. A
    /// code with a status from 500 on means that it should be tried again.
    fn snapshot(
        &self,
        id: &str,
        audience: &Self::Audience,
    ) -> impl Future<Output = SyncResult<Snapshot>> + Send;

    /// Whether the viewer may watch that topic. Asked before anything is sent, and again now and then; an answer that
    /// does not come counts as no.
    fn may_watch(&self, id: &str, viewer: &Session) -> impl Future<Output = bool> + Send;
}

/// Where an app tells that a topic has changed. Cheap to clone; made before the server, which is given a clone.
#[derive(Clone, Default)]
pub struct SnapshotHub(Arc<OnceLock<Sink>>);

type Sink = Box<dyn Fn(Announcement<'_>) + Send + Sync>;

/// What an app tells of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement<'a> {
    /// The kind of the topic.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
    /// What happened.
    pub news: News,
}

/// What happened to a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It is at that version now.
    Changed(u64),
    /// Somebody may no longer watch it.
    Access,
}

impl SnapshotHub {
    /// A hub without a server yet. What is told before there is one is told to nobody, as nobody watches.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A topic is at that version now: to be called after the commit. Every node pushes it to those who watch there.
    /// Returns at once. A call too many does no harm.
    pub fn changed(&self, kind: &str, id: &str, version: u64) {
        self.tell(Announcement { kind, id, news: News::Changed(version) });
    }

    /// Somebody may no longer watch a topic: everybody's access is looked at again, at once.
    pub fn access_changed(&self, kind: &str, id: &str) {
        self.tell(Announcement { kind, id, news: News::Access });
    }

    fn tell(&self, announcement: Announcement<'_>) {
        if let Some(sink) = self.0.get() {
            sink(announcement);
        }
    }

    /// Leads to a server from now on. False if it leads to one already.
    #[doc(hidden)]
    #[must_use]
    pub fn lead_to(&self, sink: impl Fn(Announcement<'_>) + Send + Sync + 'static) -> bool {
        self.0.set(Box::new(sink)).is_ok()
    }
}

impl fmt::Debug for SnapshotHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SnapshotHub").finish_non_exhaustive()
    }
}

/// What a source's async functions come to.
pub type SourceFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A source whose audience has its type erased.
pub trait ErasedSource: Send + Sync {
    /// As [`SnapshotSource::audience`].
    fn audience(&self, id: &str, viewer: &Session) -> AudienceKey;
    /// As [`SnapshotSource::snapshot`].
    fn snapshot<'a>(
        &'a self,
        id: &'a str,
        audience: &'a AudienceKey,
    ) -> SourceFuture<'a, SyncResult<Snapshot>>;
    /// As [`SnapshotSource::may_watch`].
    fn may_watch<'a>(&'a self, id: &'a str, viewer: &'a Session) -> SourceFuture<'a, bool>;
}

impl<S: SnapshotSource> ErasedSource for S {
    fn audience(&self, id: &str, viewer: &Session) -> AudienceKey {
        AudienceKey::new(SnapshotSource::audience(self, id, viewer))
    }

    fn snapshot<'a>(
        &'a self,
        id: &'a str,
        audience: &'a AudienceKey,
    ) -> SourceFuture<'a, SyncResult<Snapshot>> {
        Box::pin(async move {
            // Only another source's key would not be there.
            let audience = audience.get::<S::Audience>().ok_or(codes::INTERNAL)?;
            SnapshotSource::snapshot(self, id, &audience).await
        })
    }

    fn may_watch<'a>(&'a self, id: &'a str, viewer: &'a Session) -> SourceFuture<'a, bool> {
        Box::pin(SnapshotSource::may_watch(self, id, viewer))
    }
}
