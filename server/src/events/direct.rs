//! A packet that is encoded once and queued to exactly the sockets that are to have it, each with its own outcome.
//!
//! socketioxide offers either a room emit, whose errors name no socket and whose recipients are whoever is in the room
//! by then, or an emit per socket, which encodes anew for each. Its adapters get the local half of the namespace in
//! their hands, and that takes encoded packets for a single socket: this adapter is the stock local one, and lends
//! that half out.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde_json::value::RawValue;
use socketioxide::{SocketError, adapter::Emitter, socket::Sid};
use socketioxide_core::{
    Str, Value,
    adapter::{BroadcastOptions, CoreAdapter, CoreLocalAdapter, DefinedAdapter, SocketEmitter},
    packet::Packet,
};

use super::member::OutboxError;

type Local = CoreLocalAdapter<Emitter>;

/// An event as it goes out, `["name",payload]`. Cloning it copies nothing.
#[derive(Clone, Debug)]
pub(crate) struct Frame(Str);

impl Frame {
    pub(crate) fn new(event: &str, payload: &RawValue) -> Self {
        // Event names are ours: nothing in them needs escaping.
        Self::from(format!(r#"["{event}",{}]"#, payload.get()))
    }
}

impl From<String> for Frame {
    /// A packet's text, as it is.
    fn from(packet: String) -> Self {
        Self(Str::from(packet))
    }
}

#[cfg(test)]
impl Frame {
    /// Whether both are one encoding.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.0.as_ptr(), other.0.as_ptr())
    }
}

/// The way to the sockets of the namespace, once there is one.
#[derive(Clone, Default)]
pub(crate) struct Direct(Arc<OnceLock<Arc<Local>>>);

impl Direct {
    /// Queues an event for one socket.
    pub(crate) fn send(&self, socket: Sid, frame: &Frame) -> Result<(), OutboxError> {
        let local = self.0.get().ok_or(OutboxError::Closed)?;
        let packet = Packet::event("/", Value::Str(frame.0.clone(), None));
        local.broadcast(packet, BroadcastOptions::new(socket)).map_err(|errors| match errors.first() {
            Some(SocketError::InternalChannelFull) => OutboxError::Full,
            Some(SocketError::Closed) | None => OutboxError::Closed,
        })
    }
}

/// The adapter of the namespace.
pub(crate) struct DirectAdapter(Arc<Local>);

impl CoreAdapter<Emitter> for DirectAdapter {
    type Error = Infallible;
    type State = Direct;
    type AckStream = <Emitter as SocketEmitter>::AckStream;
    type InitRes = ();

    fn new(state: &Direct, local: Local) -> Self {
        Self(Arc::clone(state.0.get_or_init(|| Arc::new(local))))
    }

    fn init(self: Arc<Self>, on_success: impl FnOnce() + Send + 'static) {
        on_success();
    }

    async fn broadcast_with_ack(
        &self,
        packet: Packet,
        opts: BroadcastOptions,
        timeout: Option<Duration>,
    ) -> Result<Self::AckStream, Infallible> {
        Ok(self.0.broadcast_with_ack(packet, opts, timeout).0)
    }

    fn get_local(&self) -> &Local {
        &self.0
    }
}

impl DefinedAdapter for DirectAdapter {}
