//! The edge that every system over plain WebSockets has in common: the upgrade, pings, bounds, close codes, the end of
//! a session, the way out at a stop. What is said is the system's, a [`Conversation`].
//!
//! A connection has no queue of its own: it asks its conversation for the next payload when the one before it is
//! written. Who may come in is decided before, by the system.

mod connection;
mod connections;
mod conversation;
mod end;
mod feed;
mod handshake;
mod listing;
mod refused;

use std::{sync::Arc, time::Duration};

use axum::{extract::Request, response::Response};
pub(crate) use connections::Connections;
use connections::{Connection, NoPlace};
pub(crate) use conversation::{Conversation, Next, Payload, Work};
pub(crate) use end::End;
pub(crate) use feed::{Feed, Frame, Seen, Watcher};
pub(crate) use handshake::{UPGRADE_REQUIRED, with_upgrade};
pub(crate) use listing::{describe, router};
pub(crate) use refused::Refused;
use syncline::{Session, SyncError, SyncResult};
use tracing::Instrument as _;

use crate::{
    codes,
    net::RequestContext,
    observe::{Metrics, WsSystem},
};

/// How long a client that was refused for the moment should wait.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The bounds of a system's connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The size of a message from the client, in bytes.
    pub(crate) message: usize,
    /// How often the client is pinged.
    pub(crate) ping_every: Duration,
    /// How long it may want nothing and say nothing.
    pub(crate) idle: Duration,
}

/// A system's way to its plain WebSockets.
pub(crate) struct Edge {
    system: WsSystem,
    connections: Arc<Connections>,
    metrics: Arc<Metrics>,
    bounds: Bounds,
}

impl Edge {
    pub(crate) fn new(
        system: WsSystem,
        connections: Arc<Connections>,
        metrics: Arc<Metrics>,
        bounds: Bounds,
    ) -> Self {
        Self { system, connections, metrics, bounds }
    }

    /// Makes the request a WebSocket that goes on with `conversation`, for as long as the session lasts.
    ///
    /// # Errors
    /// `upgrade.required` for a request that asks for no WebSocket, `stream.limit` and `server.shuttingDown`.
    pub(crate) fn accept(
        &self,
        mut request: Request,
        context: &RequestContext,
        session: &Session,
        conversation: impl Conversation,
    ) -> SyncResult<Response> {
        let response = handshake::response_to(&request)?;
        let place = self.connections.enter(Connection::new(self.system, session, context));
        let place = place.map_err(|refused| -> SyncError {
            match refused {
                NoPlace::Full => codes::STREAM_LIMIT.with("seconds", RETRY_AFTER_SECONDS),
                NoPlace::Closed => syncline::codes::SHUTTING_DOWN.into(),
            }
        })?;
        let upgrade = hyper::upgrade::on(&mut request);
        let (bounds, metrics) = (self.bounds, Arc::clone(&self.metrics));
        let expires_at = session.expires_at;
        let running = async move {
            connection::run(upgrade, place, expires_at, conversation, bounds, &metrics).await;
        };
        // Detached: the request's own span ends with its answer.
        tokio::spawn(running.instrument(tracing::Span::none()));
        Ok(response)
    }
}

#[cfg(test)]
mod conformance;
