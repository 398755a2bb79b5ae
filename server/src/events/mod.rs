//! Events: from a client's request to every client in the room.
//!
//! ```text
//! socket | http --SyncRequest--> dispatch --Delivery--> Bus --Delivery--> deliver, round --event--> local sockets
//!                                   '-- acknowledgement or error --> caller
//! ```
//!
//! Edges: `handshake`, `socket`, `outbox` (with `commands`, `inbox`, `abuse`) and `http`. State: `members` (with `member`,
//! `group`, `lanes`), `expiry`. Between: `dispatch` once per request, `deliver` and `round` on every node with recipients,
//! with `way_out` for what they are sent.

mod abuse;
mod alike;
mod batch;
mod commands;
mod deliver;
mod direct;
mod dispatch;
mod expiry;
mod frames;
mod group;
mod handshake;
mod http;
mod inbox;
mod lanes;
mod lines;
#[cfg(feature = "measured")]
mod measured;
mod member;
mod members;
mod outbox;
mod rooms;
mod round;
mod socket;
mod verdict;
mod way_out;

use std::{sync::Arc, time::Duration};

use deliver::Deliver;
use direct::Direct;
pub(crate) use direct::DirectAdapter;
use dispatch::Dispatch;
use expiry::Expiry;
use group::Mirrors;
pub(crate) use handshake::Connect;
pub(crate) use http::router;
#[cfg(feature = "measured")]
pub use measured::Measured;
use members::Members;
use round::Node;
use syncline::{Functions, Registry, run::PacketLimits};
use tokio_util::task::TaskTracker;

use crate::{
    auth::{GuardedPolicy, Tokens},
    cluster::{Bus, Inbound},
    config::Config,
    error::Errors,
    net::{RateLimits, Upgrades, in_waves},
    observe::Metrics,
};

/// What the two edges need. One per server.
pub(crate) struct Events {
    pub(crate) members: Arc<Members>,
    pub(crate) dispatch: Dispatch,
    pub(crate) expiry: Expiry,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Limits,
    /// The way out to sockets.
    pub(crate) direct: Direct,
    /// Where upgraded sockets are.
    pub(crate) upgrades: Arc<Upgrades>,
    /// Requests under way, for a stop to wait for; closed once the stop has begun.
    pub(crate) tasks: TaskTracker,
}

/// The bounds of the edges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) inbox: usize,
    pub(crate) packet: PacketLimits,
}

/// What the composition root gives to the events.
pub(crate) struct Parts {
    pub(crate) registry: Arc<Registry>,
    pub(crate) functions: Functions,
    pub(crate) policy: GuardedPolicy,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) upgrades: Arc<Upgrades>,
}

impl Events {
    /// Puts the two halves together, with a bus between them.
    pub(crate) fn new(
        config: &Config,
        parts: Parts,
        bus: impl FnOnce(Arc<dyn Inbound>) -> Arc<dyn Bus>,
    ) -> Self {
        let Parts { registry, functions, policy, tokens, errors, metrics, limits, upgrades } = parts;
        let direct = Direct::default();
        // What goes to a group at once says only how many it did not reach; who they are can be found out as long as no
        // other thread writes in between.
        let mirrors = (config.socket_threads == 1).then(|| Arc::new(direct.clone()) as Arc<dyn Mirrors>);
        let members = Arc::new(Members::new(config.allow_all, mirrors));
        let node = Node {
            registry: Arc::clone(&registry),
            functions: functions.clone(),
            members: Arc::clone(&members),
            errors: Arc::clone(&errors),
            metrics: Arc::clone(&metrics),
            burst: (config.outbox_packets / 8).clamp(1, 128),
        };
        let bus = bus(Arc::new(Deliver::new(Arc::new(node))));
        members.connect(&bus);
        Self {
            dispatch: Dispatch {
                registry,
                functions,
                members: Arc::clone(&members),
                policy,
                limits,
                bus,
                metrics: Arc::clone(&metrics),
                handler_timeout: config.handler_timeout,
                allow_all: config.allow_all,
            },
            members,
            expiry: Expiry::new(config.auth_grace, Arc::clone(&errors), Arc::clone(&metrics)),
            tokens,
            errors,
            metrics,
            limits: Limits {
                inbox: config.inbox_events,
                packet: PacketLimits { max_bytes: config.max_event_bytes, max_depth: config.max_json_depth },
            },
            direct,
            upgrades,
            tasks: TaskTracker::new(),
        }
    }

    /// Ends all sockets. What is under way may finish first, while new requests are refused; then connections close in
    /// waves, so that clients do not come back all at once. Within `budget` altogether.
    pub(crate) async fn stop(&self, budget: Duration) {
        let deadline = tokio::time::Instant::now() + budget;
        self.tasks.close();
        let _or_half_of_it = tokio::time::timeout(budget / 2, self.tasks.wait()).await;
        let members = self.members.all();
        in_waves(&members, budget, |member| member.outbox.hang_up()).await;
        // Sockets without a connection of their own (long-polling) are left for the engine's close.
        let all_hung_up = async {
            while self.members.all().iter().any(|member| member.outbox.has_connection()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _or_deadline = tokio::time::timeout_at(deadline, all_hung_up).await;
    }
}
