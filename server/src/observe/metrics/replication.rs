//! What is counted of workspaces' replication over NATS.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

/// What is counted of replication.
pub(crate) struct ReplicationMetrics {
    /// Whether NATS is there: 1 or 0.
    pub(crate) connected: Gauge,
    /// Commits whose changes NATS has not acknowledged yet.
    pub(crate) queued: Gauge,
    /// Changes that it has.
    pub(crate) published: Counter,
    /// Changes that came from other nodes.
    pub(crate) received: Counter,
    /// Tasks that failed and are tried again.
    pub(crate) failures: Counter,
    /// What could not be read.
    pub(crate) malformed: Counter,
    /// Times that all of a workspace was looked through.
    pub(crate) catch_ups: Counter,
    /// Documents put in the place of changes.
    pub(crate) documents: Counter,
}

impl ReplicationMetrics {
    pub(super) fn new() -> Self {
        Self {
            connected: gauge!("syncline_replication_connected"),
            queued: gauge!("syncline_replication_queued_commits"),
            published: counter!("syncline_replication_published_total"),
            received: counter!("syncline_replication_received_total"),
            failures: counter!("syncline_replication_failures_total"),
            malformed: counter!("syncline_replication_malformed_total"),
            catch_ups: counter!("syncline_replication_catch_ups_total"),
            documents: counter!("syncline_replication_documents_total"),
        }
    }

    pub(super) fn counters(&self) -> [&Counter; 6] {
        [&self.published, &self.received, &self.failures, &self.malformed, &self.catch_ups, &self.documents]
    }
}

pub(super) fn describe() {
    describe_gauge!("syncline_replication_connected", "Whether NATS is there");
    describe_gauge!(
        "syncline_replication_queued_commits",
        "Commits whose changes NATS has not acknowledged yet: they wait on disk"
    );
    describe_counter!("syncline_replication_published_total", "Changes that NATS has acknowledged");
    describe_counter!("syncline_replication_received_total", "Changes that came from other nodes");
    describe_counter!(
        "syncline_replication_failures_total",
        "Tasks of replication that failed and are tried again"
    );
    describe_counter!(
        "syncline_replication_malformed_total",
        "What came from NATS and could not be read, or be made"
    );
    describe_counter!(
        "syncline_replication_catch_ups_total",
        "Times that all that NATS has of a workspace was looked through"
    );
    describe_counter!(
        "syncline_replication_documents_total",
        "Documents that were put in the place of changes"
    );
}
