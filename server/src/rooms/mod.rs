//! Rooms: a small JSON state for each room, which the last write wins, over HTTP and SSE.
//!
//! ```text
//! http --PUT--> records --hint--> every node that has streams of the room --newest record--> sse
//! ```
//!
//! Edges: `http` and `sse`. State: `record` (names, bodies, what everybody reads) and `streams` (who follows what), both
//! free of IO; the records themselves are in `records`. Between: this handle. A state is opaque, and nothing of it or of
//! whoever sent it reaches a log.

pub(crate) mod codes;
mod http;
mod openapi;
mod record;
mod sse;
mod streams;

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
pub(crate) use http::{PREFIX, router};
pub(crate) use openapi::describe;
use record::RoomId;
use streams::{Caps, Ending, Refused, Streams, Subscription};
use syncline::{SyncError, SyncResult};
use tokio::time::MissedTickBehavior;

use crate::{
    auth::Tokens,
    codes as shared,
    config::{Config, RoomAuth},
    error::Errors,
    net::{ClientAddress, RateLimits, in_waves},
    observe::{Metrics, RoomMetrics},
    records::{Found, Hint, Hints, Record, Records, RecordsError},
};

/// How long a client that was refused for the moment should wait.
const RETRY_AFTER_SECONDS: u64 = 5;

/// How many rooms are read again at a time.
const REFRESHES: usize = 64;

/// How long to wait before a room whose record could not be read is read again.
const REFRESH_AGAIN: Duration = Duration::from_millis(500);

/// What the composition root gives to the rooms.
pub(crate) struct Parts {
    pub(crate) records: Arc<dyn Records>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) metrics: Arc<Metrics>,
}

/// The rooms of a server.
pub(crate) struct Rooms {
    records: Arc<dyn Records>,
    streams: Arc<Streams>,
    tokens: Arc<Tokens>,
    errors: Arc<Errors>,
    limits: Arc<RateLimits>,
    metrics: Arc<Metrics>,
    auth: RoomAuth,
    max_bytes: usize,
    max_depth: usize,
    sweep_every: Duration,
    beat_every: Duration,
}

impl Rooms {
    pub(crate) fn new(config: &Config, parts: Parts) -> Self {
        let Parts { records, tokens, errors, limits, metrics } = parts;
        let caps = Caps { per_address: config.sse_per_address, per_room: config.sse_per_room };
        Self {
            records,
            streams: Streams::new(caps),
            tokens,
            errors,
            limits,
            metrics,
            auth: config.room_auth,
            max_bytes: config.max_state_bytes,
            max_depth: config.max_json_depth,
            sweep_every: config.room_sweep,
            beat_every: config.heartbeat,
        }
    }

    fn counts(&self) -> &RoomMetrics {
        &self.metrics.rooms_http
    }

    /// Starts what goes on for as long as the server runs: following the records, sweeping, heartbeats.
    pub(crate) fn start(self: &Arc<Self>) {
        // From here on no hint is missed, although nobody has read one yet.
        let hints = self.records.hints();
        let (following, sweeping, beating) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        tokio::spawn(async move { following.follow_records(hints).await });
        tokio::spawn(async move { sweeping.sweep().await });
        tokio::spawn(async move { beating.beat().await });
    }

    /// Ends all streams in waves, so that clients do not come back all at once, within `budget`.
    pub(crate) async fn stop(&self, budget: Duration) {
        let deadline = tokio::time::Instant::now() + budget;
        in_waves(&self.streams.close(), budget, Ending::end).await;
        let all_ended = async {
            while self.streams.count() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _or_deadline = tokio::time::timeout_at(deadline, all_ended).await;
    }

    async fn get(&self, room: &RoomId) -> SyncResult<Option<Record>> {
        match self.records.get(room.as_str()).await.map_err(|error| self.storage_error(error))? {
            Found::Record(record) => Ok(Some(record)),
            Found::Gone(_) => Ok(None),
        }
    }

    async fn put(&self, room: &RoomId, state: Bytes) -> SyncResult<Record> {
        let record =
            self.records.put(room.as_str(), state).await.map_err(|error| self.storage_error(error))?;
        self.streams.publish(room, record.position, || record::to_event(room, &record));
        Ok(record)
    }

    async fn delete(&self, room: &RoomId) -> SyncResult<()> {
        let position = self.records.delete(room.as_str()).await.map_err(|error| self.storage_error(error))?;
        self.streams.publish(room, position, || record::reset_event(room));
        Ok(())
    }

    /// Follows a room, for a client that says that it has that version.
    async fn follow(
        &self,
        room: &RoomId,
        address: ClientAddress,
        last_seen: Option<u64>,
    ) -> SyncResult<Subscription> {
        let followed = self.streams.follow(room, address.bucket());
        let subscription = followed.map_err(|refused| match refused {
            Refused::Full => {
                self.counts().streams_refused.increment(1);
                shared::STREAM_LIMIT.with("seconds", RETRY_AFTER_SECONDS)
            }
            Refused::Closed => syncline::codes::SHUTTING_DOWN.into(),
        })?;
        // Only now: what is written in between is published to the subscription.
        let found = self.read(room).await.map_err(|error| self.storage_error(error))?;
        if let Found::Record(record) = found
            && last_seen == Some(record.position.version)
        {
            subscription.has_seen(record.position);
        }
        Ok(subscription)
    }

    /// Reads a room and lets its streams have what is there.
    async fn read(&self, room: &RoomId) -> Result<Found, RecordsError> {
        let found = self.records.get(room.as_str()).await?;
        match &found {
            Found::Record(record) => {
                self.streams.publish(room, record.position, || record::to_event(room, record));
            }
            Found::Gone(position) => {
                self.streams.publish(room, *position, || record::reset_event(room));
            }
        }
        Ok(found)
    }

    fn storage_error(&self, error: RecordsError) -> SyncError {
        self.counts().storage_failures.increment(1);
        if let RecordsError::Unavailable(why) = &error {
            tracing::warn!(why, "the store of records failed");
        }
        error.into_answer()
    }

    /// Reads again what others have written and somebody here follows. A room is due once, however often it was
    /// written, so there is at most one entry for each followed room.
    async fn follow_records(&self, mut hints: Hints) {
        let mut due: HashSet<RoomId> = HashSet::new();
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                hint = hints.next() => match hint {
                    Hint::Changed(key, position) => {
                        due.extend(RoomId::parse(&key).filter(|room| self.streams.is_behind(room, position)));
                    }
                    Hint::Gap => {
                        self.counts().gaps.increment(1);
                        due.extend(self.streams.rooms());
                    }
                },
                Some(failed) = running.next(), if !running.is_empty() => due.extend(failed),
            }
            while running.len() < REFRESHES
                && let Some(room) = due.iter().next().cloned()
            {
                due.remove(&room);
                running.push(self.refresh(room));
            }
        }
    }

    /// Reads a room that is followed; says which room has to be read again.
    async fn refresh(&self, room: RoomId) -> Option<RoomId> {
        if self.streams.has(&room)
            && let Err(error) = self.read(&room).await
        {
            tracing::debug!(%error, room_id = room.as_str(), "a room could not be read");
            tokio::time::sleep(REFRESH_AGAIN).await;
            return Some(room);
        }
        None
    }

    async fn sweep(&self) {
        let mut ticks = tokio::time::interval(self.sweep_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.records.sweep().await {
                Ok(0) => {}
                Ok(swept) => {
                    self.counts().swept.increment(swept as u64);
                    tracing::info!(swept, "rooms that nobody changed were swept");
                }
                Err(error) => tracing::warn!(%error, "rooms could not be swept"),
            }
        }
    }

    /// One timer for all streams.
    async fn beat(&self) {
        let mut ticks = tokio::time::interval(self.beat_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.streams.beat();
        }
    }
}
