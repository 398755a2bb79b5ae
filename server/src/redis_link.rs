//! The connection to Redis: commands, subscriptions, and whether it is there.
//!
//! It reconnects and subscribes again by itself. Whoever subscribes is told when messages may have been missed; what
//! they are about is not known here.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use redis::{
    Client, ErrorKind, IntoConnectionInfo as _, ProtocolVersion, PushInfo, PushKind, RedisResult, Value,
    aio::{ConnectionManager, ConnectionManagerConfig, SendError},
    from_redis_value,
    io::tcp::TcpSettings,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::MissedTickBehavior;

/// How long a command, or an attempt to connect, may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How often it is looked whether Redis is there: so long at most a failure that nothing shows goes unnoticed.
const PING_EVERY: Duration = Duration::from_secs(1);

/// The longest pause between attempts to connect.
const MAX_PAUSE: Duration = Duration::from_millis(500);

const STARTING: u8 = 0;
const UP: u8 = 1;
const DOWN: u8 = 2;

/// What a subscription brings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pushed<'a> {
    /// A message.
    Message(&'a [u8]),
    /// Messages may have been missed: the connection is a new one.
    Gap,
}

/// Is called with everything that a subscription brings, in order.
pub(crate) type Listener = Box<dyn Fn(Pushed<'_>) + Send + Sync>;

/// A connection to Redis, shared by whoever needs it.
pub(crate) struct RedisLink {
    client: Client,
    manager: OnceLock<ConnectionManager>,
    shared: Arc<Shared>,
}

/// What the connection's own task needs too.
struct Shared {
    state: AtomicU8,
    subscriptions: OnceLock<Vec<(String, Listener)>>,
}

impl Shared {
    fn subscriptions(&self) -> &[(String, Listener)] {
        self.subscriptions.get().map_or(&[], Vec::as_slice)
    }

    /// The connection stands. Only then may it be known that it did not before: who reads again has to be answered.
    fn came_up(&self, is_new: bool) {
        let before = self.state.swap(UP, Ordering::AcqRel);
        if before != UP {
            tracing::info!("Redis is there");
        }
        if is_new || before == DOWN {
            self.subscriptions().iter().for_each(|(_, listener)| listener(Pushed::Gap));
        }
    }

    fn went_down(&self, why: &str) {
        if self.state.swap(DOWN, Ordering::AcqRel) != DOWN {
            tracing::warn!(why, "Redis is away");
        }
    }

    fn pushed(&self, push: PushInfo) {
        match push.kind {
            PushKind::Disconnection => self.went_down("the connection ended"),
            // Also after the manager subscribed again, on a new connection.
            PushKind::Subscribe => self.came_up(true),
            PushKind::Message => {
                let Ok((channel, message)) = from_redis_value::<(String, Vec<u8>)>(Value::Array(push.data))
                else {
                    return;
                };
                let to = self.subscriptions().iter().filter(|(subscribed, _)| *subscribed == channel);
                to.for_each(|(_, listener)| listener(Pushed::Message(&message)));
            }
            _ => {}
        }
    }
}

impl RedisLink {
    /// A link that is not connected yet.
    ///
    /// # Errors
    /// When that is no URL of a Redis that can be reached from here.
    pub(crate) fn new(url: &SecretString) -> RedisResult<Self> {
        let info = url.expose_secret().into_connection_info()?;
        // Messages come on the connection of the commands, which the older protocol cannot do.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tcp = TcpSettings::default().set_nodelay(true).set_user_timeout(TIMEOUT * 2);
        let client = Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp))?;
        let shared = Shared { state: AtomicU8::new(STARTING), subscriptions: OnceLock::new() };
        Ok(Self { client, manager: OnceLock::new(), shared: Arc::new(shared) })
    }

    /// Whether Redis has answered lately.
    pub(crate) fn is_up(&self) -> bool {
        self.shared.state.load(Ordering::Acquire) == UP
    }

    /// Connects, subscribes and watches the connection, for as long as the server runs. Listeners must not block.
    pub(crate) async fn run(&self, subscriptions: Vec<(String, Listener)>) {
        let channels: Vec<String> = subscriptions.iter().map(|(channel, _)| channel.clone()).collect();
        let _once = self.shared.subscriptions.set(subscriptions);
        let mut subscribed = false;
        let mut ticks = tokio::time::interval(PING_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Once it has subscribed the manager does so again by itself.
            let answered = if subscribed {
                self.timed(async |mut manager| redis::cmd("PING").query_async::<()>(&mut manager).await).await
            } else {
                self.timed(async |mut manager| manager.subscribe(&channels).await).await
            };
            subscribed |= answered.is_ok();
            match answered {
                Ok(()) => self.shared.came_up(false),
                Err(error) => self.shared.went_down(&error.to_string()),
            }
        }
    }

    /// Runs commands. While Redis is known to be away it fails at once, so that nothing waits in line.
    pub(crate) async fn commands<T>(
        &self,
        commands: impl AsyncFnOnce(ConnectionManager) -> RedisResult<T>,
    ) -> RedisResult<T> {
        if self.shared.state.load(Ordering::Acquire) == DOWN {
            return Err((ErrorKind::Io, "Redis is away").into());
        }
        self.timed(commands).await
    }

    async fn timed<T>(
        &self,
        commands: impl AsyncFnOnce(ConnectionManager) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let commands = commands(self.manager()?);
        match tokio::time::timeout(TIMEOUT, commands).await {
            Ok(result) => result,
            Err(_elapsed) => Err((ErrorKind::Io, "Redis did not answer in time").into()),
        }
    }

    /// The manager, made at its first use: that needs a runtime.
    fn manager(&self) -> RedisResult<ConnectionManager> {
        if let Some(manager) = self.manager.get() {
            return Ok(manager.clone());
        }
        let shared = Arc::clone(&self.shared);
        let config = ConnectionManagerConfig::new()
            .set_push_sender(move |push| {
                shared.pushed(push);
                Ok::<_, SendError>(())
            })
            .set_automatic_resubscription()
            .set_max_delay(MAX_PAUSE)
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let made = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        Ok(self.manager.get_or_init(|| made).clone())
    }
}
