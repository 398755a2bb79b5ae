//! The way out to one socket over Socket.IO, and the ways to end it.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use serde::{Serialize, Serializer, ser::Error as _};
use socketioxide::{SendError, SocketError, TransportType};

use super::{
    direct::{Direct, Frame},
    member::{Outbox, OutboxError, SocketId},
    socket::Io,
};
use crate::net::{KillSwitch, Upgrades};

/// The way out to one socket. It does not keep the socket alive: the namespace does, while it is connected.
pub(crate) struct SocketOutbox {
    id: SocketId,
    socket: Weak<Io>,
    direct: Direct,
    /// Of the connection that the session began on.
    first: KillSwitch,
    upgrades: Arc<Upgrades>,
}

impl SocketOutbox {
    pub(crate) fn new(socket: &Arc<Io>, direct: Direct, first: KillSwitch, upgrades: Arc<Upgrades>) -> Self {
        Self { id: socket.id, socket: Arc::downgrade(socket), direct, first, upgrades }
    }

    /// The switch of the connection that the session is on now.
    fn kill_switch(&self) -> KillSwitch {
        let moved = self.upgrades.of(&self.id.to_string());
        moved.unwrap_or_else(|| self.first.clone())
    }
}

impl Outbox for SocketOutbox {
    fn emit(&self, frame: Frame) -> Result<(), OutboxError> {
        self.direct.send(self.id, frame)
    }

    fn is_full(&self) -> bool {
        let Some(socket) = self.socket.upgrade() else { return false };
        // socketioxide takes the place first and encodes then, so that this tells whether there is one and sends nothing.
        let sent = socket.emit("", &Unencodable);
        matches!(sent, Err(SendError::Socket(SocketError::InternalChannelFull)))
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

/// What cannot be made a packet of.
struct Unencodable;

impl Serialize for Unencodable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("not meant to be sent"))
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
