//! What is counted of the webhook of workspaces.

use metrics::{Counter, Histogram, counter, describe_counter, describe_histogram, histogram};

/// What is counted of the webhook.
pub(crate) struct WebhookMetrics {
    /// Attempts that the receiver took.
    pub(crate) success: Counter,
    /// Attempts that it did not take, or that did not reach it.
    pub(crate) failure: Counter,
    /// Attempts that led to addresses that are not allowed.
    pub(crate) refused: Counter,
    /// Events given up after a day of attempts.
    pub(crate) expired: Counter,
    /// Events of people coming and going given up because too much waited.
    pub(crate) overflowed: Counter,
    /// Events of people coming and going that could not be put on disk.
    pub(crate) unsaved: Counter,
    /// What waited and could not be read.
    pub(crate) unreadable: Counter,
    /// How long attempts took.
    pub(crate) seconds: Histogram,
}

impl WebhookMetrics {
    pub(super) fn new() -> Self {
        let attempts =
            |outcome: &'static str| counter!("syncline_webhook_attempts_total", "outcome" => outcome);
        let dead = |reason: &'static str| counter!("syncline_webhook_dead_letters_total", "reason" => reason);
        Self {
            success: attempts("success"),
            failure: attempts("failure"),
            refused: attempts("refused"),
            expired: dead("expired"),
            overflowed: dead("overflow"),
            unsaved: dead("unsaved"),
            unreadable: dead("unreadable"),
            seconds: histogram!("syncline_webhook_seconds"),
        }
    }

    pub(super) fn counters(&self) -> [&Counter; 7] {
        [
            &self.success,
            &self.failure,
            &self.refused,
            &self.expired,
            &self.overflowed,
            &self.unsaved,
            &self.unreadable,
        ]
    }
}

pub(super) fn describe() {
    describe_counter!("syncline_webhook_attempts_total", "Requests to the webhook, by outcome");
    describe_counter!(
        "syncline_webhook_dead_letters_total",
        "Events that the webhook was never told, by reason"
    );
    describe_histogram!("syncline_webhook_seconds", "From a request to the webhook to its answer");
}
