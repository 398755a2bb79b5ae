//! Workspaces: durable JSON by key, with its history, on an Automerge document each.
//!
//! ```text
//! ws, http --ask--> owner --commit--> journal
//!                     '--once it is on disk--> feed --> every socket of the workspace
//! ```
//!
//! Edges: `ws` and `http`. State: `document` (with `value`, `keys`, `stamp`, `seen`), `feed` (what everybody is told, and
//! how far each is), `messages`, `access`, all free of IO. Between: `owner`, the one task that has a document, and `live`,
//! which workspaces have one. A value is nobody's business here, and none of it reaches a log.

mod access;
pub(crate) mod codes;
mod document;
mod feed;
mod http;
mod id;
mod keys;
mod live;
mod messages;
mod openapi;
mod owner;
mod repo;
mod seen;
mod stamp;
mod value;
mod ws;

use std::{sync::Arc, time::Duration};

use automerge::ActorId;
pub(crate) use http::{PREFIX, router};
use live::Live;
use messages::Limits;
pub(crate) use openapi::describe;
use owner::Outlets;
use repo::Peers;
pub(crate) use repo::read_for_fuzzing;
use syncline::{SyncError, codes as framework};
use tokio::runtime::Handle;

use crate::{
    auth::Tokens,
    config::Config,
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
    limits: Limits,
    region: Arc<str>,
    server_id: Arc<str>,
}

impl Workspaces {
    /// The workspaces in that journal; `runtime` is where their documents are worked on.
    pub(crate) fn new(
        config: &Config,
        parts: Parts,
        journal: Arc<dyn Journal>,
        server_id: Arc<str>,
        runtime: Handle,
    ) -> Self {
        let Parts { tokens, errors, limits: rates, metrics, connections } = parts;
        let bounds = Bounds {
            message: config.workspace_op_bytes * MESSAGE_FACTOR,
            ping_every: config.ws_ping,
            idle: config.ws_idle,
        };
        let outlets = Outlets {
            journal,
            metrics: Arc::clone(&metrics),
            // One a process and not one a node: nobody else ever continues its changes, whatever became of the disk.
            actor: ActorId::random(),
            max_bytes: config.workspace_bytes,
            idle: config.workspace_idle,
        };
        let largest = Bounds { message: config.workspace_op_bytes * repo::MESSAGE_FACTOR, ..bounds };
        let peers = Edge::new(WsSystem::Automerge, Arc::clone(&connections), Arc::clone(&metrics), largest);
        Self {
            live: Live::new(outlets, runtime),
            edge: Edge::new(WsSystem::Workspaces, connections, Arc::clone(&metrics), bounds),
            peers: Peers::new(peers, &server_id, config.workspace_op_bytes),
            tokens,
            errors,
            rates,
            metrics,
            limits: Limits { op_bytes: config.workspace_op_bytes, depth: config.max_json_depth },
            region: config.region.as_str().into(),
            server_id,
        }
    }

    /// Waits for what was asked before to be on disk.
    pub(crate) async fn stop(&self, budget: Duration) {
        let all = self.live.all();
        let settled = futures_util::future::join_all(all.iter().map(|workspace| workspace.read(|_| ())));
        if tokio::time::timeout(budget, settled).await.is_err() {
            tracing::warn!("some workspaces did not settle in time; what they acknowledged is on disk");
        }
    }

    /// Counts something that was heard from that address and that user.
    fn limited(&self, address: ClientAddress, user: &Arc<str>) -> Result<(), SyncError> {
        let limited = self.rates.check_address(address).and_then(|()| self.rates.check_workspaces(user));
        limited.map_err(|retry| framework::RATE_LIMITED.with("seconds", retry.0))
    }
}
