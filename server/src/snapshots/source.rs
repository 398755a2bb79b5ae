//! An app's source, guarded: whatever its code does, nobody waits for ever and nobody sees what is not meant for them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt as _;
use syncline::{
    Session, Snapshot, SyncError, SyncResult, codes,
    run::{AudienceKey, ErasedSource},
};
use tokio::{sync::Semaphore, time::Instant};

/// How long it may take to say whether somebody may watch.
const ACCESS_WITHIN: Duration = Duration::from_secs(5);

/// How many snapshots of a kind are built at a time.
const BUILDS: usize = 64;

/// The largest snapshot, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// The source of a kind.
pub(super) struct Source {
    app: Arc<dyn ErasedSource>,
    places: Semaphore,
    build_within: Duration,
}

impl Source {
    pub(super) fn new(app: Arc<dyn ErasedSource>, build_within: Duration) -> Self {
        Self { app, places: Semaphore::new(BUILDS), build_within }
    }

    /// The audience of a viewer. May panic, as it is the app's code; whoever calls guards.
    pub(super) fn audience_unguarded(&self, id: &str, viewer: &Session) -> AudienceKey {
        self.app.audience(id, viewer)
    }

    /// The audience of a viewer.
    ///
    /// # Errors
    /// `sync.internal` when the app's code panics.
    pub(super) fn audience(&self, id: &str, viewer: &Session) -> SyncResult<AudienceKey> {
        catch_unwind(AssertUnwindSafe(|| self.app.audience(id, viewer))).map_err(|_panic| {
            tracing::error!("a source's `audience` panicked");
            codes::INTERNAL.into()
        })
    }

    /// Whether the viewer may watch. What does not answer, denies.
    pub(super) async fn may_watch(&self, id: &str, viewer: &Session) -> bool {
        let asked = AssertUnwindSafe(async { self.app.may_watch(id, viewer).await }).catch_unwind();
        match tokio::time::timeout(ACCESS_WITHIN, asked).await {
            Ok(Ok(allowed)) => allowed,
            Ok(Err(_panic)) => {
                tracing::error!("a source's `may_watch` panicked and so denies");
                false
            }
            Err(_elapsed) => {
                tracing::error!("a source's `may_watch` did not answer and so denies");
                false
            }
        }
    }

    /// The newest snapshot for that audience.
    ///
    /// # Errors
    /// The app's; `sync.timeout` or `sync.internal` when it does not answer or not well.
    pub(super) async fn snapshot(&self, id: &str, audience: &AudienceKey) -> SyncResult<Snapshot> {
        // Waiting for a place counts too: sources that hang would otherwise make a line without an end.
        let deadline = Instant::now() + self.build_within;
        let place = tokio::time::timeout_at(deadline, self.places.acquire()).await;
        if place.is_err() || Instant::now() >= deadline {
            return Err(codes::TIMEOUT.into());
        }
        let built = AssertUnwindSafe(async { self.app.snapshot(id, audience).await }).catch_unwind();
        let snapshot = match tokio::time::timeout_at(deadline, built).await {
            Ok(Ok(snapshot)) => snapshot.inspect_err(log_cause)?,
            Ok(Err(_panic)) => {
                tracing::error!("a source's `snapshot` panicked");
                return Err(codes::INTERNAL.into());
            }
            Err(_elapsed) => {
                tracing::error!("a source's `snapshot` did not answer");
                return Err(codes::TIMEOUT.into());
            }
        };
        if snapshot.data().get().len() > MAX_BYTES {
            tracing::error!(bytes = snapshot.data().get().len(), max = MAX_BYTES, "a snapshot is too large");
            return Err(codes::INTERNAL.into());
        }
        Ok(snapshot)
    }
}

fn log_cause(error: &SyncError) {
    if let Some(cause) = error.cause() {
        tracing::warn!(code = error.code().code(), cause, "a source could not build a snapshot");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use syncline::{Session, Snapshot, SnapshotSource, SyncResult, codes};

    use super::{BUILDS, Source};

    /// Counts how often it is asked.
    #[derive(Default)]
    struct Asked(Arc<AtomicUsize>);

    impl SnapshotSource for Asked {
        type Audience = ();

        fn audience(&self, _id: &str, _viewer: &Session) {}

        async fn snapshot(&self, _id: &str, (): &()) -> SyncResult<Snapshot> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Snapshot::new(1, &"state")
        }

        async fn may_watch(&self, _id: &str, _viewer: &Session) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn waiting_for_a_place_has_an_end() {
        let asked = Asked::default();
        let count = Arc::clone(&asked.0);
        let source = Source::new(Arc::new(asked), Duration::from_millis(20));
        let audience = source.audience("7", &Session::default()).unwrap();
        let all = source.places.acquire_many(BUILDS as u32).await.unwrap();
        let refused = tokio::time::timeout(Duration::from_secs(20), source.snapshot("7", &audience)).await;
        assert_eq!(refused.expect("an answer").unwrap_err().code(), codes::TIMEOUT);
        assert_eq!(count.load(Ordering::SeqCst), 0, "the app is not asked when there is no time left");
        drop(all);
        assert_eq!(source.snapshot("7", &audience).await.unwrap().version(), 1);
    }
}
