//! The file that the journal is in: where it is, that it survives, and that one process has it.
//!
//! What is in it is the engine's.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use redb::{Database, DatabaseError};

use crate::journal::JournalError;

/// The file's name in its folder.
pub(super) const NAME: &str = "journal.redb";

/// Why it cannot be opened when its lock is another's.
const IN_USE: &str = "another process has it open";

/// What the engine may keep in memory of what is on disk.
const CACHE_BYTES: usize = 32 << 20;

/// Opens the file in this folder, or begins it; `again` after something of it failed.
pub(super) fn open(folder: &Path, again: bool) -> Result<Database, JournalError> {
    let file = folder.join(NAME);
    fs::create_dir_all(folder).map_err(JournalError::new)?;
    if again && file.exists() {
        write_again(&file).map_err(|why| match why.kind() {
            io::ErrorKind::WouldBlock => JournalError::new(IN_USE),
            _ => JournalError::new(why),
        })?;
    }
    let begins = !file.exists();
    let opened = Database::builder().set_cache_size(CACHE_BYTES).create(&file).map_err(|why| match why {
        DatabaseError::DatabaseAlreadyOpen => JournalError::new(IN_USE),
        why => JournalError::new(why),
    })?;
    if begins {
        // A file is only there for good once its folder is written, and that folder in its own.
        for folder in folder.ancestors().take(2).filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(JournalError::new)?;
        }
    }
    Ok(opened)
}

/// Writes the whole file as it reads. When a sync fails, Linux takes what it could not write for written: it reads as if
/// it were on disk, and no later sync tries it again.
pub(super) fn write_again(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    file.try_lock()?;
    let mut part = vec![0; 1 << 20];
    let mut at = 0;
    loop {
        file.seek(SeekFrom::Start(at))?;
        let read = file.read(&mut part)?;
        if read == 0 {
            return file.sync_all();
        }
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&part[..read])?;
        at += read as u64;
    }
}
