//! The store of documents' snapshots: one object a document, replaced as a whole. It is in a bucket, in a folder, or in
//! memory.
//!
//! It knows no Yjs. What a document's journal has may go once a save is done, so a done save is on disk. It tries
//! nothing again by itself beyond a moment: whoever saves does, at its own pace.

#[cfg(test)]
mod contract;
mod error;
mod open;
#[cfg(test)]
mod tests;

use std::{
    hash::{BuildHasher as _, RandomState},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
pub(crate) use error::StoreError;
use futures_util::future::BoxFuture;
use object_store::{
    Error, GetOptions, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion,
    path::Path,
};
use tokio::sync::Mutex;

use super::id::DocumentId;

/// How long a bucket may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How many more seconds it may take for each MiB that travels: the slowest line that is not taken for a broken one.
const SECONDS_PER_MIB: f64 = 1.0;

/// How many documents of a folder can be written at a time, at most.
const TURNS: usize = 64;

/// The snapshots. Clones are the same store.
#[derive(Clone)]
pub(crate) struct Store {
    objects: Arc<dyn ObjectStore>,
    place: Place,
}

/// Where they are.
#[derive(Clone)]
enum Place {
    Bucket { prefix: Option<Arc<str>>, patience: Duration },
    Folder(Arc<Folder>),
    Memory,
}

/// A folder of one process's own. It has no conditional writes and needs none, if its writes do not overtake each other.
struct Folder {
    path: PathBuf,
    /// Whose turn it is, for some documents each.
    turns: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

/// A snapshot that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) bytes: Bytes,
    pub(crate) version: Version,
}

/// Which of an object's contents it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version(UpdateVersion);

/// How a save ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    /// It is kept, as this version.
    Done(Version),
    /// Somebody else's is there, or none any more: load, merge, and save after that.
    Conflict,
}

impl Store {
    /// What is kept of a document; `None` if nothing is.
    ///
    /// # Errors
    /// When the store fails or says nothing in time.
    pub(crate) async fn load(&self, id: &DocumentId) -> Result<Option<Stored>, StoreError> {
        let key = self.key(id)?;
        let found = match self.within(0, self.objects.get_opts(&key, GetOptions::default())).await? {
            Ok(found) => found,
            Err(error) if error::is_absence(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let bytes = found.meta.size;
        let version =
            Version(UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() });
        let bytes = self.within(bytes, found.bytes()).await??;
        Ok(Some(Stored { bytes, version }))
    }

    /// Replaces what is kept of a document, if that still is `after`: what the last load or save said, or nothing. In a
    /// folder, where nobody else writes, it is not asked what is there.
    ///
    /// # Errors
    /// When the store fails or says nothing in time. It may have been kept nevertheless; then the next save is told of a
    /// conflict.
    pub(crate) async fn save(
        &self,
        id: &DocumentId,
        bytes: Bytes,
        after: Option<&Version>,
    ) -> Result<Saved, StoreError> {
        let size = bytes.len() as u64;
        let key = self.key(id)?;
        let mode = match (&self.place, after) {
            (Place::Folder(_), _) => PutMode::Overwrite,
            (_, None) => PutMode::Create,
            (_, Some(Version(after))) => PutMode::Update(after.clone()),
        };
        let objects = Arc::clone(&self.objects);
        let put =
            async move { objects.put_opts(&key, PutPayload::from(bytes), PutOptions::from(mode)).await };
        match self.written(id, size, Box::pin(put)).await? {
            Ok(put) => Ok(Saved::Done(Version(put.into()))),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Saved::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets a document. One that is not kept is forgotten already.
    ///
    /// # Errors
    /// When the store fails or says nothing in time. It may have been forgotten nevertheless.
    pub(crate) async fn delete(&self, id: &DocumentId) -> Result<(), StoreError> {
        let key = self.key(id)?;
        let objects = Arc::clone(&self.objects);
        let folder = match &self.place {
            Place::Folder(folder) => Some(folder.path.clone()),
            _ => None,
        };
        let gone = async move {
            match objects.delete(&key).await {
                Err(error) if error::is_absence(&error) => {}
                deleted => deleted?,
            }
            match folder {
                Some(folder) => open::sync_folder(folder).await,
                None => Ok(()),
            }
        };
        Ok(self.written(id, 0, Box::pin(gone)).await??)
    }

    fn key(&self, id: &DocumentId) -> Result<Path, StoreError> {
        match &self.place {
            Place::Bucket { prefix, .. } => id.object_key(prefix.as_deref()),
            Place::Folder(_) => id.file_key(),
            Place::Memory => id.object_key(None),
        }
        .map_err(|error| Error::from(error).into())
    }

    /// A write. In a folder it is carried out even if nobody waits for it any more, and before the next one of its
    /// document: one that was given up could else undo a later one. In a bucket versions see to that.
    async fn written<T: Send + 'static>(
        &self,
        id: &DocumentId,
        bytes: u64,
        write: BoxFuture<'static, object_store::Result<T>>,
    ) -> Result<object_store::Result<T>, StoreError> {
        let Place::Folder(folder) = &self.place else { return self.within(bytes, write).await };
        let turn = Arc::clone(folder.turn(id)).lock_owned().await;
        let written = tokio::spawn(async move {
            let result = write.await;
            drop(turn);
            result
        });
        written.await.map_err(StoreError::failed)
    }

    /// A bucket's answer, if it comes in time. Disks have no deadline: the operating system has one of its own, and what
    /// it still writes must not come after what is written next.
    async fn within<T>(
        &self,
        bytes: u64,
        answer: impl Future<Output = object_store::Result<T>>,
    ) -> Result<object_store::Result<T>, StoreError> {
        let Place::Bucket { patience, .. } = &self.place else { return Ok(answer.await) };
        let deadline = *patience + Duration::from_secs_f64(bytes as f64 / 1_048_576.0 * SECONDS_PER_MIB);
        tokio::time::timeout(deadline, answer).await.map_err(|_| StoreError::Deadline(deadline))
    }
}

impl Folder {
    fn new(path: PathBuf) -> Self {
        let turns = (0..TURNS).map(|_| Arc::default()).collect();
        Self { path, turns, hasher: RandomState::new() }
    }

    fn turn(&self, id: &DocumentId) -> &Arc<Mutex<()>> {
        &self.turns[self.hasher.hash_one(id) as usize % TURNS]
    }
}
