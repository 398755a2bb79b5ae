//! Putting a server together: everything is checked, and every system gets what it needs.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use syncline::{ErrorCode, Functions, Registry, SnapshotHub, SnapshotSource, run::ErasedSource};
use syncline_i18n::Catalog;

use super::{CONNECT_TIMEOUT, Server};
use crate::{
    auth::{ClaimsPolicy, GuardedPolicy, Origins, RoomPolicy, Tickets, Tokens},
    build_error::BuildError,
    cluster::{Bus, LocalBus, RedisBus},
    codes,
    config::{Config, Environment},
    documents,
    error::Errors,
    events::{self, Events},
    net::{Front, HandshakeLimiter, RateLimits, TrustedProxies, Upgrades},
    observe::{Dependency, Health, Metrics},
    records::{MemoryRecords, Records, RedisRecords},
    redis_link::RedisLink,
    rooms::{self, Rooms},
    snapshots::{self, Games, Snapshots},
    workspaces,
    ws::{self, Connections},
};

/// What a server is made of.
pub struct ServerBuilder {
    config: Config,
    functions: Functions,
    registry: Option<Registry>,
    policy: Option<GuardedPolicy>,
    texts: Vec<(&'static str, &'static str)>,
    routes: Router,
    sources: Vec<(String, Arc<dyn ErasedSource>)>,
    hub: SnapshotHub,
}

/// What every system needs.
#[derive(Clone)]
struct Common {
    tokens: Arc<Tokens>,
    errors: Arc<Errors>,
    limits: Arc<RateLimits>,
    metrics: Arc<Metrics>,
}

impl ServerBuilder {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            functions: Functions::new(Arc::new(())),
            registry: None,
            policy: None,
            texts: Vec::new(),
            routes: Router::new(),
            sources: Vec::new(),
            hub: SnapshotHub::new(),
        }
    }

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

    /// A source of snapshots for topics of that kind (1 to 32 of `A-Z a-z 0-9 _ -`): they can be watched at
    /// `/ws/snapshots/<kind>/<id>` and read at `/api/snapshots/<kind>/<id>`. One for the kind `game`, which has
    /// `/ws/games/<id>` and `/api/games/<id>/snapshot` too, takes the place of the built-in one.
    #[must_use]
    pub fn snapshots(mut self, kind: &str, source: impl SnapshotSource) -> Self {
        self.sources.push((kind.to_owned(), Arc::new(source)));
        self
    }

    /// The hub on which the app tells of changes of its topics. A hub is one server's.
    #[must_use]
    pub fn snapshot_hub(self, hub: SnapshotHub) -> Self {
        Self { hub, ..self }
    }

    /// Further HTTP routes of the app. `/sync`, `/socket.io`, `/api`, `/ws`, `/openapi.json`, `/healthz`, `/readyz` and
    /// `/metrics` are the server's.
    #[must_use]
    pub fn routes(self, routes: Router) -> Self {
        Self { routes, ..self }
    }

    /// Checks everything and puts the server together.
    ///
    /// # Errors
    /// [`BuildError`], which says what is wrong with the handlers, sources, texts or keys.
    pub fn build(self) -> Result<Server, BuildError> {
        let Self { config, functions, registry, policy, texts, routes, sources, hub } = self;
        let registry = match registry {
            Some(registry) => registry,
            None if config.events => Registry::from_inventory().map_err(BuildError::Handlers)?,
            None => Registry::none(),
        };
        registry.check_functions(&functions).map_err(BuildError::Handlers)?;
        let registry = Arc::new(registry);
        let described = if config.events { Arc::clone(&registry) } else { Arc::new(Registry::none()) };
        let limits = RateLimits::new(config.rate_limit_per_address, config.rate_limit_per_route, &registry);
        let common = Common {
            tokens: Arc::new(Tokens::from_config(&config).map_err(BuildError::Keys)?),
            errors: Arc::new(Errors::new(catalog(&config, &texts)?)),
            limits: Arc::new(limits),
            metrics: Metrics::new(&registry, &all_codes(), &ws::End::ALL.map(|end| end.reason)),
        };
        let upgrades = Arc::new(Upgrades::default());
        let front = Arc::new(front(&config, &common, &upgrades));
        let redis = redis(&config)?;
        let nats_is_up = Arc::new(AtomicBool::new(false));
        let unsaved = Arc::new(AtomicUsize::new(0));
        let health = health(&config, &common, redis.as_ref(), &nats_is_up, &unsaved);
        let rooms = config.rooms.then(|| rooms(&config, &common, redis.as_ref()));
        let connections = Connections::new(config.ws_per_address);
        let snapshots = match config.snapshots {
            true => Some(snapshots(&config, &common, redis.as_ref(), &connections, sources, hub)?),
            false => None,
        };
        let workspaces = config.workspaces.then(|| {
            let Common { tokens, errors, limits, metrics } = common.clone();
            let connections = Arc::clone(&connections);
            workspaces::Parts { tokens, errors, limits, metrics, connections, nats_is_up }
        });
        let documents = config.documents.then(|| {
            let Common { tokens, errors, limits, metrics } = common.clone();
            let (connections, redis) = (Arc::clone(&connections), redis.clone());
            documents::Parts { tokens, errors, limits, metrics, connections, redis, unsaved }
        });
        let policy = policy.unwrap_or_else(|| GuardedPolicy::new(ClaimsPolicy::new(config.environment)));
        let limits = Arc::clone(&common.limits);
        let events = config.events.then(|| {
            let Common { tokens, errors, limits, metrics } = common;
            let (link, counting) = (redis.clone(), Arc::clone(&metrics));
            let parts =
                events::Parts { registry, functions, policy, tokens, errors, metrics, limits, upgrades };
            Arc::new(Events::new(&config, parts, |inbound| -> Arc<dyn Bus> {
                match link {
                    Some(link) => Arc::new(RedisBus::new(link, inbound, counting)),
                    None => Arc::new(LocalBus::new(inbound)),
                }
            }))
        });
        Ok(Server {
            config,
            described,
            events,
            rooms,
            snapshots,
            workspaces,
            documents,
            connections,
            limits,
            redis,
            front,
            health,
            routes,
        })
    }
}

/// The codes that no handler declares.
fn all_codes() -> Vec<ErrorCode> {
    [
        codes::ALL,
        rooms::codes::ALL,
        snapshots::codes::ALL,
        workspaces::codes::ALL,
        documents::codes::ALL,
        &[ws::UPGRADE_REQUIRED],
    ]
    .concat()
}

fn front(config: &Config, common: &Common, upgrades: &Arc<Upgrades>) -> Front {
    let development = config.environment == Environment::Development;
    let mut plain_below = vec![rooms::PREFIX];
    plain_below.extend(snapshots::PREFIXES);
    plain_below.push(workspaces::PREFIX);
    plain_below.extend(documents::PREFIXES);
    Front {
        upgrades: Arc::clone(upgrades),
        plain_below,
        origins: Origins::new(&config.cors_origins, development),
        proxies: TrustedProxies::new(config.trusted_proxies.clone()),
        handshakes: HandshakeLimiter::new(config.handshakes_per_second, CONNECT_TIMEOUT.as_secs() as usize),
        errors: Arc::clone(&common.errors),
        metrics: Arc::clone(&common.metrics),
    }
}

fn health(
    config: &Config,
    common: &Common,
    redis: Option<&Arc<RedisLink>>,
    nats_is_up: &Arc<AtomicBool>,
    unsaved: &Arc<AtomicUsize>,
) -> Health {
    let redis = redis.into_iter().map(|link| {
        let link = Arc::clone(link);
        Dependency { name: "redis", is_up: Arc::new(move || link.is_up()), is_needed: true }
    });
    // Without it every workspace is read and written as before: the others hear of it later. Were all nodes to say that
    // they are not ready, nobody would serve what each of them can.
    let nats = config.nats_url.iter().filter(|_| config.workspaces).map(|_url| {
        let is_up = Arc::clone(nats_is_up);
        let is_up = Arc::new(move || is_up.load(Ordering::Acquire));
        Dependency { name: "nats", is_up, is_needed: false }
    });
    // Editing goes on meanwhile, in the journal.
    let store = config.documents.then(|| {
        let unsaved = Arc::clone(unsaved);
        let is_up = Arc::new(move || documents::all_saved(&unsaved));
        Dependency { name: "document_store", is_up, is_needed: false }
    });
    Health {
        dependencies: redis.chain(nats).chain(store).collect(),
        stopping: Arc::new(AtomicBool::new(false)),
        metrics: Arc::clone(&common.metrics),
        tokens: Arc::clone(&common.tokens),
        errors: Arc::clone(&common.errors),
        metrics_elsewhere: config.metrics_addr.is_some(),
    }
}

fn rooms(config: &Config, common: &Common, redis: Option<&Arc<RedisLink>>) -> Arc<Rooms> {
    let Common { tokens, errors, limits, metrics } = common.clone();
    let records = records(config, redis, "rooms", config.room_time_to_live);
    Arc::new(Rooms::new(config, rooms::Parts { records, tokens, errors, limits, metrics }))
}

fn snapshots(
    config: &Config,
    common: &Common,
    redis: Option<&Arc<RedisLink>>,
    connections: &Arc<Connections>,
    mut sources: Vec<(String, Arc<dyn ErasedSource>)>,
    hub: SnapshotHub,
) -> Result<Arc<Snapshots>, BuildError> {
    for (number, (kind, _)) in sources.iter().enumerate() {
        if !snapshots::is_kind(kind) {
            let rule = "1 to 32 of A-Z a-z 0-9 _ -, and not `syncline`";
            return Err(BuildError::Snapshots(format!("`{kind}` cannot be a kind of snapshots: {rule}")));
        }
        if sources[..number].iter().any(|(other, _)| other == kind) {
            return Err(BuildError::Snapshots(format!("there are two sources of kind `{kind}`")));
        }
    }
    let own_games = sources.iter().any(|(kind, _)| kind == snapshots::GAME);
    let games = (!own_games).then(|| {
        // Games are never swept: their time is that of a tombstone, and none is made.
        Games::new(records(config, redis, "games", config.room_time_to_live), hub.clone())
    });
    if let Some(games) = &games {
        sources.push((snapshots::GAME.to_owned(), Arc::new(games.clone())));
    }
    let used = records(config, redis, "tickets", Tickets::remembered(config));
    let Common { tokens, errors, limits, metrics } = common.clone();
    let parts = snapshots::Parts {
        sources,
        games,
        hub,
        redis: redis.cloned(),
        tickets: Arc::new(Tickets::from_config(config, used).map_err(BuildError::Keys)?),
        tokens,
        errors,
        limits,
        metrics,
        connections: Arc::clone(connections),
    };
    let taken = || BuildError::Snapshots("the hub leads to another server already".to_owned());
    Snapshots::new(config, parts).ok_or_else(taken)
}

/// A store of records: shared in Redis if there is one, else in memory.
fn records(
    config: &Config,
    redis: Option<&Arc<RedisLink>>,
    kind: &str,
    time_to_live: Duration,
) -> Arc<dyn Records> {
    match redis {
        Some(link) => Arc::new(RedisRecords::new(Arc::clone(link), kind, time_to_live)),
        None => Arc::new(MemoryRecords::new(time_to_live, config.records_bytes)),
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
