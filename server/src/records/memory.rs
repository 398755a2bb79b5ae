//! Records in this process's memory: for one node, and gone when it stops.
//!
//! What they may take in memory is bounded; a write that needs more is refused.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::sync::broadcast;

use super::{Found, HINTS, Hint, Hints, Position, Record, Records, RecordsError, as_millis};
use crate::clock::millis_now;

/// What an entry takes beside its key and value, about: the two of the map and of the index.
const ENTRY_BYTES: usize = 256;

/// How many entries a sweep handles before others get their turn.
const SWEEP_BATCH: usize = 1000;

/// Records in memory.
pub(crate) struct MemoryRecords {
    kept: Mutex<Kept>,
    hints: broadcast::Sender<Hint>,
    time_to_live: u64,
    max_bytes: usize,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<Arc<str>, Entry>,
    /// The same entries by the time of their last change.
    by_age: BTreeSet<(u64, Arc<str>)>,
    epoch: u64,
    bytes: usize,
}

/// What is known of a key; without a value it is a tombstone.
struct Entry {
    position: Position,
    changed_at: u64,
    value: Option<Bytes>,
}

impl Entry {
    fn bytes(&self, key: &str) -> usize {
        ENTRY_BYTES + key.len() + self.value.as_ref().map_or(0, Bytes::len)
    }
}

impl Kept {
    fn position(&self, key: &str) -> Position {
        self.entries.get(key).map_or(Position::unknown(self.epoch), |entry| entry.position)
    }

    fn remove(&mut self, key: &str) -> Option<Entry> {
        let (key, entry) = self.entries.remove_entry(key)?;
        self.bytes -= entry.bytes(&key);
        self.by_age.remove(&(entry.changed_at, key));
        Some(entry)
    }

    fn insert(&mut self, key: Arc<str>, entry: Entry) {
        self.bytes += entry.bytes(&key);
        self.by_age.insert((entry.changed_at, Arc::clone(&key)));
        self.entries.insert(key, entry);
    }

    /// What is in a key's place after this time without a change.
    fn oldest_before(&self, limit: u64) -> Option<Arc<str>> {
        self.by_age.first().filter(|(changed_at, _)| *changed_at <= limit).map(|(_, key)| Arc::clone(key))
    }
}

impl MemoryRecords {
    pub(crate) fn new(time_to_live: Duration, max_bytes: usize) -> Self {
        let (hints, _) = broadcast::channel(HINTS);
        Self { kept: Mutex::default(), hints, time_to_live: as_millis(time_to_live), max_bytes }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hint(&self, key: Arc<str>, position: Position) {
        let _nobody_listens = self.hints.send(Hint::Changed(key, position));
    }

    fn found(&self, key: &str) -> Found {
        let kept = self.lock();
        match kept.entries.get(key) {
            Some(Entry { position, changed_at, value: Some(value) }) => {
                Found::Record(Record { position: *position, updated_at: *changed_at, value: value.clone() })
            }
            _ => Found::Gone(kept.position(key)),
        }
    }

    fn write(&self, key: &str, value: Bytes, expected: Option<u64>) -> Result<Option<Record>, RecordsError> {
        let mut kept = self.lock();
        let before = kept.entries.get(key);
        let version_now =
            before.filter(|entry| !entry.position.gone).map_or(0, |entry| entry.position.version);
        if expected.is_some_and(|expected| expected != version_now) {
            return Ok(None);
        }
        let (epoch, version, not_before) = match before {
            Some(entry) => (entry.position.epoch, entry.position.version + 1, entry.changed_at),
            None => (kept.epoch + 1, 1, 0),
        };
        let position = Position { epoch, version, gone: false };
        let updated_at = millis_now().max(not_before);
        let after = Entry { position, changed_at: updated_at, value: Some(value.clone()) };
        let (had, needs) = (before.map_or(0, |entry| entry.bytes(key)), after.bytes(key));
        if needs > had && kept.bytes + needs - had > self.max_bytes {
            return Err(RecordsError::Full);
        }
        let key: Arc<str> = key.into();
        kept.remove(&key);
        kept.insert(Arc::clone(&key), after);
        kept.epoch = kept.epoch.max(epoch);
        self.hint(key, position);
        Ok(Some(Record { position, updated_at, value }))
    }

    fn bury(&self, kept: &mut Kept, key: &Arc<str>) {
        let Some(entry) = kept.remove(key) else { return };
        let position = Position { gone: true, ..entry.position };
        let changed_at = millis_now().max(entry.changed_at);
        kept.insert(Arc::clone(key), Entry { position, changed_at, value: None });
        self.hint(Arc::clone(key), position);
    }

    /// Sweeps some; says how many records went, and whether there may be more to sweep.
    fn sweep_batch(&self, limit: u64) -> (usize, bool) {
        let mut kept = self.lock();
        let mut swept = 0;
        for _ in 0..SWEEP_BATCH {
            let Some(key) = kept.oldest_before(limit) else {
                if swept == 0 {
                    kept.entries.shrink_to_fit();
                }
                return (swept, false);
            };
            if kept.position(&key).gone {
                kept.remove(&key);
            } else {
                self.bury(&mut kept, &key);
                swept += 1;
            }
        }
        (swept, true)
    }
}

impl Records for MemoryRecords {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Found, RecordsError>> {
        std::future::ready(Ok(self.found(key))).boxed()
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> BoxFuture<'a, Result<Record, RecordsError>> {
        let written =
            self.write(key, value, None).and_then(|record| record.ok_or_else(RecordsError::refused));
        std::future::ready(written).boxed()
    }

    fn put_if<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: u64,
    ) -> BoxFuture<'a, Result<Option<Record>, RecordsError>> {
        std::future::ready(self.write(key, value, Some(expected))).boxed()
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Position, RecordsError>> {
        let mut kept = self.lock();
        if !kept.position(key).gone {
            self.bury(&mut kept, &key.into());
        }
        std::future::ready(Ok(kept.position(key))).boxed()
    }

    fn sweep(&self) -> BoxFuture<'_, Result<usize, RecordsError>> {
        async move {
            let limit = millis_now().saturating_sub(self.time_to_live);
            let mut swept = 0;
            loop {
                let (some, more) = self.sweep_batch(limit);
                swept += some;
                if !more {
                    return Ok(swept);
                }
                tokio::task::yield_now().await;
            }
        }
        .boxed()
    }

    fn hints(&self) -> Hints {
        Hints(self.hints.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::{ENTRY_BYTES, MemoryRecords};
    use crate::records::{Found, Records, RecordsError, contract};

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn fulfils_the_contract() {
        contract::check(async |time_to_live| Arc::new(MemoryRecords::new(time_to_live, 1 << 20)) as _).await;
    }

    #[tokio::test]
    async fn what_it_may_take_is_bounded() {
        let records = MemoryRecords::new(HOUR, 2 * (ENTRY_BYTES + 1 + 100));
        records.put("a", vec![0; 100].into()).await.unwrap();
        records.put("b", vec![0; 100].into()).await.unwrap();
        assert!(matches!(records.put("c", vec![0; 100].into()).await, Err(RecordsError::Full)));
        assert!(matches!(records.put("a", vec![0; 101].into()).await, Err(RecordsError::Full)));
        let shrunk = records.put("a", vec![0; 50].into()).await.unwrap();
        assert_eq!(shrunk.position.version, 2, "what was refused took no version");
        records.put("b", vec![0; 150].into()).await.unwrap();
        assert!(matches!(records.get("c").await.unwrap(), Found::Gone(_)));
    }

    #[tokio::test]
    async fn nothing_stays_of_what_is_forgotten() {
        let records = MemoryRecords::new(Duration::ZERO, 1 << 30);
        for number in 0..10_000 {
            records.put(&number.to_string(), "x".into()).await.unwrap();
        }
        let mut swept = 0;
        while records.lock().bytes > 0 {
            swept += records.sweep().await.unwrap();
        }
        assert_eq!(swept, 10_000);
        let kept = records.lock();
        assert_eq!((kept.entries.len(), kept.by_age.len()), (0, 0));
    }
}
