//! For tests: a disk in memory that fails, hangs, and whose power goes.
//!
//! What is written is seen at once and survives only once it is synced. Of what was not, any sectors may survive.

use std::{
    io,
    ops::Range,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use redb::{Database, StorageBackend};

use super::engine::Opener;
use crate::journal::JournalError;

/// What is written as a whole or not at all.
const SECTOR: usize = 512;

/// The disk. Its clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    /// What reads see.
    seen: Vec<u8>,
    /// What survives, and what may.
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// How many reads, writes and syncs there were; those that fail, and whether they panic.
    used: usize,
    fails: Range<usize>,
    panics: bool,
    /// Syncs wait as long as this is set, and are counted.
    holds: bool,
    held: usize,
}

#[derive(Debug)]
enum Change {
    Length(usize),
    Sector(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Sector(at, sector) => {
                let end = at + sector.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*at..end].copy_from_slice(sector);
            }
        }
    }
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }

    /// Opens a database on it. After a failure all of it is written once more, as `file.rs` does.
    pub(super) fn opener(&self) -> Opener {
        let disk = self.clone();
        Box::new(move |again| {
            if again {
                disk.used().map_err(JournalError::new)?;
                let mut state = disk.lock();
                state.synced = state.seen.clone();
                state.unsynced.clear();
            }
            Database::builder().create_with_backend(disk.clone()).map_err(JournalError::new)
        })
    }

    /// How often it was used.
    pub(super) fn uses(&self) -> usize {
        self.lock().used
    }

    /// Fails these uses of it, counted from now.
    pub(super) fn fail(&self, uses: Range<usize>, panics: bool) {
        let mut state = self.lock();
        state.fails = state.used.saturating_add(uses.start)..state.used.saturating_add(uses.end);
        state.panics = panics;
    }

    /// From now on syncs wait.
    pub(super) fn hold(&self) {
        self.lock().holds = true;
    }

    /// Lets syncs go on.
    pub(super) fn release(&self) {
        self.lock().holds = false;
        self.0.1.notify_all();
    }

    /// Waits until a sync waits.
    pub(super) fn wait_for_sync(&self) {
        let mut state = self.lock();
        while state.held == 0 {
            state = self.0.1.wait(state).unwrap();
        }
    }

    /// What is there when the power went just now.
    pub(super) fn after_power_cut(&self, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let state = self.lock();
        let mut left = state.synced.clone();
        let survives: f64 = random.random();
        for change in &state.unsynced {
            if random.random_bool(survives) {
                change.apply(&mut left);
            }
        }
        let state = State { seen: left.clone(), synced: left, ..State::default() };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    fn used(&self) -> io::Result<()> {
        let mut state = self.lock();
        let fails = state.fails.contains(&state.used);
        state.used += 1;
        let panics = state.panics;
        drop(state);
        assert!(!(fails && panics), "made to panic");
        if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn change(&self, change: Change) {
        let mut state = self.lock();
        change.apply(&mut state.seen);
        state.unsynced.push(change);
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.used()?;
        let at = offset as usize;
        let state = self.lock();
        let found = state.seen.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.used()?;
        self.change(Change::Length(len as usize));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.held += 1;
        self.0.1.notify_all();
        while state.holds {
            state = self.0.1.wait(state).unwrap();
        }
        state.held -= 1;
        drop(state);
        let synced = self.used();
        let mut state = self.lock();
        let changes = std::mem::take(&mut state.unsynced);
        // What a failed sync did not write counts as written all the same, as on Linux.
        if synced.is_ok() {
            changes.iter().for_each(|change| change.apply(&mut state.synced));
        }
        synced
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.used()?;
        for (number, sector) in data.chunks(SECTOR).enumerate() {
            self.change(Change::Sector(offset as usize + number * SECTOR, sector.to_vec()));
        }
        Ok(())
    }
}
