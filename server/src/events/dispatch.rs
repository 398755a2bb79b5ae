//! Dispatch: the first half of an event's way, once per request, on the caller's node.
//!
//! Route, auth, receiver, rate limit, decode, server stage, and the hand-over to the bus; then the caller has its
//! answer. Recipients are deliver's.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use serde_json::value::RawValue;
use syncline::{
    Functions, Registry, RequestInfo, Route, ServerHandler, Session, SyncError, SyncResult, Transport, codes,
    run::{Delivery, Exclude, ServerCall, SyncRequest},
};

use super::{
    member::{Member, limit_key},
    members::{EVERYBODY, Members},
    rooms::is_room_name,
    verdict,
};
use crate::{
    auth::GuardedPolicy,
    cluster::Bus,
    error::Locale,
    net::{ClientAddress, RateLimits, RetryAfter},
    observe::Metrics,
};

/// The scope of a backend that may publish to any room.
const PUBLISH_ANYWHERE: &str = "sync:publish";

/// Runs requests.
pub(crate) struct Dispatch {
    pub(crate) registry: Arc<Registry>,
    pub(crate) functions: Functions,
    pub(crate) members: Arc<Members>,
    pub(crate) policy: GuardedPolicy,
    pub(crate) limits: Arc<RateLimits>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) handler_timeout: Duration,
    pub(crate) allow_all: bool,
}

/// Who makes a request.
pub(crate) struct Caller<'a> {
    pub(crate) session: Arc<Session>,
    /// The calling socket; nothing over HTTP.
    pub(crate) member: Option<&'a Member>,
    pub(crate) address: ClientAddress,
    pub(crate) locale: Locale,
    pub(crate) request_id: Arc<str>,
}

impl Dispatch {
    /// Runs one request; the answer is the server stage's output.
    pub(crate) async fn run(
        &self,
        caller: &Caller<'_>,
        request: &SyncRequest<'_>,
    ) -> SyncResult<Arc<RawValue>> {
        let began = Instant::now();
        let route = self.registry.get(&request.name, &request.version);
        let outcome = match route {
            Some(route) => self.run_route(caller, request, route).await,
            None => Err(codes::NOT_FOUND.into()),
        };
        let error = outcome.as_ref().err().map(SyncError::code);
        self.metrics.request(route.map(Route::id), began.elapsed(), error);
        outcome
    }

    /// Whether the route runs beside other events of its socket.
    pub(crate) fn is_concurrent(&self, request: &SyncRequest<'_>) -> bool {
        let route = self.registry.get(&request.name, &request.version);
        route.and_then(Route::server).is_some_and(|server| server.concurrent)
    }

    /// Counts a request against the limit per address.
    pub(crate) fn check_address(&self, address: ClientAddress) -> SyncResult<()> {
        self.limits.check_address(address).map_err(rate_limited)
    }

    async fn run_route(
        &self,
        caller: &Caller<'_>,
        request: &SyncRequest<'_>,
        route: &Route,
    ) -> SyncResult<Arc<RawValue>> {
        route.auth().check(&caller.session)?;
        self.check_receiver(caller, &request.receiver).await?;
        self.check_address(caller.address)?;
        let user =
            caller.member.map_or_else(|| limit_key(&caller.session, caller.address), Member::limit_key);
        self.limits.check_route(&user, route.id()).map_err(rate_limited)?;

        let room: Arc<str> = request.receiver.as_ref().into();
        let server_output = match route.server() {
            Some(server) => self.server_stage(caller, request, route, server, Arc::clone(&room)).await?,
            None => {
                check_input(route, request.data)?;
                Arc::from(RawValue::from_string("{}".to_owned())?)
            }
        };
        let delivery = Delivery {
            name: Arc::clone(route.name()),
            version: Arc::clone(route.version()),
            room,
            client_input: Arc::from(request.data.to_owned()),
            server_output: Arc::clone(&server_output),
            exclude: self.exclude(caller, request.ignore_self),
        };
        self.metrics.bus_publishes.increment(1);
        if let Err(error) = self.bus.publish(Arc::new(delivery)).await {
            self.metrics.bus_failures.increment(1);
            tracing::debug!(%error, event = %route.event(), "a delivery did not reach the other nodes");
        }
        Ok(server_output)
    }

    async fn check_receiver(&self, caller: &Caller<'_>, room: &str) -> SyncResult<()> {
        if room.is_empty() {
            return Err(codes::MISSING_RECEIVER.into());
        }
        if !is_room_name(room) {
            return Err(codes::ROOM_INVALID.into());
        }
        if room == EVERYBODY && !self.allow_all {
            return Err(codes::RECEIVER_NOT_ALLOWED.into());
        }
        if let Some(member) = caller.member
            && !self.members.is_in(member.id, room)
        {
            return Err(codes::NOT_ROOM_MEMBER.into());
        }
        let anywhere = caller.member.is_none() && caller.session.has_scope(PUBLISH_ANYWHERE);
        if anywhere || self.policy.may_publish(&caller.session, room).await {
            Ok(())
        } else {
            Err(codes::RECEIVER_NOT_ALLOWED.into())
        }
    }

    async fn server_stage(
        &self,
        caller: &Caller<'_>,
        request: &SyncRequest<'_>,
        route: &Route,
        server: &ServerHandler,
        room: Arc<str>,
    ) -> SyncResult<Arc<RawValue>> {
        let transport = if caller.member.is_some() { Transport::Socket } else { Transport::Http };
        let locale: Arc<str> = caller.locale.as_str().into();
        let call = ServerCall {
            input: request.data,
            user: Arc::clone(&caller.session),
            functions: &self.functions,
            room_code: room,
            request: RequestInfo::new(Arc::clone(&caller.request_id), transport, locale, caller.address.0),
        };
        // Decoding and the call itself are the app's code too: a `Deserialize` can panic as well as a handler.
        let started = catch_unwind(AssertUnwindSafe(|| server.stage.start(call)))
            .map_err(|panic| verdict::panicked(route, server.registration(), &*panic))?;
        let running = AssertUnwindSafe(started?).catch_unwind();
        match tokio::time::timeout(server.timeout.unwrap_or(self.handler_timeout), running).await {
            Ok(Ok(Ok(output))) => Ok(Arc::from(output)),
            Ok(Ok(Err(error))) => Err(verdict::declared(route, server.registration(), error)),
            Ok(Err(panic)) => Err(verdict::panicked(route, server.registration(), &*panic)),
            Err(_elapsed) => {
                tracing::warn!(handler = server.registration().function, request = %caller.request_id, "a handler took too long");
                Err(codes::TIMEOUT.into())
            }
        }
    }

    fn exclude(&self, caller: &Caller<'_>, ignore_self: bool) -> Exclude {
        match caller.member {
            _ if !ignore_self => Exclude::Nobody,
            Some(member) => Exclude::Socket(Arc::clone(&member.name)),
            None if caller.session.is_anonymous() => Exclude::Nobody,
            None => Exclude::User(caller.session.user_id.as_str().into()),
        }
    }
}

/// An event without a server stage has its input checked all the same, before anybody gets it.
fn check_input(route: &Route, data: &RawValue) -> SyncResult<()> {
    match route.client() {
        Some(client) => client.stage.check_input(data),
        None => Ok(()),
    }
}

fn rate_limited(RetryAfter(seconds): RetryAfter) -> SyncError {
    codes::RATE_LIMITED.with("seconds", seconds)
}
