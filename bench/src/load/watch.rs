//! What a server makes of clients that do not read: whom it closes, when, and what memory it takes meanwhile.
//!
//! Looks from outside, ten times a second: a client that does not read cannot see that it was closed, but the server's
//! process then has a file less open.

use std::time::{Duration, Instant};

use crate::process;

const EVERY: Duration = Duration::from_millis(100);

/// What was seen of a server since some moment.
pub(crate) struct Watch {
    process: u32,
    began: Instant,
    next: Duration,
    /// How many files were open at the beginning.
    files: Option<usize>,
    /// When each connection was seen to be closed.
    closed: Vec<Duration>,
    memory_before: Option<u64>,
    memory_peak: Option<u64>,
}

impl Watch {
    pub(super) fn begin(process: u32) -> Self {
        let memory = process::memory_kib(process);
        Self {
            process,
            began: Instant::now(),
            next: EVERY,
            files: process::open_files(process),
            closed: Vec::new(),
            memory_before: memory,
            memory_peak: memory,
        }
    }

    pub(super) fn look(&mut self) {
        let now = self.began.elapsed();
        if now < self.next {
            return;
        }
        self.next = now + EVERY;
        self.memory_peak = self.memory_peak.max(process::memory_kib(self.process));
        if let (Some(before), Some(files)) = (self.files, process::open_files(self.process)) {
            let closed = before.saturating_sub(files).max(self.closed.len());
            self.closed.resize(closed, now);
        }
    }

    /// How many connections the server has closed.
    pub(crate) fn closed(&self) -> usize {
        self.closed.len()
    }

    /// When it had closed the last of them.
    pub(crate) fn last_closed(&self) -> Option<Duration> {
        self.closed.last().copied()
    }

    /// Resident memory in KiB at the beginning, and the most since.
    pub(crate) fn memory_kib(&self) -> Option<(u64, u64)> {
        self.memory_before.zip(self.memory_peak)
    }
}
