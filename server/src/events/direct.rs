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

use super::{
    group::{Mirrors, Unsent},
    member::OutboxError,
};

type Local = CoreLocalAdapter<Emitter>;

/// A packet as it goes out: an event, `["name",payload]`, or several of one name, `["name",payload,payload,..]`. Cloning it
/// copies nothing.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    text: Str,
    events: u32,
}

impl Frame {
    pub(crate) fn new(event: &str, payload: &RawValue) -> Self {
        // Event names are ours: nothing in them needs escaping.
        Self::from(format!(r#"["{event}",{}]"#, payload.get()))
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// How many events are in it.
    pub(crate) fn events(&self) -> u32 {
        self.events
    }

    fn into_packet(self) -> Packet {
        Packet::event("/", Value::Str(self.text, None))
    }

    /// Whether both are one encoding.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.text.as_ptr(), other.text.as_ptr())
    }

    /// The `sync` events of several packets as one packet.
    pub(crate) fn joined(frames: &[&Self]) -> Self {
        if let [only] = frames {
            return (*only).clone();
        }
        let mut packet = String::with_capacity(frames.iter().map(|frame| frame.len()).sum());
        packet.push_str(SYNC);
        for frame in frames {
            if packet.len() > SYNC.len() {
                packet.push(',');
            }
            let events = frame.text.strip_prefix(SYNC).and_then(|rest| rest.strip_suffix(']'));
            packet.push_str(events.unwrap_or_default());
        }
        packet.push(']');
        Self { text: Str::from(packet), events: frames.iter().map(|frame| frame.events).sum() }
    }
}

/// How the packet of a `sync` event begins.
const SYNC: &str = r#"["sync","#;

#[cfg(test)]
impl Frame {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl From<String> for Frame {
    /// The text of a packet with one event, as it is.
    fn from(packet: String) -> Self {
        Self { text: Str::from(packet), events: 1 }
    }
}

/// The way to the sockets of the namespace, once there is one.
#[derive(Clone, Default)]
pub(crate) struct Direct(Arc<OnceLock<Arc<Local>>>);

impl Direct {
    /// Queues a packet for one socket.
    pub(crate) fn send(&self, socket: Sid, frame: Frame) -> Result<(), OutboxError> {
        let local = self.0.get().ok_or(OutboxError::Closed)?;
        local.broadcast(frame.into_packet(), BroadcastOptions::new(socket)).map_err(|errors| {
            match errors.first() {
                Some(SocketError::InternalChannelFull) => OutboxError::Full,
                Some(SocketError::Closed) | None => OutboxError::Closed,
            }
        })
    }
}

impl Mirrors for Direct {
    fn is_ready(&self) -> bool {
        self.0.get().is_some()
    }

    fn add(&self, mirror: &str, socket: Sid) {
        if let Some(local) = self.0.get() {
            local.add_all(socket, mirror.to_owned());
        }
    }

    fn remove(&self, mirror: &str, socket: Sid) {
        if let Some(local) = self.0.get() {
            local.del(socket, mirror.to_owned());
        }
    }

    fn send(&self, mirror: &str, packet: Frame) -> Unsent {
        let Some(local) = self.0.get() else { return Unsent::default() };
        let mut options = BroadcastOptions::default();
        options.rooms.push(mirror.to_owned().into());
        let errors = local.broadcast(packet.into_packet(), options).err().unwrap_or_default();
        let full = errors.iter().filter(|error| matches!(error, SocketError::InternalChannelFull)).count();
        Unsent { sockets: errors.len(), full }
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
