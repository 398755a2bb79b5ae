//! Which plain WebSockets are open on this node, of all systems: for their bounds, the listing and a stop.
//!
//! What is said on them is not known here.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use slab::Slab;
use syncline::Session;
use tokio::sync::Notify;

use crate::{
    clock::millis_now,
    net::{KillSwitch, RequestContext, in_waves},
    observe::WsSystem,
};

/// The open connections of a node.
pub(crate) struct Connections {
    per_address: usize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    open: Slab<Arc<Connection>>,
    addresses: HashMap<IpAddr, usize>,
    closed: bool,
}

/// An open connection, as the node knows it.
pub(crate) struct Connection {
    pub(super) system: WsSystem,
    /// The user's id, once it is known, which is all that is kept of a person.
    pub(super) user: OnceLock<Box<str>>,
    /// Milliseconds since 1970.
    pub(super) connected_at: u64,
    /// When it last answered a ping, in milliseconds since 1970; 0 before the first.
    pub(super) last_ping: AtomicU64,
    pub(super) kill_switch: KillSwitch,
    address: IpAddr,
    /// The server stops.
    pub(super) stopping: Notify,
}

/// Why nobody more comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// There are too many from that address.
    Full,
    /// The server is stopping.
    Closed,
}

/// A place among the open connections; dropping it gives it back.
pub(super) struct Place {
    pub(super) connection: Arc<Connection>,
    connections: Arc<Connections>,
    key: usize,
}

impl Connection {
    pub(super) fn new(system: WsSystem, session: &Session, context: &RequestContext) -> Arc<Self> {
        let user = OnceLock::new();
        if !session.is_anonymous() {
            user.get_or_init(|| session.user_id.as_str().into());
        }
        Arc::new(Self {
            system,
            user,
            connected_at: millis_now(),
            last_ping: AtomicU64::new(0),
            kill_switch: context.kill_switch.clone(),
            address: context.address.bucket(),
            stopping: Notify::new(),
        })
    }

    pub(super) fn answered_ping(&self) {
        self.last_ping.store(millis_now(), Ordering::Relaxed);
    }
}

impl Connections {
    /// None yet, and never more than `per_address` from one address.
    pub(crate) fn new(per_address: usize) -> Arc<Self> {
        Arc::new(Self { per_address, entries: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(self: &Arc<Self>, connection: Arc<Connection>) -> Result<Place, NoPlace> {
        let mut entries = self.lock();
        if entries.closed {
            return Err(NoPlace::Closed);
        }
        let from_address = entries.addresses.entry(connection.address).or_default();
        if *from_address >= self.per_address {
            return Err(NoPlace::Full);
        }
        *from_address += 1;
        let key = entries.open.insert(Arc::clone(&connection));
        Ok(Place { connection, connections: Arc::clone(self), key })
    }

    /// Those that are open now.
    pub(super) fn all(&self) -> Vec<Arc<Connection>> {
        self.lock().open.iter().map(|(_key, connection)| Arc::clone(connection)).collect()
    }

    /// Ends all of them in waves, so that clients do not come back all at once, within `budget`.
    pub(crate) async fn stop(&self, budget: Duration) {
        let deadline = tokio::time::Instant::now() + budget;
        self.lock().closed = true;
        in_waves(&self.all(), budget, |connection| connection.stopping.notify_one()).await;
        let all_ended = async {
            while !self.lock().open.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _or_deadline = tokio::time::timeout_at(deadline, all_ended).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut entries = self.connections.lock();
        entries.open.remove(self.key);
        if let Some(count) = entries.addresses.get_mut(&self.connection.address) {
            *count -= 1;
            if *count == 0 {
                entries.addresses.remove(&self.connection.address);
            }
        }
        // What a flood has made large need not stay so.
        if entries.open.capacity() > 1024 && entries.open.len() < entries.open.capacity() / 8 {
            entries.open.shrink_to_fit();
            entries.addresses.shrink_to_fit();
        }
    }
}
