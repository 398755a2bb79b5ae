//! The composition root: the only file that knows every system.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use http::{HeaderName, Method, header};
use socketioxide::{ParserConfig, SocketIo, TransportType, layer::SocketIoLayer};
use syncline::{Functions, Registry};
use syncline_i18n::Catalog;
use tokio::sync::oneshot;
use tower_http::cors::CorsLayer;

use crate::{
    auth::{ClaimsPolicy, GuardedPolicy, Origins, RoomPolicy, Tokens},
    build_error::BuildError,
    cluster::{Bus, LocalBus, RedisBus},
    config::{Config, Environment},
    dev,
    error::Errors,
    events::{self, Connect, DirectAdapter, Events, Parts},
    net::{self, Front, HandshakeLimiter, Listening, RateLimits, TrustedProxies, Upgrades},
    observe::{self, Dependency, Health, Metrics},
    records::{MemoryRecords, Records, RedisRecords},
    redis_link::RedisLink,
    rooms::{self, Rooms},
    running::{Running, stop_signal},
};

/// How long a client may take from the handshake to its connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest frame, message or polling body; above it the transport closes the connection.
const MAX_TRANSPORT_BYTES: usize = 1024 * 1024;

type Io = SocketIo<DirectAdapter>;

/// A server that has everything it needs.
pub struct Server {
    config: Config,
    events: Option<Arc<Events>>,
    rooms: Option<Arc<Rooms>>,
    limits: Arc<RateLimits>,
    redis: Option<Arc<RedisLink>>,
    front: Arc<Front>,
    health: Health,
    routes: Router,
}

/// What a server is made of.
pub struct ServerBuilder {
    config: Config,
    functions: Functions,
    registry: Option<Registry>,
    policy: Option<GuardedPolicy>,
    texts: Vec<(&'static str, &'static str)>,
    routes: Router,
}

impl ServerBuilder {
    /// The app's own state, which its handlers get as `functions`.
    #[must_use]
    pub fn functions<A: Send + Sync + 'static>(self, app: Arc<A>) -> Self {
        Self { functions: Functions::new(app), ..self }
    }

    /// These handlers instead of all that the binary links.
    #[must_use]
    pub fn registry(self, registry: Registry) -> Self {
        Self { registry: Some(registry), ..self }
    }

    /// Who may join and publish, instead of the `rooms` claim.
    #[must_use]
    pub fn room_policy(self, policy: impl RoomPolicy) -> Self {
        Self { policy: Some(GuardedPolicy::new(policy)), ..self }
    }

    /// The app's own texts, `(locale, Fluent source)`; they add to the framework's and may replace them.
    #[must_use]
    pub fn texts(mut self, texts: &[(&'static str, &'static str)]) -> Self {
        self.texts.extend_from_slice(texts);
        self
    }

    /// Further HTTP routes of the app. `/sync`, `/socket.io`, `/api`, `/openapi.json`, `/healthz`, `/readyz` and `/metrics`
    /// are the server's.
    #[must_use]
    pub fn routes(self, routes: Router) -> Self {
        Self { routes, ..self }
    }

    /// Checks everything and puts the server together.
    ///
    /// # Errors
    /// [`BuildError`], which says what is wrong with the handlers, texts or keys.
    pub fn build(self) -> Result<Server, BuildError> {
        let Self { config, functions, registry, policy, texts, routes } = self;
        let registry = match registry {
            Some(registry) => registry,
            None if config.events => Registry::from_inventory().map_err(BuildError::Handlers)?,
            None => Registry::none(),
        };
        registry.check_functions(&functions).map_err(BuildError::Handlers)?;
        let registry = Arc::new(registry);
        let errors = Arc::new(Errors::new(catalog(&config, &texts)?));
        let metrics = Metrics::new(&registry, rooms::codes::ALL);
        let limits = RateLimits::new(config.rate_limit_per_address, config.rate_limit_per_route, &registry);
        let limits = Arc::new(limits);
        let tokens = Arc::new(Tokens::from_config(&config).map_err(BuildError::Keys)?);
        let stopping = Arc::new(AtomicBool::new(false));
        let development = config.environment == Environment::Development;
        let upgrades = Arc::new(Upgrades::default());
        let front = Front {
            upgrades: Arc::clone(&upgrades),
            plain_below: rooms::PREFIX,
            origins: Origins::new(&config.cors_origins, development),
            proxies: TrustedProxies::new(config.trusted_proxies.clone()),
            handshakes: HandshakeLimiter::new(
                config.handshakes_per_second * CONNECT_TIMEOUT.as_secs() as usize,
            ),
            errors: Arc::clone(&errors),
            metrics: Arc::clone(&metrics),
        };
        let redis = redis(&config)?;
        let dependencies = redis.iter().map(|link| {
            let link = Arc::clone(link);
            Dependency { name: "redis", is_up: Arc::new(move || link.is_up()) }
        });
        let health = Health {
            dependencies: dependencies.collect(),
            stopping,
            metrics: Arc::clone(&metrics),
            tokens: Arc::clone(&tokens),
            errors: Arc::clone(&errors),
            metrics_elsewhere: config.metrics_addr.is_some(),
        };
        let policy = policy.unwrap_or_else(|| GuardedPolicy::new(ClaimsPolicy::new(config.environment)));
        let rooms = config.rooms.then(|| {
            let records = records(&config, redis.as_ref());
            let parts = rooms::Parts {
                records,
                tokens: Arc::clone(&tokens),
                errors: Arc::clone(&errors),
                limits: Arc::clone(&limits),
                metrics: Arc::clone(&metrics),
            };
            Arc::new(Rooms::new(&config, parts))
        });
        let events = config.events.then(|| {
            let limits = Arc::clone(&limits);
            let (link, counting) = (redis.clone(), Arc::clone(&metrics));
            let parts = Parts { registry, functions, policy, tokens, errors, metrics, limits, upgrades };
            Arc::new(Events::new(&config, parts, |inbound| -> Arc<dyn Bus> {
                match link {
                    Some(link) => Arc::new(RedisBus::new(link, inbound, counting)),
                    None => Arc::new(LocalBus::new(inbound)),
                }
            }))
        });
        Ok(Server { config, events, rooms, limits, redis, front: Arc::new(front), health, routes })
    }
}

/// The store of the rooms' records: shared in Redis if there is one, else in memory.
fn records(config: &Config, redis: Option<&Arc<RedisLink>>) -> Arc<dyn Records> {
    match redis {
        Some(link) => Arc::new(RedisRecords::new(Arc::clone(link), "rooms", config.room_time_to_live)),
        None => Arc::new(MemoryRecords::new(config.room_time_to_live, config.records_bytes)),
    }
}

fn redis(config: &Config) -> Result<Option<Arc<RedisLink>>, BuildError> {
    let link = config.redis_url.as_ref().map(|url| RedisLink::new(url, config.redis_pool)).transpose();
    Ok(link.map_err(|error| BuildError::Redis(error.to_string()))?.map(Arc::new))
}

fn catalog(config: &Config, texts: &[(&'static str, &'static str)]) -> Result<Catalog, BuildError> {
    let mut catalog = Catalog::builder().default_locale(&config.default_locale);
    for (locale, text) in texts {
        catalog = catalog.source(*locale, *text, format!("the app's texts ({locale})"));
    }
    if let Some(dir) = &config.locales_dir {
        catalog = catalog.dir(PathBuf::from(dir));
    }
    catalog.build().map_err(BuildError::Texts)
}

impl Server {
    /// Begins a server with these settings.
    #[must_use]
    pub fn builder(config: Config) -> ServerBuilder {
        ServerBuilder {
            config,
            functions: Functions::new(Arc::new(())),
            registry: None,
            policy: None,
            texts: Vec::new(),
            routes: Router::new(),
        }
    }

    /// Runs until SIGTERM or Ctrl-C, and then to a graceful end. Says on standard output where it listens.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the server stops by itself.
    pub fn run(self) -> io::Result<()> {
        let running = self.start_with(|| {
            let signal = stop_signal()?;
            Ok(async move {
                let signal = signal.await;
                tracing::info!(signal, "stopping");
            })
        })?;
        #[expect(
            clippy::print_stdout,
            reason = "whoever starts the process reads the address from this line"
        )]
        {
            println!("listening on http://{}", running.address);
        }
        running.join()
    }

    /// Starts on a thread of its own and returns once it listens.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start(self) -> io::Result<Running> {
        let (stop, stopped) = oneshot::channel::<()>();
        let mut running = self.start_with(move || {
            Ok(async move {
                let _told_or_dropped = stopped.await;
            })
        })?;
        running.stop = Some(stop);
        Ok(running)
    }

    /// `until` is called on the server's runtime, before anybody is told that the server is there.
    fn start_with<F: Future<Output = ()> + Send>(
        self,
        until: impl FnOnce() -> io::Result<F> + Send + 'static,
    ) -> io::Result<Running> {
        let listener = net::bind(SocketAddr::new(self.config.host, self.config.port))?;
        let metrics_listener = self.config.metrics_addr.map(net::bind).transpose()?;
        let address = listener.local_addr()?;
        // One thread carries sockets with the lowest latency: `performance` in ARCHITECTURE.md has the figures.
        let mut runtime = match self.config.socket_threads {
            1 => tokio::runtime::Builder::new_current_thread(),
            threads => {
                let mut runtime = tokio::runtime::Builder::new_multi_thread();
                runtime.worker_threads(threads);
                runtime
            }
        };
        let runtime = runtime.enable_all().thread_name("syncline-sockets").build()?;
        let (ended, end) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("syncline-sockets".to_owned()).spawn(move || {
            let result = runtime.block_on(async {
                let until = until()?;
                let _nobody_waits = ready.send(());
                self.serve(listener, metrics_listener, until).await
            });
            // What still runs is past the time that a stop has.
            runtime.shutdown_background();
            let _nobody_waits = ended.send(());
            result
        })?;
        // When this fails the thread has ended, and joining it says why.
        let _ready_or_ended = is_ready.recv();
        Ok(Running { address, stop: None, end: Some(end), thread: Some(thread) })
    }

    async fn serve(
        self,
        listener: TcpListener,
        metrics_listener: Option<TcpListener>,
        until: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let (app, io) = self.app();
        if let Some(link) = self.redis.clone() {
            tokio::spawn(async move { link.run().await });
        }
        if let Some(rooms) = &self.rooms {
            rooms.start();
        }
        let handle = Listening::new();
        let serving = tokio::spawn(net::serve(listener, app, handle.clone()));
        if let Some(listener) = metrics_listener {
            let metrics = observe::metrics_router(Arc::clone(&self.health.metrics));
            tokio::spawn(net::serve(listener, metrics, Listening::new()));
        }
        tokio::spawn(observe::upkeep(Arc::clone(&self.health.metrics)));
        tokio::spawn(net::upkeep(Arc::clone(&self.limits), Arc::clone(&self.front.upgrades)));
        if let Some(events) = &self.events {
            let expiring = Arc::clone(events);
            tokio::spawn(async move { expiring.expiry.run().await });
        }
        tokio::select! {
            ended = serving => return ended.map_err(io::Error::other)?,
            () = until => {}
        }
        self.stop(&handle, io).await;
        Ok(())
    }

    async fn stop(&self, handle: &Listening, io: Option<Io>) {
        let budget = self.config.shutdown;
        self.health.stopping.store(true, Ordering::Release);
        handle.graceful_shutdown(Some(budget));
        let (events, rooms) = (self.events.as_deref(), self.rooms.as_deref());
        let for_systems = budget.mul_f64(0.8);
        tokio::join!(
            async {
                if let Some(events) = events {
                    events.stop(for_systems).await;
                }
            },
            async {
                if let Some(rooms) = rooms {
                    rooms.stop(for_systems).await;
                }
            },
        );
        if let Some(io) = io {
            let _or_what_is_left = tokio::time::timeout(budget.mul_f64(0.1), io.close()).await;
        }
        tracing::info!("stopped");
    }

    fn app(&self) -> (Router, Option<Io>) {
        let mut app = self.routes.clone().merge(observe::router(self.health.clone()));
        if self.config.environment == Environment::Development {
            app = app.merge(dev::router(Arc::clone(&self.health.tokens), Arc::clone(&self.health.errors)));
        }
        if let Some(rooms) = &self.rooms {
            app = app.merge(rooms::router(Arc::clone(rooms)));
        }
        let mut io = None;
        if let Some(events) = &self.events {
            let (layer, handle) = self.socket_layer(events);
            handle.ns("/", Connect(Arc::clone(events)));
            app = app.merge(events::router(Arc::clone(events))).layer(layer);
            io = Some(handle);
        }
        let app = app.layer(axum::middleware::from_fn_with_state(Arc::clone(&self.front), net::front));
        (app.layer(cors(&self.front.origins)), io)
    }

    fn socket_layer(&self, events: &Events) -> (SocketIoLayer<DirectAdapter>, Io) {
        let builder = SocketIo::builder()
            .req_path("/socket.io")
            .connect_timeout(CONNECT_TIMEOUT)
            .max_payload(MAX_TRANSPORT_BYTES as u64)
            .ws_max_message_size(MAX_TRANSPORT_BYTES)
            .ws_max_frame_size(MAX_TRANSPORT_BYTES)
            .max_buffer_size(self.config.outbox_packets)
            .with_parser(
                ParserConfig::common()
                    .max_incoming_binaries(16)
                    .max_incoming_binary_buf_size(MAX_TRANSPORT_BYTES)
                    .packet_completion_timeout(Duration::from_secs(5)),
            );
        let transports = self.config.transports;
        let builder = match (transports.websocket, transports.polling) {
            (true, false) => builder.transports([TransportType::Websocket]),
            (false, true) => builder.transports([TransportType::Polling]),
            _ => builder,
        };
        builder.with_adapter::<DirectAdapter>(events.direct.clone()).build_layer()
    }
}

fn cors(origins: &Origins) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.listed().to_vec())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT_LANGUAGE,
            header::IF_NONE_MATCH,
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER])
        .max_age(Duration::from_secs(3600))
}
