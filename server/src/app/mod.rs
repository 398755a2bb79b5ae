//! The composition root: the only place that knows every system. Here a server runs and stops; `builder` puts it
//! together.

mod builder;

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::Router;
pub use builder::ServerBuilder;
use http::{HeaderName, Method, header};
use socketioxide::{ParserConfig, SocketIo, TransportType, layer::SocketIoLayer};
use syncline::Registry;
use tokio::sync::oneshot;
use tower_http::cors::CorsLayer;

use crate::{
    auth::Origins,
    config::{Config, Environment},
    dev,
    documents::{self, Documents},
    events::{self, Connect, DirectAdapter, Events},
    net::{self, Crowd, Front, Listening, RateLimits},
    observe::{self, Health},
    openapi::{self, Pieces},
    redis_link::RedisLink,
    rooms::{self, Rooms},
    running::{Running, stop_signal},
    snapshots::{self, Snapshots},
    storage::Storage,
    work_runtime::WorkRuntime,
    workspaces::{self, Workspaces},
    ws::{self, Connections},
};

/// How long a client may take from the handshake to its connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest frame, message or polling body; above it the transport closes the connection.
const MAX_TRANSPORT_BYTES: usize = 1024 * 1024;

/// What a WebSocket reads into, in bytes, for as long as it lives; a longer message has room made for it. Most that clients
/// send is shorter.
const READ_BUFFER: usize = 512;

type Io = SocketIo<DirectAdapter>;

/// What stands on the disk, once the server has started.
struct Kept {
    workspaces: Option<Arc<Workspaces>>,
    documents: Option<Arc<Documents>>,
    /// Ends after whatever runs on it.
    _work: WorkRuntime,
}

/// A server that has everything it needs.
pub struct Server {
    config: Config,
    /// The events that are served.
    described: Arc<Registry>,
    events: Option<Arc<Events>>,
    rooms: Option<Arc<Rooms>>,
    snapshots: Option<Arc<Snapshots>>,
    /// What the workspaces are made of, until the server starts: they take their folder only then.
    workspaces: Option<workspaces::Parts>,
    /// As `workspaces`.
    documents: Option<documents::Parts>,
    /// The plain WebSockets of all systems.
    connections: Arc<Connections>,
    limits: Arc<RateLimits>,
    redis: Option<Arc<RedisLink>>,
    front: Arc<Front>,
    health: Health,
    routes: Router,
}

impl Server {
    /// Begins a server with these settings.
    #[must_use]
    pub fn builder(config: Config) -> ServerBuilder {
        ServerBuilder::new(config)
    }

    /// The events without their sockets, for micro-benchmarks; nothing if events are off.
    #[cfg(feature = "measured")]
    #[doc(hidden)]
    #[must_use]
    pub fn measured(&self) -> Option<events::Measured> {
        self.events.clone().map(events::Measured::new)
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
        mut self,
        until: impl FnOnce() -> io::Result<F> + Send + 'static,
    ) -> io::Result<Running> {
        let listener = net::bind(SocketAddr::new(self.config.host, self.config.port))?;
        let metrics_listener = self.config.metrics_addr.map(net::bind).transpose()?;
        let kept = self.keep()?;
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
                self.serve(listener, metrics_listener, kept.as_ref(), until).await
            });
            // What still runs is past the time that a stop has.
            runtime.shutdown_background();
            drop(kept);
            let _nobody_waits = ended.send(());
            result
        })?;
        // When this fails the thread has ended, and joining it says why.
        let _ready_or_ended = is_ready.recv();
        Ok(Running { address, stop: None, end: Some(end), thread: Some(thread) })
    }

    /// Opens what is kept on disk, and puts those systems together that stand on it.
    fn keep(&mut self) -> io::Result<Option<Kept>> {
        let (workspaces, documents) = (self.workspaces.take(), self.documents.take());
        if workspaces.is_none() && documents.is_none() {
            return Ok(None);
        }
        let storage = Storage::open(&self.config)?;
        let work = WorkRuntime::new()?;
        let Storage { journal, server_id } = storage;
        let workspaces = workspaces.map(|parts| {
            Workspaces::new(&self.config, parts, Arc::clone(&journal), server_id, work.handle())
        });
        let documents = documents.map(|parts| Documents::new(&self.config, parts, journal, work.handle()));
        Ok(Some(Kept {
            workspaces: workspaces.transpose().map_err(io::Error::other)?.map(Arc::new),
            documents: documents.transpose().map_err(io::Error::other)?.map(Arc::new),
            _work: work,
        }))
    }

    async fn serve(
        self,
        listener: TcpListener,
        metrics_listener: Option<TcpListener>,
        kept: Option<&Kept>,
        until: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let (app, io) = self.app(kept);
        if let Some(link) = self.redis.clone() {
            tokio::spawn(async move { link.run().await });
        }
        if let Some(rooms) = &self.rooms {
            rooms.start();
        }
        if let Some(snapshots) = &self.snapshots {
            snapshots.start();
        }
        let (handle, crowd) = (Listening::new(), Crowd::default());
        let serving = tokio::spawn(net::serve(listener, app, handle.clone(), crowd.clone()));
        if let Some(listener) = metrics_listener {
            let metrics = observe::metrics_router(Arc::clone(&self.health.metrics));
            tokio::spawn(net::serve(listener, metrics, Listening::new(), Crowd::default()));
        }
        tokio::spawn(observe::upkeep(Arc::clone(&self.health.metrics)));
        tokio::spawn(net::upkeep(Arc::clone(&self.limits), Arc::clone(&self.front.upgrades), crowd));
        if let Some(events) = &self.events {
            let expiring = Arc::clone(events);
            tokio::spawn(async move { expiring.expiry.run().await });
        }
        tokio::select! {
            ended = serving => return ended.map_err(io::Error::other)?,
            () = until => {}
        }
        self.stop(&handle, io, kept).await;
        Ok(())
    }

    async fn stop(&self, handle: &Listening, io: Option<Io>, kept: Option<&Kept>) {
        let budget = self.config.shutdown;
        self.health.stopping.store(true, Ordering::Release);
        handle.graceful_shutdown(Some(budget));
        let (events, rooms) = (self.events.as_deref(), self.rooms.as_deref());
        let for_systems = budget.mul_f64(0.7);
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
            self.connections.stop(for_systems),
        );
        if let Some(Kept { workspaces, documents, .. }) = kept {
            let for_each = budget.mul_f64(0.1);
            tokio::join!(
                async {
                    if let Some(workspaces) = workspaces {
                        workspaces.stop(for_each).await;
                    }
                },
                async {
                    if let Some(documents) = documents {
                        documents.stop(for_each).await;
                    }
                },
            );
        }
        if let Some(io) = io {
            let _or_what_is_left = tokio::time::timeout(budget.mul_f64(0.1), io.close()).await;
        }
        tracing::info!("stopped");
    }

    fn app(&self, kept: Option<&Kept>) -> (Router, Option<Io>) {
        let Health { tokens, errors, .. } = &self.health;
        let pieces = Pieces::new(errors);
        let mut described = vec![observe::describe(&self.health, &pieces)];
        let mut app = self.routes.clone().merge(observe::router(self.health.clone()));
        if self.config.environment == Environment::Development {
            described.push(dev::describe(&pieces));
            app = app.merge(dev::router(Arc::clone(tokens), Arc::clone(errors)));
        }
        if let Some(rooms) = &self.rooms {
            described.push(rooms::describe(rooms, &pieces));
            app = app.merge(rooms::router(Arc::clone(rooms)));
        }
        if let Some(snapshots) = &self.snapshots {
            described.push(snapshots::describe(snapshots, &pieces));
            app = app.merge(snapshots::router(Arc::clone(snapshots)));
        }
        if self.snapshots.is_some() || kept.is_some() {
            described.push(ws::describe(&pieces));
            app =
                app.merge(ws::router(Arc::clone(&self.connections), Arc::clone(tokens), Arc::clone(errors)));
        }
        if let Some(Kept { workspaces: Some(workspaces), .. }) = kept {
            described.push(workspaces::describe(workspaces, &pieces));
            app = app.merge(workspaces::router(Arc::clone(workspaces)));
        }
        if let Some(Kept { documents: Some(documents), .. }) = kept {
            described.push(documents::describe(&self.config, &pieces));
            app = app.merge(documents::router(Arc::clone(documents)));
        }
        // Socket.IO's layer answers where no route is: whatever is merged after it would take that place.
        app = app.merge(openapi::router(&openapi::document(&self.described, described)));
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
            .ws_read_buffer_size(READ_BUFFER)
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
