//! All handlers of a binary: collected, checked, paired into routes and sorted.
//!
//! A registry that is built is sound; everything that is wrong with a set of registrations is said at once. It
//! does not run anything.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use ts_rs::Config;

use crate::{
    Auth, BootError, Empty, ErrorCode, EventName, Functions, NamedType, Problem, RateLimit, Registration,
    Rule, Stage, StageKind, TypeInfo, audience_stage::AudienceOf, client_stage::ErasedClient, codes,
    functions::AppType, server_stage::ErasedServer,
};

/// A route's place in its registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteId(pub usize);

/// One version of one event.
pub struct Route {
    id: RouteId,
    name: Arc<str>,
    version: Arc<str>,
    event: EventName,
    auth: Auth,
    rate_limit: Option<RateLimit>,
    errors: Vec<ErrorCode>,
    server: Option<ServerHandler>,
    client: Option<ClientHandler>,
}

/// A route's server stage.
pub struct ServerHandler {
    /// The stage.
    pub stage: Box<dyn ErasedServer>,
    /// How long it may run, if it said so.
    pub timeout: Option<Duration>,
    /// Whether it gives up the order of its socket's events.
    pub concurrent: bool,
    registration: Registration,
}

/// A route's client stage.
pub struct ClientHandler {
    /// The stage.
    pub stage: Box<dyn ErasedClient>,
    /// How recipients are grouped, if by audience.
    pub audience: Option<Arc<dyn AudienceOf>>,
    registration: Registration,
}

impl ServerHandler {
    /// Where it was registered.
    #[must_use]
    pub fn registration(&self) -> &Registration {
        &self.registration
    }
}

impl ClientHandler {
    /// Where it was registered.
    #[must_use]
    pub fn registration(&self) -> &Registration {
        &self.registration
    }
}

impl Route {
    /// Its place in the registry.
    #[must_use]
    pub fn id(&self) -> RouteId {
        self.id
    }

    /// Page and event as on the wire.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The version as on the wire.
    #[must_use]
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The parts of the name.
    #[must_use]
    pub fn event(&self) -> &EventName {
        &self.event
    }

    /// Who may call it.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// A limit of its own, per user.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit
    }

    /// The codes that its stages declare, sorted.
    #[must_use]
    pub fn errors(&self) -> &[ErrorCode] {
        &self.errors
    }

    /// Whether a stage of this route may return this code: one it declared, or one of the framework's.
    #[must_use]
    pub fn declares(&self, code: ErrorCode) -> bool {
        self.errors.contains(&code) || codes::ALL.contains(&code)
    }

    /// The server stage.
    #[must_use]
    pub fn server(&self) -> Option<&ServerHandler> {
        self.server.as_ref()
    }

    /// The client stage.
    #[must_use]
    pub fn client(&self) -> Option<&ClientHandler> {
        self.client.as_ref()
    }

    /// The type of its input.
    #[must_use]
    pub fn client_input(&self) -> TypeInfo {
        match (&self.server, &self.client) {
            (Some(server), _) => server.stage.input(),
            (None, Some(client)) => client.stage.input(),
            (None, None) => TypeInfo::of::<Empty>(),
        }
    }

    /// The type of the server output; [`Empty`] without a server stage.
    #[must_use]
    pub fn server_output(&self) -> TypeInfo {
        self.server.as_ref().map_or_else(TypeInfo::of::<Empty>, |server| server.stage.output())
    }

    /// The type of the client output; [`Empty`] without a client stage.
    #[must_use]
    pub fn client_output(&self) -> TypeInfo {
        self.client.as_ref().map_or_else(TypeInfo::of::<Empty>, |client| client.stage.output())
    }

    fn registrations(&self) -> impl Iterator<Item = &Registration> {
        let server = self.server.iter().map(ServerHandler::registration);
        server.chain(self.client.iter().map(ClientHandler::registration))
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Route({})", self.event)
    }
}

/// All routes of a binary.
#[derive(Debug)]
pub struct Registry {
    routes: Vec<Route>,
    by_name: HashMap<Arc<str>, HashMap<Arc<str>, RouteId>>,
}

impl Registry {
    /// Collects every handler that this binary links. The only place that reads the linked registrations.
    ///
    /// # Errors
    /// [`BootError`] with everything that is wrong, an empty registry included: a binary that forgets
    /// `use handlers as _;` links no handler, and nothing else would say so.
    pub fn from_inventory() -> Result<Self, BootError> {
        Self::build(inventory::iter::<Registration>())
    }

    /// A registry of nothing, for a server whose events are switched off.
    #[must_use]
    pub fn none() -> Self {
        Self { routes: Vec::new(), by_name: HashMap::new() }
    }

    /// Checks and pairs these registrations.
    ///
    /// # Errors
    /// [`BootError`] with everything that is wrong.
    pub fn build<'a>(registrations: impl IntoIterator<Item = &'a Registration>) -> Result<Self, BootError> {
        let mut problems = Vec::new();
        let mut stages: Vec<(EventName, StageKind, Registration)> = Vec::new();
        for registration in registrations {
            match EventName::from_rust(registration.module_path, registration.function) {
                Ok((event, kind)) => stages.push((event, kind, *registration)),
                Err(error) => problems.push(Problem::Name { at: at(registration), error }),
            }
        }
        if stages.is_empty() && problems.is_empty() {
            problems.push(Problem::Empty);
        }
        stages.sort_by(|a, b| (&a.0, a.1, a.2.file, a.2.line).cmp(&(&b.0, b.1, b.2.file, b.2.line)));
        for pair in stages.windows(2) {
            if (&pair[0].0, pair[0].1) == (&pair[1].0, pair[1].1) {
                problems.push(Problem::Duplicate {
                    event: pair[0].0.to_string(),
                    first: at(&pair[0].2),
                    second: at(&pair[1].2),
                });
            }
        }
        stages.dedup_by(|b, a| (&a.0, a.1) == (&b.0, b.1));

        let mut routes: Vec<Route> = Vec::new();
        for (event, _, registration) in stages {
            if routes.last().is_none_or(|route| route.event != event) {
                routes.push(Route {
                    id: RouteId(routes.len()),
                    name: event.name().into(),
                    version: event.version().into(),
                    event,
                    auth: Auth::LOGIN,
                    rate_limit: None,
                    errors: Vec::new(),
                    server: None,
                    client: None,
                });
            }
            if let Some(route) = routes.last_mut() {
                add_stage(route, registration, &mut problems);
            }
        }
        for route in &mut routes {
            route.errors.sort_by_key(ErrorCode::code);
            route.errors.dedup();
            check_route(route, &mut problems);
        }
        check_codes(&routes, &mut problems);
        if !problems.is_empty() {
            return Err(BootError::new(problems));
        }
        let mut by_name: HashMap<Arc<str>, HashMap<Arc<str>, RouteId>> = HashMap::new();
        for route in &routes {
            by_name.entry(Arc::clone(&route.name)).or_default().insert(Arc::clone(&route.version), route.id);
        }
        Ok(Self { routes, by_name })
    }

    /// The route of that name and version, as they stand on the wire.
    #[must_use]
    pub fn get(&self, name: &str, version: &str) -> Option<&Route> {
        self.by_name.get(name)?.get(version).map(|id| &self.routes[id.0])
    }

    /// All routes, sorted by page, event and version.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Checks that every handler runs with this app state.
    ///
    /// # Errors
    /// [`BootError`] naming each handler that wants another type.
    pub fn check_functions(&self, functions: &Functions) -> Result<(), BootError> {
        let mut problems = Vec::new();
        let mut check = |app: AppType, registration: &Registration| {
            if !app.runs_with(functions) {
                problems.push(Problem::Functions {
                    at: at(registration),
                    wanted: app.name,
                    given: functions.type_name(),
                });
            }
        };
        for route in &self.routes {
            if let Some(server) = &route.server {
                check(server.stage.app(), &server.registration);
            }
            if let Some(client) = &route.client {
                check(client.stage.app(), &client.registration);
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(BootError::new(problems)) }
    }
}

fn at(registration: &Registration) -> String {
    format!("{}:{}", registration.file, registration.line)
}

fn add_stage(route: &mut Route, registration: Registration, problems: &mut Vec<Problem>) {
    match registration.stage {
        Stage::Server(build, options) => {
            route.auth = options.auth;
            route.rate_limit = options.rate_limit;
            route.errors.extend_from_slice(options.errors);
            route.server = Some(ServerHandler {
                stage: build(),
                timeout: options.timeout,
                concurrent: options.concurrent,
                registration,
            });
        }
        Stage::Client(build, options) => {
            if route.server.is_some() {
                let misplaced =
                    [("auth", options.auth.is_some()), ("rate_limit", options.rate_limit.is_some())];
                for (option, _) in misplaced.into_iter().filter(|(_, set)| *set) {
                    problems.push(Problem::BelongsOnServer { at: at(&registration), option });
                }
            } else {
                route.auth = options.auth.unwrap_or(Auth::LOGIN);
                route.rate_limit = options.rate_limit;
            }
            route.errors.extend_from_slice(options.errors);
            let stage = build();
            route.client = Some(ClientHandler { audience: stage.audience(), stage, registration });
        }
    }
}

fn check_route(route: &Route, problems: &mut Vec<Problem>) {
    let places: Vec<String> = route.registrations().map(at).collect();
    let place = places.join(" and ");
    for rule in route.auth.additional.iter().filter(|rule| !rule.has_known_key()) {
        problems.push(Problem::AuthKey { at: place.clone(), key: Rule::key(rule) });
    }
    if let Some(client) = &route.client {
        let expected = [
            ("client_input", route.client_input(), client.stage.input()),
            ("server_output", route.server_output(), client.stage.server_output()),
        ];
        for (what, server, client) in expected {
            if server.id() != client.id() {
                problems.push(Problem::StageTypes {
                    at: place.clone(),
                    what,
                    server: server.rust_name(),
                    client: client.rust_name(),
                });
            }
        }
    }
    let types = [route.client_input(), route.server_output(), route.client_output()];
    for null in types.iter().filter(|info| info.is_null()) {
        problems.push(Problem::Null { at: place.clone(), name: null.rust_name() });
    }
    check_type_names(&types, &place, problems);
}

/// A code means the same wherever it is declared: it has one text in each language, and one type in TypeScript.
fn check_codes(routes: &[Route], problems: &mut Vec<Problem>) {
    let mut known: HashMap<&str, ErrorCode> = codes::ALL.iter().map(|&code| (code.code(), code)).collect();
    for route in routes {
        for &code in &route.errors {
            if *known.entry(code.code()).or_insert(code) != code {
                let places: Vec<String> = route.registrations().map(at).collect();
                problems.push(Problem::ErrorCode { at: places.join(" and "), code: code.code() });
            }
        }
    }
}

fn check_type_names(types: &[TypeInfo], place: &str, problems: &mut Vec<Problem>) {
    let config = Config::new();
    let mut named: HashMap<String, NamedType> = HashMap::new();
    for found in types.iter().flat_map(|info| info.named_types(&config)) {
        match named.get(&found.name) {
            Some(known) if known.rust_name != found.rust_name => {
                problems.push(Problem::TypeName {
                    at: place.to_owned(),
                    name: found.name,
                    first: known.rust_name,
                    second: found.rust_name,
                });
            }
            Some(_) => {}
            None => {
                named.insert(found.name.clone(), found);
            }
        }
    }
}
