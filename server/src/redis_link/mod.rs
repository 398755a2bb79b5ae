//! The link to Redis: commands, subscriptions, and whether it is there.
//!
//! It reconnects and subscribes again by itself. Whoever subscribes is told when messages may have been missed; what
//! they are about is not known here. A command is never tried again: it may have been carried out.

mod connection;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use connection::{Commands, Connection, Slot};
use redis::{
    Client, ErrorKind, IntoConnectionInfo as _, ProtocolVersion, RedisResult, aio::MultiplexedConnection,
    io::tcp::TcpSettings,
};
use secrecy::{ExposeSecret as _, SecretString};
use subscriptions::Subscriptions;
pub(crate) use subscriptions::{Held, Listener, Pushed, Subscriber};
use tokio::sync::watch;

/// How long a command, or an attempt to connect, may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How often it is looked whether Redis is there: so long at most a failure that nothing shows goes unnoticed.
const PING_EVERY: Duration = Duration::from_secs(1);

/// The first pause between attempts to connect; each next one is twice as long.
const MIN_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between attempts to connect.
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// Whether Redis is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// Nobody knows yet.
    Starting,
    Up,
    Down,
}

/// Some connections to one Redis, shared by whoever needs it.
pub(crate) struct RedisLink {
    client: Client,
    /// The first one has the subscriptions too.
    slots: Vec<Slot>,
    next: AtomicUsize,
    presence: watch::Sender<Presence>,
    subscriptions: Arc<Subscriptions>,
}

impl RedisLink {
    /// A link that is not connected yet, with so many connections for commands.
    ///
    /// # Errors
    /// When that is no URL of a Redis that can be reached from here.
    pub(crate) fn new(url: &SecretString, connections: usize) -> RedisResult<Self> {
        let info = url.expose_secret().into_connection_info()?;
        // Whoever embeds the server may have chosen already; then theirs stays.
        let _theirs = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // Messages come on the connection of the commands, which the older protocol cannot do.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tcp = TcpSettings::default().set_nodelay(true).set_user_timeout(TIMEOUT * 2);
        let client = Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp))?;
        Ok(Self {
            client,
            slots: (0..connections.max(1)).map(|_| Slot::default()).collect(),
            next: AtomicUsize::new(0),
            presence: watch::Sender::new(Presence::Starting),
            subscriptions: Arc::default(),
        })
    }

    /// Whether Redis is there and the subscriptions stand.
    pub(crate) fn is_up(&self) -> bool {
        *self.presence.borrow() == Presence::Up
    }

    /// Whether Redis is known not to be there.
    pub(crate) fn is_away(&self) -> bool {
        *self.presence.borrow() == Presence::Down
    }

    /// Channels whose names begin with `prefix`; before or after [`RedisLink::run`]. `listener` is called with all that
    /// they bring, in order, and must not block: it holds up everybody's messages and answers.
    pub(crate) fn subscriber(self: &Arc<Self>, prefix: &str, listener: Listener) -> Subscriber {
        Subscriber::new(Arc::clone(self), prefix, listener)
    }

    /// Connects, subscribes and watches the connections, for as long as the server runs.
    pub(crate) async fn run(&self) {
        let lives = self.slots.iter().enumerate().map(|(number, slot)| self.keep_alive(number == 0, slot));
        futures_util::future::join_all(lives).await;
    }

    /// One connection after the other.
    async fn keep_alive(&self, is_first: bool, slot: &Slot) {
        let mut pause = MIN_PAUSE;
        loop {
            let ended = match Connection::open(&self.client, is_first.then_some(&self.subscriptions)).await {
                Ok(connection) => {
                    let held = slot.hold(&connection);
                    let stands = || {
                        pause = MIN_PAUSE;
                        if is_first {
                            self.came_up();
                        }
                    };
                    let ended = connection.live(stands).await;
                    drop(held);
                    ended
                }
                Err(error) => error,
            };
            if is_first {
                self.went_down(&ended.to_string());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// The subscriptions stand: only now may it be known that they did not, since who reads again must miss nothing.
    fn came_up(&self) {
        self.subscriptions.tell_gap();
        self.presence.send_replace(Presence::Up);
        tracing::info!("Redis is there");
    }

    fn went_down(&self, why: &str) {
        self.subscriptions.end();
        if self.presence.send_replace(Presence::Down) != Presence::Down {
            tracing::warn!(why, "Redis is away");
        }
    }

    /// Runs commands. While Redis is known to be away it fails at once, so that nothing waits in line.
    pub(crate) async fn commands<T>(
        &self,
        commands: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let all = async {
            let mut presence = self.presence.subscribe();
            drop(presence.wait_for(|presence| *presence != Presence::Starting).await);
            let Some((connection, is_over)) = self.connection() else {
                return Err((ErrorKind::Io, "Redis is away").into());
            };
            let answer = is_over.run_until_cancelled(commands(connection)).await;
            answer.unwrap_or_else(|| Err((ErrorKind::Io, "the connection ended").into()))
        };
        match tokio::time::timeout(TIMEOUT, all).await {
            Ok(result) => result,
            Err(_elapsed) => Err((ErrorKind::Io, "Redis did not answer in time").into()),
        }
    }

    /// The next connection in turn, of those that stand.
    fn connection(&self) -> Option<Commands> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let all = self.slots.len();
        (0..all).find_map(|offset| self.slots[(first.wrapping_add(offset)) % all].get())
    }

    /// Publishes a message. Two reach whoever listens in this order if the second is not begun before the first was
    /// answered.
    pub(crate) async fn publish(&self, channel: &str, message: &[u8]) -> RedisResult<()> {
        self.commands(async |mut connection| {
            redis::cmd("PUBLISH").arg(channel).arg(message).query_async::<()>(&mut connection).await
        })
        .await
    }
}
