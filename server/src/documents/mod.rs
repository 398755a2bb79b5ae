//! Documents: Yjs, for stock clients.
//!
//! ```text
//! ws, hocuspocus --sitting--> owner --commit--> journal --later, whole--> store
//!                               |--once it is in the journal--> feed --> every socket of the document
//!                               '--and to the other nodes, over Redis
//! ```
//!
//! Edges: `ws` (y-websocket's clients), `hocuspocus` (Hocuspocus' clients) and `http`. State, free of IO: `document`,
//! `awareness`, `measure` (what an update is, before Yjs sees it), `frame`, `schedule`, `answers`. Between: `owner`, the one
//! task that has a document, `live`, which documents have one, `sitting`, one socket's place at one, `store` and `nodes`.

mod answers;
mod awareness;
pub(crate) mod codes;
mod depth;
mod document;
mod frame;
mod hocuspocus;
mod http;
mod id;
mod lib0;
mod live;
mod measure;
mod nodes;
mod openapi;
mod owner;
mod pace;
mod schedule;
mod sitting;
mod store;
mod view;
mod ws;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub(crate) use http::{PREFIXES, router};
use live::Live;
use nodes::Nodes;
pub(crate) use openapi::describe;
use owner::{Command, Outlets};
use schedule::Patience;
use store::Store;
use syncline::{Session, SyncResult, codes as framework};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};

use crate::{
    auth::{SharedSecret, Tokens, verify},
    config::Config,
    error::Errors,
    journal::{Journal, Space},
    net::RateLimits,
    observe::{Metrics, WsSystem},
    redis_link::RedisLink,
    ws::{Bounds, Connections, Edge},
};

/// How often a client that says nothing is told something, at the least: stock clients take a connection for dead on
/// which nothing came for 30 s.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How many KiB of updates may be on their way to the journal.
const ON_THE_WAY: usize = 64 * 1024;

/// How long until what was left, and could not be saved, is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(15);

/// How many ids of the journal are asked for at a time.
const PAGE: usize = 256;

/// What the composition root gives to the documents.
pub(crate) struct Parts {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) redis: Option<Arc<RedisLink>>,
    /// To say how many documents cannot be saved.
    pub(crate) unsaved: Arc<AtomicUsize>,
}

/// The documents of a server.
pub(crate) struct Documents {
    live: Arc<Live>,
    nodes: Option<Arc<Nodes>>,
    edge: Edge,
    hocuspocus: Edge,
    secret: Option<SharedSecret>,
    tokens: Arc<Tokens>,
    errors: Arc<Errors>,
    rates: Arc<RateLimits>,
    metrics: Arc<Metrics>,
    on_the_way: Arc<Semaphore>,
    /// Whether sockets are slowed down that talk too fast.
    paces: bool,
}

impl Documents {
    /// The documents in that journal and in the store of the settings; `runtime` is where they are worked on.
    ///
    /// # Errors
    /// With the name of the setting of the store that is wrong.
    pub(crate) fn new(
        config: &Config,
        parts: Parts,
        journal: Arc<dyn Journal>,
        runtime: Handle,
    ) -> Result<Self, String> {
        let Parts { tokens, errors, limits, metrics, connections, redis, unsaved } = parts;
        let bounds = Bounds {
            message: config.document_frame_bytes,
            ping_every: config.ws_ping.min(KEEP_ALIVE),
            idle: config.ws_idle,
        };
        let nodes = redis.map(|link| Nodes::new(link, Arc::clone(&metrics)));
        let (nodes, outgoing) = nodes.unzip();
        let outlets = Outlets {
            journal: Arc::clone(&journal),
            store: Store::from_config(config)?,
            metrics: Arc::clone(&metrics),
            nodes: nodes.clone(),
            patience: Patience { debounce: config.document_debounce, at_most: config.document_max_debounce },
            max_bytes: config.document_bytes,
            idle: config.document_idle,
            unsaved,
        };
        let live = Live::new(outlets, runtime.clone());
        if let Some((nodes, outgoing)) = nodes.as_ref().zip(outgoing) {
            nodes.start(&live, outgoing, &runtime);
        }
        runtime.spawn(save_what_was_left(Arc::clone(&live), journal));
        Ok(Self {
            live,
            nodes,
            hocuspocus: Edge::new(
                WsSystem::Hocuspocus,
                Arc::clone(&connections),
                Arc::clone(&metrics),
                bounds,
            ),
            edge: Edge::new(WsSystem::Documents, connections, Arc::clone(&metrics), bounds),
            secret: config.sync_shared_secret.as_ref().map(SharedSecret::new),
            tokens,
            errors,
            rates: limits,
            metrics,
            on_the_way: Arc::new(Semaphore::new(ON_THE_WAY)),
            paces: config.rate_limit_per_route.is_some(),
        })
    }

    /// The session of a token of either kind.
    fn session(&self, token: &str) -> SyncResult<Session> {
        match &self.secret {
            Some(secret) if SharedSecret::is_one(token) => secret.verify(token),
            None if SharedSecret::is_one(token) => {
                tracing::info!("a token was refused: without SYNC_SHARED_SECRET none of its kind is taken");
                Err(framework::AUTH_INVALID.into())
            }
            _ => verify(&self.tokens, token),
        }
    }

    /// Saves what is not saved, as far as there is time: all of it is in the journal.
    pub(crate) async fn stop(&self, budget: Duration) {
        let all = self.live.all();
        let saved = async {
            futures_util::future::join_all(all.iter().map(|open| open.save())).await;
            if let Some(nodes) = &self.nodes {
                // Who was here is not any more.
                nodes.told().await;
            }
        };
        if tokio::time::timeout(budget, saved).await.is_err() {
            tracing::warn!("some documents were not saved in time; they are in the journal");
        }
    }
}

/// What a process before this one did not come to save is saved now, whether somebody opens it or not: another node may.
async fn save_what_was_left(live: Arc<Live>, journal: Arc<dyn Journal>) {
    let mut after: Arc<str> = "".into();
    let mut all_saved = true;
    loop {
        let left = match journal.logs(Space::Documents, &after, PAGE).await {
            Ok(left) => left,
            Err(error) => return tracing::error!(%error, "what was left to save could not be found"),
        };
        for id in &left {
            let Some(id) = id::DocumentId::new(id) else { continue };
            all_saved &= live.open(&id).save().await;
        }
        match left.last() {
            Some(last) => after = Arc::clone(last),
            None if all_saved => return,
            None => {
                // The store may be away. One that could not even be read is tried again only from here.
                tokio::time::sleep(TRY_AGAIN).await;
                (after, all_saved) = ("".into(), true);
            }
        }
    }
}

impl live::OpenDocument {
    /// Saves all of it now; whether it is saved.
    async fn save(&self) -> bool {
        let (reply, saved) = oneshot::channel();
        self.ask(Command::Save(reply)).await.is_ok() && saved.await.unwrap_or(false)
    }

    /// Deletes it.
    async fn delete(&self) -> SyncResult<()> {
        let (reply, deleted) = oneshot::channel();
        self.ask(Command::Delete(reply)).await?;
        deleted.await.map_err(|_| framework::INTERNAL)?
    }
}

/// How many documents cannot be saved, as `/readyz` asks.
pub(crate) fn all_saved(unsaved: &AtomicUsize) -> bool {
    unsaved.load(Ordering::Acquire) == 0
}
