//! What is counted of documents.

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

/// The requests of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DocumentRoute {
    Socket,
    Get,
    Delete,
    Hocuspocus,
}

impl DocumentRoute {
    /// Their labels, in the order of their numbers.
    pub(super) const LABELS: [&str; 4] = [
        "GET /sync/v1/{document}",
        "GET /api/documents/{document}",
        "DELETE /api/documents/{document}",
        "GET /hocuspocus",
    ];
}

/// What is counted of documents.
pub(crate) struct DocumentMetrics {
    /// Documents in memory.
    pub(crate) open: Gauge,
    /// Those of them that could not be saved when it was last tried.
    pub(crate) unsaved: Gauge,
    /// Updates that are in the journal, or held nothing new.
    pub(crate) updates: Counter,
    /// What was heard and not taken: malformed, with a gap before it, or too much.
    pub(crate) refused: Counter,
    /// From a commit's beginning to its being in the journal.
    pub(crate) commit_seconds: Histogram,
    /// Commits that did not get there.
    pub(crate) commit_failures: Counter,
    /// From asking for a document to its being in memory.
    pub(crate) load_seconds: Histogram,
    /// Documents that could not be read.
    pub(crate) load_failures: Counter,
    /// Changes in the journal that stand on what is gone from the store.
    pub(crate) orphans: Counter,
    /// Documents written to the store.
    pub(crate) saves: Counter,
    /// How large they were, in bytes.
    pub(crate) saved_bytes: Counter,
    /// From the beginning of a save to its end, whatever came of it.
    pub(crate) save_seconds: Histogram,
    /// Saves that another node's came before; both are in what is saved next.
    pub(crate) save_conflicts: Counter,
    /// Saves that failed.
    pub(crate) save_failures: Counter,
    /// Messages that other nodes were not told.
    pub(crate) publish_failures: Counter,
    /// Messages of other nodes that could not be read.
    pub(crate) remote_malformed: Counter,
    /// Times that something of other nodes may have been missed.
    pub(crate) gaps: Counter,
}

impl DocumentMetrics {
    pub(super) fn new() -> Self {
        Self {
            open: gauge!("syncline_documents"),
            unsaved: gauge!("syncline_documents_unsaved"),
            updates: counter!("syncline_document_updates_total"),
            refused: counter!("syncline_document_refused_total"),
            commit_seconds: histogram!("syncline_document_commit_seconds"),
            commit_failures: counter!("syncline_document_commit_failures_total"),
            load_seconds: histogram!("syncline_document_load_seconds"),
            load_failures: counter!("syncline_document_load_failures_total"),
            orphans: counter!("syncline_document_orphans_total"),
            saves: counter!("syncline_document_saves_total"),
            saved_bytes: counter!("syncline_document_saved_bytes_total"),
            save_seconds: histogram!("syncline_document_save_seconds"),
            save_conflicts: counter!("syncline_document_save_conflicts_total"),
            save_failures: counter!("syncline_document_save_failures_total"),
            publish_failures: counter!("syncline_document_publish_failures_total"),
            remote_malformed: counter!("syncline_document_remote_malformed_total"),
            gaps: counter!("syncline_document_gaps_total"),
        }
    }

    pub(super) fn counters(&self) -> [&Counter; 12] {
        [
            &self.updates,
            &self.refused,
            &self.commit_failures,
            &self.load_failures,
            &self.orphans,
            &self.saves,
            &self.saved_bytes,
            &self.save_conflicts,
            &self.save_failures,
            &self.publish_failures,
            &self.remote_malformed,
            &self.gaps,
        ]
    }
}

pub(super) fn describe() {
    describe_gauge!("syncline_documents", "Documents in memory");
    describe_gauge!(
        "syncline_documents_unsaved",
        "Documents that could not be saved when it was last tried; they are in the journal"
    );
    describe_counter!(
        "syncline_document_updates_total",
        "Updates of documents that are in the journal, or held nothing new"
    );
    describe_counter!(
        "syncline_document_refused_total",
        "What clients of documents said and was not taken: malformed, with a gap before it, or too much"
    );
    describe_histogram!(
        "syncline_document_commit_seconds",
        "From the beginning of a commit of updates to its being in the journal"
    );
    describe_counter!("syncline_document_commit_failures_total", "Commits of updates that failed");
    describe_histogram!(
        "syncline_document_load_seconds",
        "From asking for a document to its being in memory"
    );
    describe_counter!("syncline_document_load_failures_total", "Documents that could not be read");
    describe_counter!(
        "syncline_document_orphans_total",
        "Changes in the journal that stand on what is gone from the store, each time that they are read"
    );
    describe_counter!("syncline_document_saves_total", "Documents written to the store");
    describe_counter!("syncline_document_saved_bytes_total", "How large they were, in bytes");
    describe_histogram!(
        "syncline_document_save_seconds",
        "From the beginning of a save to its end, whatever came of it"
    );
    describe_counter!(
        "syncline_document_save_conflicts_total",
        "Saves that another node's came before; what is saved next holds both"
    );
    describe_counter!("syncline_document_save_failures_total", "Saves that failed, and are tried again");
    describe_counter!(
        "syncline_document_publish_failures_total",
        "Messages that other nodes were not told; what they lack is found when nodes compare"
    );
    describe_counter!(
        "syncline_document_remote_malformed_total",
        "Messages on documents' channels that could not be read"
    );
    describe_counter!(
        "syncline_document_gaps_total",
        "Times that something of other nodes may have been missed; nodes compare then"
    );
}
