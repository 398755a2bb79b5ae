//! What is counted of plain WebSockets, of each system by the label `system`, and of snapshots.

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

/// The systems that have plain WebSockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WsSystem {
    Snapshots,
    Workspaces,
    Automerge,
    Documents,
    Hocuspocus,
}

impl WsSystem {
    /// All, in the order of their numbers.
    pub(super) const ALL: [Self; 5] =
        [Self::Snapshots, Self::Workspaces, Self::Automerge, Self::Documents, Self::Hocuspocus];

    /// Its name in labels, logs and listings.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Snapshots => "snapshots",
            Self::Workspaces => "workspaces",
            Self::Automerge => "automerge",
            Self::Documents => "documents",
            Self::Hocuspocus => "hocuspocus",
        }
    }
}

/// What is counted of one system's connections.
pub(crate) struct WsMetrics {
    pub(crate) active: Gauge,
    pub(crate) connects: Counter,
    disconnects: Vec<(&'static str, Counter)>,
    pub(crate) broadcasts: Counter,
    pub(crate) broadcast_failures: Counter,
    pub(crate) heartbeat_failures: Counter,
}

impl WsMetrics {
    /// `reasons` are all words for why a connection ends.
    pub(super) fn new(system: WsSystem, reasons: &[&'static str]) -> Self {
        let system = system.name();
        let label = [("system", system)];
        let mut reasons = reasons.to_vec();
        reasons.sort_unstable();
        reasons.dedup();
        let disconnects = reasons.into_iter().map(|reason| {
            let labels = [("system", system), ("reason", reason)];
            (reason, counter!("ws_disconnect_total", &labels))
        });
        Self {
            active: gauge!("ws_connections_active", &label),
            connects: counter!("ws_connect_total", &label),
            disconnects: disconnects.collect(),
            broadcasts: counter!("ws_broadcast_total", &label),
            broadcast_failures: counter!("ws_broadcast_fail_total", &label),
            heartbeat_failures: counter!("ws_heartbeat_failures_total", &label),
        }
    }

    /// Counts a connection that has ended.
    pub(crate) fn disconnected(&self, reason: &str) {
        if let Some((_, counter)) = self.disconnects.iter().find(|(known, _)| *known == reason) {
            counter.increment(1);
        }
    }

    pub(super) fn counters(&self) -> impl Iterator<Item = &Counter> {
        let disconnects = self.disconnects.iter().map(|(_, counter)| counter);
        disconnects.chain([
            &self.connects,
            &self.broadcasts,
            &self.broadcast_failures,
            &self.heartbeat_failures,
        ])
    }
}

/// The requests of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotRoute {
    Get,
    Put,
    Ticket,
    Socket,
}

impl SnapshotRoute {
    /// Their labels, in the order of their numbers.
    pub(super) const LABELS: [&str; 4] =
        ["GET /api/games/{id}/snapshot", "PUT /api/games/{id}/snapshot", "/api/ws/token", "/ws"];
}

/// What is counted of snapshots.
pub(crate) struct SnapshotMetrics {
    /// Snapshots built by a source.
    pub(crate) builds: Counter,
    /// Those that a source failed to build.
    pub(crate) build_failures: Counter,
    /// Tickets made.
    pub(crate) tickets: Counter,
    /// Tickets that were refused.
    pub(crate) tickets_refused: Counter,
    /// Messages on a topic's channel that could not be read.
    pub(crate) malformed: Counter,
    /// Changes that could not be told to the other nodes at once.
    pub(crate) publish_failures: Counter,
    /// Times that changes may have been missed and all that is watched was read again.
    pub(crate) gaps: Counter,
    /// From a commit to a snapshot's being written to a socket.
    pub(crate) delivery_seconds: Histogram,
}

impl SnapshotMetrics {
    pub(super) fn new() -> Self {
        Self {
            builds: counter!("syncline_snapshot_builds_total"),
            build_failures: counter!("syncline_snapshot_build_failures_total"),
            tickets: counter!("syncline_tickets_total"),
            tickets_refused: counter!("syncline_tickets_refused_total"),
            malformed: counter!("syncline_snapshot_malformed_total"),
            publish_failures: counter!("syncline_snapshot_publish_failures_total"),
            gaps: counter!("syncline_snapshot_gaps_total"),
            delivery_seconds: histogram!("syncline_snapshot_delivery_seconds"),
        }
    }

    pub(super) fn counters(&self) -> [&Counter; 7] {
        [
            &self.builds,
            &self.build_failures,
            &self.tickets,
            &self.tickets_refused,
            &self.malformed,
            &self.publish_failures,
            &self.gaps,
        ]
    }
}

pub(super) fn describe() {
    describe_gauge!("ws_connections_active", "Open plain WebSockets, by system");
    describe_counter!("ws_connect_total", "Plain WebSockets that were opened");
    describe_counter!("ws_disconnect_total", "Plain WebSockets that ended, by reason");
    describe_counter!("ws_broadcast_total", "Messages written to plain WebSockets");
    describe_counter!(
        "ws_broadcast_fail_total",
        "Messages that a plain WebSocket did not take in time, which ended it"
    );
    describe_counter!("ws_heartbeat_failures_total", "Plain WebSockets that did not answer a ping");
    describe_counter!("syncline_snapshot_builds_total", "Snapshots that a source built");
    describe_counter!("syncline_snapshot_build_failures_total", "Snapshots that a source did not build");
    describe_counter!("syncline_tickets_total", "Tickets made");
    describe_counter!("syncline_tickets_refused_total", "Tickets refused: expired, used, or none of ours");
    describe_counter!(
        "syncline_snapshot_malformed_total",
        "Messages on topics' channels that could not be read"
    );
    describe_counter!(
        "syncline_snapshot_publish_failures_total",
        "Changes that could not be told to the other nodes at once"
    );
    describe_counter!(
        "syncline_snapshot_gaps_total",
        "Times that changes may have been missed and all watched topics were read again"
    );
    describe_histogram!(
        "syncline_snapshot_delivery_seconds",
        "From a commit to its snapshot being written to a socket"
    );
}
