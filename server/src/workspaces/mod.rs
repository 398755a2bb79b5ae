//! Workspaces: durable JSON by key, with its history, on an Automerge document each.
//!
//! ```text
//! ws, http --ask--> owner --commit--> journal
//!                     |--once it is on disk--> feed --> every socket of the workspace
//!                     '--in the same commit--> webhook
//! ```
//!
//! Edges: `ws` and `http`. State: `document` (with `value`, `keys`, `stamp`, `seen`), `feed` (what everybody is told, and
//! how far each is), `messages`, `access`, all free of IO. Between: `owner`, the one task that has a document, and `live`,
//! which workspaces have one; `webhook` tells a receiver of changes. A value is nobody's business here, and none of it reaches a log.

pub(crate) mod codes;
mod document;
mod http;
mod id;
mod keys;
mod live;
mod messages;
mod openapi;
mod owner;
mod replication;
mod repo;
mod seen;
mod stamp;
mod value;
mod webhook;
mod ws;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use automerge::ActorId;
pub(crate) use http::{PREFIX, router};
use live::Live;
use messages::Limits;
pub(crate) use openapi::describe;
use owner::Outlets;
use replication::Replication;
use repo::Peers;
use secrecy::ExposeSecret as _;
use syncline::{SyncError, codes as framework};
use tokio::runtime::Handle;
use webhook::Webhooks;

use crate::{
    auth::Tokens,
    config::{Config, NatsServers},
    error::Errors,
    journal::Journal,
    net::{ClientAddress, RateLimits},
    observe::{Metrics, WsSystem},
    ws::{Bounds, Connections, Edge},
};

/// How much larger than the largest op a message may be: the envelope, and what is refused with an answer instead of an
/// end of the connection.
const MESSAGE_FACTOR: usize = 4;

/// What the composition root gives to the workspaces.
pub(crate) struct Parts {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connections: Arc<Connections>,
    /// To say whether the other nodes can be reached.
    pub(crate) nats_is_up: Arc<AtomicBool>,
}

/// The workspaces of a server.
pub(crate) struct Workspaces {
    live: Arc<Live>,
    edge: Edge,
    peers: Peers,
    tokens: Arc<Tokens>,
    errors: Arc<Errors>,
    rates: Arc<RateLimits>,
    metrics: Arc<Metrics>,
    webhooks: Option<Arc<Webhooks>>,
    limits: Limits,
    region: Arc<str>,
    server_id: Arc<str>,
    replication: Option<Arc<Replication>>,
}

impl Workspaces {
    /// The workspaces in that journal; `runtime` is where their documents are worked on.
    ///
    /// # Errors
    /// With the name of the setting of the webhook that is wrong.
    pub(crate) fn new(
        config: &Config,
        parts: Parts,
        journal: Arc<dyn Journal>,
        server_id: Arc<str>,
        runtime: Handle,
    ) -> Result<Self, String> {
        let Parts { tokens, errors, limits: rates, metrics, connections, nats_is_up } = parts;
        let bounds = Bounds {
            message: config.workspace_op_bytes * MESSAGE_FACTOR,
            ping_every: config.ws_ping,
            idle: config.ws_idle,
        };
        let webhooks = Webhooks::new(config, Arc::clone(&journal), Arc::clone(&metrics))?;
        if let Some(webhooks) = &webhooks {
            let _on_it = runtime.enter();
            webhooks.start();
        }
        // The settings were checked when they were read.
        let servers = config.nats_url.as_ref().and_then(|url| NatsServers::parse(url.expose_secret()));
        let replication = servers.map(|servers| {
            let (id, journal) = (Arc::clone(&server_id), Arc::clone(&journal));
            Replication::new(servers, id, config.nats_keep, journal, Arc::clone(&metrics), nats_is_up)
        });
        let outlets = Outlets {
            journal,
            webhooks: webhooks.clone(),
            metrics: Arc::clone(&metrics),
            // One a process and not one a node: nobody else ever continues its changes, whatever became of the disk.
            actor: ActorId::random(),
            max_bytes: config.workspace_bytes,
            idle: config.workspace_idle,
            replication: replication.clone(),
        };
        let largest = Bounds { message: config.workspace_op_bytes * repo::MESSAGE_FACTOR, ..bounds };
        let peers = Edge::new(WsSystem::Automerge, Arc::clone(&connections), Arc::clone(&metrics), largest);
        let live = Live::new(outlets, runtime.clone());
        if let Some(replication) = &replication {
            replication.start(&live, &runtime);
        }
        Ok(Self {
            live,
            edge: Edge::new(WsSystem::Workspaces, connections, Arc::clone(&metrics), bounds),
            peers: Peers::new(peers, &server_id, config.workspace_op_bytes),
            tokens,
            errors,
            rates,
            metrics,
            limits: Limits { op_bytes: config.workspace_op_bytes, depth: config.max_json_depth },
            webhooks,
            region: config.region.as_str().into(),
            server_id,
            replication,
        })
    }

    /// Waits for what was asked before to be on disk, and for the webhook to be told what is due.
    pub(crate) async fn stop(&self, budget: Duration) {
        let deadline = tokio::time::Instant::now() + budget;
        let all = self.live.all();
        let settled = async {
            futures_util::future::join_all(all.iter().map(|workspace| workspace.read(|_| ()))).await;
            if let Some(replication) = &self.replication {
                replication.settle().await;
            }
        };
        if tokio::time::timeout(budget, settled).await.is_err() {
            tracing::warn!("some workspaces did not settle in time; what they acknowledged is on disk");
        }
        if let Some(webhooks) = &self.webhooks {
            webhooks.stop(deadline.saturating_duration_since(tokio::time::Instant::now())).await;
        }
    }

    /// Counts something that was heard from that address and that user.
    fn limited(&self, address: ClientAddress, user: &Arc<str>) -> Result<(), SyncError> {
        let limited = self.rates.check_address(address).and_then(|()| self.rates.check_workspaces(user));
        limited.map_err(|retry| framework::RATE_LIMITED.with("seconds", retry.0))
    }
}
