//! Records in Redis, for any number of nodes: each write is one atomic script.
//!
//! A hint is no more than a hint: when one is missed, whoever listens is told of a gap and reads again. How long Redis
//! keeps what it was given is a question of its own settings.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::redis::{FromRedisValue, RedisError, Script};
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::sync::broadcast;

use super::{Found, HINTS, Hint, Hints, Position, Record, Records, RecordsError, as_millis};
use crate::redis_link::{Held, Listener, Pushed, RedisLink};

/// What every write is.
const SCRIPT: &str = include_str!("records.lua");

/// Longer than any hint about a key of ours.
const MAX_HINT_BYTES: usize = 1024;

/// How many records a sweep deletes before others get their turn.
const SWEEP_BATCH: usize = 500;

/// What a key is known by: epoch, version (-1 when it is not known), when it changed, and its value if it has one.
type Known = (u64, i64, u64, Option<Vec<u8>>);

/// One kind of records in Redis.
pub(crate) struct RedisRecords {
    link: Arc<RedisLink>,
    /// What the names of its keys begin with; the braces keep them together in a cluster.
    prefix: String,
    time_to_live: u64,
    hints: broadcast::Sender<Hint>,
    /// The channel of hints, wanted for as long as there are these records.
    channel: String,
    _held: Held,
}

impl RedisRecords {
    pub(crate) fn new(link: Arc<RedisLink>, kind: &str, time_to_live: Duration) -> Self {
        let prefix = format!("syncline:{{{kind}}}:");
        let channel = format!("{prefix}hints");
        let (hints, _) = broadcast::channel(HINTS);
        let held = link.subscriber(&channel, listener(hints.clone())).hold(&channel);
        let time_to_live = as_millis(time_to_live).max(1);
        Self { link, prefix, time_to_live, hints, channel, _held: held }
    }

    async fn run<T: FromRedisValue>(
        &self,
        command: &str,
        key: &str,
        more: &[&[u8]],
    ) -> Result<T, RecordsError> {
        static COMPILED: OnceLock<Script> = OnceLock::new();
        let script = COMPILED.get_or_init(|| Script::new(SCRIPT));
        let mut call = script.key(format!("{}index", self.prefix));
        call.key(format!("{}epoch", self.prefix)).key(format!("{}record:{key}", self.prefix));
        call.arg(command).arg(&self.channel).arg(self.time_to_live).arg(key);
        for more in more {
            call.arg(*more);
        }
        let result =
            self.link.commands(async |mut connection| call.invoke_async(&mut connection).await).await;
        result.map_err(|error| records_error(&error))
    }

    async fn write(
        &self,
        key: &str,
        value: Bytes,
        expected: Option<u64>,
    ) -> Result<Option<Record>, RecordsError> {
        let expected = expected.map(|expected| expected.to_string());
        let mut more: Vec<&[u8]> = vec![&value];
        more.extend(expected.as_ref().map(|expected| expected.as_bytes()));
        let written: Option<(u64, u64, u64)> = self.run("put", key, &more).await?;
        Ok(written.map(|(epoch, version, updated_at)| Record {
            position: Position { epoch, version, gone: false },
            updated_at,
            value,
        }))
    }
}

fn listener(hints: broadcast::Sender<Hint>) -> Listener {
    Box::new(move |pushed| {
        let hint = match pushed {
            Pushed::Message { message, .. } => read_hint(message).unwrap_or_else(|| {
                tracing::warn!(bytes = message.len(), "a hint could not be read");
                Hint::Gap
            }),
            Pushed::Gap => Hint::Gap,
        };
        let _nobody_listens = hints.send(hint);
    })
}

fn records_error(error: &RedisError) -> RecordsError {
    // What Redis answers when it has reached its `maxmemory`.
    match error.code() {
        Some("OOM") => RecordsError::Full,
        _ => RecordsError::Unavailable(error.to_string()),
    }
}

fn found((epoch, version, updated_at, value): Known) -> Found {
    match (u64::try_from(version), value) {
        (Ok(version), Some(value)) => Found::Record(Record {
            position: Position { epoch, version, gone: false },
            updated_at,
            value: value.into(),
        }),
        (Ok(version), None) => Found::Gone(Position { epoch, version, gone: true }),
        (Err(_), _) => Found::Gone(Position::unknown(epoch)),
    }
}

/// `1 <epoch> <version> <0 or 1> <key>`; the first number is the version of this notation.
fn read_hint(message: &[u8]) -> Option<Hint> {
    let text = std::str::from_utf8(message).ok().filter(|text| text.len() <= MAX_HINT_BYTES)?;
    let parts: Vec<&str> = text.splitn(5, ' ').collect();
    let ["1", epoch, version, gone, key] = parts[..] else { return None };
    let gone = match gone {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    let position = Position { epoch: epoch.parse().ok()?, version: version.parse().ok()?, gone };
    Some(Hint::Changed(key.into(), position))
}

impl Records for RedisRecords {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Found, RecordsError>> {
        async move { self.run("get", key, &[]).await.map(found) }.boxed()
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> BoxFuture<'a, Result<Record, RecordsError>> {
        async move { self.write(key, value, None).await?.ok_or_else(RecordsError::refused) }.boxed()
    }

    fn put_if<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: u64,
    ) -> BoxFuture<'a, Result<Option<Record>, RecordsError>> {
        self.write(key, value, Some(expected)).boxed()
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Position, RecordsError>> {
        async move {
            let known: Known = self.run("delete", key, &[]).await?;
            Ok(match found(known) {
                Found::Gone(position) => position,
                // Nothing comes between within a script.
                Found::Record(record) => Position { gone: true, ..record.position },
            })
        }
        .boxed()
    }

    fn sweep(&self) -> BoxFuture<'_, Result<usize, RecordsError>> {
        async move {
            let batch = SWEEP_BATCH.to_string();
            let mut all = 0;
            loop {
                let (swept, due): (usize, usize) = self.run("sweep", "", &[batch.as_bytes()]).await?;
                all += swept;
                if due < SWEEP_BATCH {
                    return Ok(all);
                }
            }
        }
        .boxed()
    }

    fn hints(&self) -> Hints {
        Hints(self.hints.subscribe())
    }
}

#[cfg(test)]
mod tests;
