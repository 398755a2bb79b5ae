//! One connection to Redis, from its beginning to its end; a new one is a new beginning for all that hung on it.
//!
//! redis-rs has a manager that reconnects and subscribes again. It is not used: it queues messages without a bound,
//! keeps commands waiting while it reconnects, and does not say when the subscriptions stand again.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, PushInfo, PushKind, RedisError, RedisResult,
    aio::{MultiplexedConnection, SendError},
};
use tokio::{sync::Notify, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{PING_EVERY, TIMEOUT, subscriptions::Subscriptions};

/// Where a connection is for as long as it stands.
#[derive(Default)]
pub(super) struct Slot(Mutex<Option<Commands>>);

/// To send commands on. The token says when nothing comes back any more.
pub(super) type Commands = (MultiplexedConnection, CancellationToken);

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Commands>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self) -> Option<Commands> {
        self.lock().clone()
    }

    /// Keeps it here until what is returned is dropped.
    pub(super) fn hold(&self, connection: &Connection) -> Occupied<'_> {
        *self.lock() = Some((connection.redis.clone(), CancellationToken::new()));
        Occupied(self)
    }
}

/// A slot that is taken.
pub(super) struct Occupied<'a>(&'a Slot);

impl Drop for Occupied<'_> {
    fn drop(&mut self) {
        if let Some((_connection, is_over)) = self.0.lock().take() {
            is_over.cancel();
        }
    }
}

/// What the task that reads from Redis shares with the one that lives the connection.
#[derive(Default)]
struct Ending {
    /// Nothing that comes counts any more: there may be a newer connection, while a command still waits on this one.
    is_over: AtomicBool,
    ended: Notify,
}

/// One connection to Redis.
pub(super) struct Connection {
    redis: MultiplexedConnection,
    /// What it has to be subscribed to.
    subscriptions: Option<Arc<Subscriptions>>,
    ending: Arc<Ending>,
}

impl Connection {
    pub(super) async fn open(
        client: &Client,
        subscriptions: Option<&Arc<Subscriptions>>,
    ) -> RedisResult<Self> {
        let subscriptions = subscriptions.cloned();
        let ending = Arc::new(Ending::default());
        let (listening, hearing) = (subscriptions.clone(), Arc::clone(&ending));
        let config = AsyncConnectionConfig::new()
            .set_push_sender(move |push: PushInfo| {
                heard(&hearing, listening.as_deref(), push);
                Ok::<_, SendError>(())
            })
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        let redis = tokio::time::timeout(TIMEOUT, connecting).await.map_err(|_elapsed| no_answer())??;
        Ok(Self { redis, subscriptions, ending })
    }

    /// Lives until the connection ends, or answers no more; why it did. Calls `stands` once it is subscribed to all.
    pub(super) async fn live(mut self, stands: impl FnOnce()) -> RedisError {
        if let Some(subscriptions) = &self.subscriptions {
            subscriptions.begin();
        }
        let ending = Arc::clone(&self.ending);
        let ended = tokio::select! {
            error = self.keep_up(stands) => error,
            () = ending.ended.notified() => (ErrorKind::Io, "the connection ended").into(),
        };
        ending.is_over.store(true, Ordering::Release);
        ended
    }

    async fn keep_up(&mut self, stands: impl FnOnce()) -> RedisError {
        let mut stands = Some(stands);
        let mut ticks = tokio::time::interval(PING_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let subscriptions = self.subscriptions.clone();
        loop {
            let changed = match &subscriptions {
                Some(subscriptions) => match self.follow(subscriptions).await {
                    Ok(()) => Some(subscriptions.changed()),
                    Err(error) => return error,
                },
                None => None,
            };
            if let Some(stands) = stands.take() {
                stands();
            }
            let changed = futures_util::future::OptionFuture::from(changed);
            tokio::select! {
                Some(()) = changed => {}
                _ = ticks.tick() => {
                    if let Err(error) = redis::cmd("PING").query_async::<()>(&mut self.redis).await {
                        return error;
                    }
                }
            }
        }
    }

    /// Subscribes and unsubscribes until Redis has what is wanted. One command after the other: what is asked for
    /// later is done later.
    async fn follow(&mut self, subscriptions: &Subscriptions) -> RedisResult<()> {
        loop {
            let Some(changes) = subscriptions.next_changes() else { return Ok(()) };
            if !changes.subscribe.is_empty() {
                self.redis.subscribe(names(&changes.subscribe)).await?;
            }
            if !changes.unsubscribe.is_empty() {
                self.redis.unsubscribe(names(&changes.unsubscribe)).await?;
            }
            subscriptions.done(&changes);
        }
    }
}

fn heard(ending: &Ending, subscriptions: Option<&Subscriptions>, push: PushInfo) {
    if ending.is_over.load(Ordering::Acquire) {
        return;
    }
    match push.kind {
        PushKind::Disconnection => ending.ended.notify_one(),
        PushKind::Message => {
            if let Some(subscriptions) = subscriptions {
                subscriptions.message(&push.data);
            }
        }
        _ => {}
    }
}

fn names(channels: &[Arc<str>]) -> Vec<&str> {
    channels.iter().map(|channel| &**channel).collect()
}

fn no_answer() -> RedisError {
    (ErrorKind::Io, "Redis did not answer in time").into()
}
