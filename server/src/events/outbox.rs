//! The way out to one socket over Socket.IO, and the ways to end it.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use serde_json::value::RawValue;
use socketioxide::{SendError, SocketError, TransportType};

use super::{
    member::{Outbox, OutboxError},
    socket::Io,
};
use crate::net::{KillSwitch, Upgrades};

/// The way out to one socket. It does not keep the socket alive: the namespace does, while it is connected.
pub(crate) struct SocketOutbox {
    socket: Weak<Io>,
    /// Of the connection that the session began on.
    first: KillSwitch,
    upgrades: Arc<Upgrades>,
}

impl SocketOutbox {
    pub(crate) fn new(socket: &Arc<Io>, first: KillSwitch, upgrades: Arc<Upgrades>) -> Self {
        Self { socket: Arc::downgrade(socket), first, upgrades }
    }

    /// The switch of the connection that the session is on now.
    fn kill_switch(&self) -> KillSwitch {
        let socket = self.socket.upgrade();
        let moved = socket.and_then(|socket| self.upgrades.of(&socket.id.to_string()));
        moved.unwrap_or_else(|| self.first.clone())
    }
}

impl Outbox for SocketOutbox {
    fn emit(&self, event: &str, payload: &RawValue) -> Result<(), OutboxError> {
        let socket = self.socket.upgrade().ok_or(OutboxError::Closed)?;
        socket.emit(event, payload).map_err(outbox_error)
    }

    fn kill(&self) {
        self.kill_switch().kill();
        if !self.has_connection() {
            tokio::spawn(disconnect_when_drained(Weak::clone(&self.socket)));
        }
    }

    fn has_connection(&self) -> bool {
        let socket = self.socket.upgrade();
        socket.is_none_or(|socket| socket.transport_type() == TransportType::Websocket)
    }

    fn hang_up(&self) {
        self.kill_switch().hang_up();
    }

    fn dismiss(&self) {
        let Some(socket) = self.socket.upgrade() else { return };
        if socket.disconnect().is_err() {
            self.kill_switch().kill();
        }
    }
}

/// Long-polling has no connection that could be ended: its queue has room again once the client polls, and if it never
/// does, its heartbeat ends it.
async fn disconnect_when_drained(socket: Weak<Io>) {
    while let Some(socket) = socket.upgrade() {
        if socket.disconnect().is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

pub(crate) fn outbox_error(error: SendError) -> OutboxError {
    match error {
        SendError::Socket(SocketError::InternalChannelFull) => OutboxError::Full,
        SendError::Socket(SocketError::Closed) => OutboxError::Closed,
        SendError::Serialize(error) => {
            tracing::error!(%error, "an event could not be encoded");
            OutboxError::Closed
        }
    }
}
