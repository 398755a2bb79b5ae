//! What is counted of workspaces.

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

/// The requests of workspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkspaceRoute {
    Socket,
    Get,
    History,
    At,
    Restore,
    Presence,
    Stats,
    Automerge,
}

impl WorkspaceRoute {
    /// Their labels, in the order of their numbers.
    pub(super) const LABELS: [&str; 8] = [
        "GET /v1/sync/{workspace}",
        "GET /v1/workspaces/{workspace}",
        "GET /v1/history/{workspace}",
        "GET /v1/history/{workspace}/{hash}",
        "POST /v1/history/{workspace}/restore",
        "GET /v1/presence/{workspace}",
        "GET /v1/stats",
        "GET /v1/automerge",
    ];
}

/// What is counted of workspaces.
pub(crate) struct WorkspaceMetrics {
    /// Workspaces in memory.
    pub(crate) live: Gauge,
    /// Changes that are on disk.
    pub(crate) changes: Counter,
    /// From a commit's beginning to its being on disk.
    pub(crate) commit_seconds: Histogram,
    /// Commits that did not get there.
    pub(crate) commit_failures: Counter,
    /// From asking the disk for a workspace to its being in memory.
    pub(crate) load_seconds: Histogram,
    /// Workspaces that could not be read.
    pub(crate) load_failures: Counter,
    /// Documents that were saved anew in the place of their changes.
    pub(crate) compactions: Counter,
    /// Those that were not.
    pub(crate) compaction_failures: Counter,
    /// Whole states told to sockets, at their beginning or because they were behind.
    pub(crate) inits: Counter,
}

impl WorkspaceMetrics {
    pub(super) fn new() -> Self {
        Self {
            live: gauge!("syncline_workspaces"),
            changes: counter!("syncline_workspace_changes_total"),
            commit_seconds: histogram!("syncline_workspace_commit_seconds"),
            commit_failures: counter!("syncline_workspace_commit_failures_total"),
            load_seconds: histogram!("syncline_workspace_load_seconds"),
            load_failures: counter!("syncline_workspace_load_failures_total"),
            compactions: counter!("syncline_workspace_compactions_total"),
            compaction_failures: counter!("syncline_workspace_compaction_failures_total"),
            inits: counter!("syncline_workspace_inits_total"),
        }
    }

    pub(super) fn counters(&self) -> [&Counter; 6] {
        [
            &self.changes,
            &self.commit_failures,
            &self.load_failures,
            &self.compactions,
            &self.compaction_failures,
            &self.inits,
        ]
    }
}

pub(super) fn describe() {
    describe_gauge!("syncline_workspaces", "Workspaces in memory");
    describe_counter!("syncline_workspace_changes_total", "Changes of workspaces that are on disk");
    describe_histogram!(
        "syncline_workspace_commit_seconds",
        "From the beginning of a commit of changes to its being on disk"
    );
    describe_counter!("syncline_workspace_commit_failures_total", "Commits of changes that failed");
    describe_histogram!(
        "syncline_workspace_load_seconds",
        "From asking the disk for a workspace to its being in memory"
    );
    describe_counter!("syncline_workspace_load_failures_total", "Workspaces that could not be read");
    describe_counter!(
        "syncline_workspace_compactions_total",
        "Workspaces saved anew in place of their changes"
    );
    describe_counter!(
        "syncline_workspace_compaction_failures_total",
        "Workspaces that could not be saved anew; their changes stay"
    );
    describe_counter!(
        "syncline_workspace_inits_total",
        "Whole states told to sockets, at their beginning or because they were behind"
    );
}
