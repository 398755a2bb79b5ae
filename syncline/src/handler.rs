//! A handler's registration: where it stands, its stage, and the options on its one line.
//!
//! Collecting and pairing registrations is the registry's.

use std::time::Duration;

use crate::{Auth, ErrorCode, client_stage::ErasedClient, server_stage::ErasedServer};

/// One line `sync_server!(..)` or `sync_client!(..)`.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// The path of the module it stands in.
    pub module_path: &'static str,
    /// The function.
    pub function: &'static str,
    /// The source file.
    pub file: &'static str,
    /// The line in it.
    pub line: u32,
    /// The stage.
    pub stage: Stage,
}

inventory::collect!(Registration);

/// A registered stage with its options. The stage is built on demand, because building one is not `const`.
#[derive(Clone, Copy, Debug)]
pub enum Stage {
    /// A server stage.
    Server(fn() -> Box<dyn ErasedServer>, ServerOptions),
    /// A client stage.
    Client(fn() -> Box<dyn ErasedClient>, ClientOptions),
}

/// The options of `sync_server!`.
#[derive(Clone, Copy, Debug)]
pub struct ServerOptions {
    pub(crate) auth: Auth,
    pub(crate) errors: &'static [ErrorCode],
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) concurrent: bool,
}

impl ServerOptions {
    /// The defaults: login required, no errors of its own, the server's limits, in order.
    #[must_use]
    pub const fn new() -> Self {
        Self { auth: Auth::LOGIN, errors: &[], rate_limit: None, timeout: None, concurrent: false }
    }

    /// Who may call it.
    #[must_use]
    pub const fn auth(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    /// The codes it may return.
    #[must_use]
    pub const fn errors(self, errors: &'static [ErrorCode]) -> Self {
        Self { errors, ..self }
    }

    /// How often one user may call it; holds even when the server's own limits are off.
    #[must_use]
    pub const fn rate_limit(self, limit: RateLimit) -> Self {
        Self { rate_limit: Some(limit), ..self }
    }

    /// How long it may run, instead of the server's `HANDLER_SECONDS`.
    #[must_use]
    pub const fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Whether it may run beside other events of its socket, giving up their order.
    #[must_use]
    pub const fn concurrent(self, concurrent: bool) -> Self {
        Self { concurrent, ..self }
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The options of `sync_client!`.
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    pub(crate) auth: Option<Auth>,
    pub(crate) errors: &'static [ErrorCode],
    pub(crate) rate_limit: Option<RateLimit>,
}

impl ClientOptions {
    /// The defaults. A client-only event without `auth` requires a login.
    #[must_use]
    pub const fn new() -> Self {
        Self { auth: None, errors: &[], rate_limit: None }
    }

    /// Who may call an event that has no server stage.
    #[must_use]
    pub const fn auth(self, auth: Auth) -> Self {
        Self { auth: Some(auth), ..self }
    }

    /// The codes it may return to a recipient.
    #[must_use]
    pub const fn errors(self, errors: &'static [ErrorCode]) -> Self {
        Self { errors, ..self }
    }

    /// How often one user may call an event that has no server stage.
    #[must_use]
    pub const fn rate_limit(self, limit: RateLimit) -> Self {
        Self { rate_limit: Some(limit), ..self }
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A token bucket: so many requests a period on average, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a period.
    pub requests: u32,
    /// The period.
    pub period: Duration,
    /// How many may come at once.
    pub burst: u32,
}

impl RateLimit {
    /// So many requests in so many seconds, all of which may come at once.
    ///
    /// # Panics
    /// In a constant, so while compiling, if either is zero.
    #[must_use]
    pub const fn new(requests: u32, seconds: u64) -> Self {
        assert!(requests > 0 && seconds > 0, "a rate limit lets at least one request through");
        Self { requests, period: Duration::from_secs(seconds), burst: requests }
    }

    /// So many requests a second, all of which may come at once.
    #[must_use]
    pub const fn per_second(requests: u32) -> Self {
        Self::new(requests, 1)
    }

    /// The same rate with another burst.
    #[must_use]
    pub const fn burst(self, burst: u32) -> Self {
        assert!(burst > 0, "a rate limit lets at least one request through");
        Self { burst, ..self }
    }
}
