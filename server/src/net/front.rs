//! What every request passes before any system sees it: its id and address, the Origin rule, the bound on
//! handshakes, and a copy of just what a long-lived socket needs of its request.
//!
//! It stands outside the Socket.IO layer, which answers its own path and would let nothing further in see it.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use syncline::{SyncError, codes};
use tower_http::timeout::TimeoutBody;
use uuid::Uuid;

use super::{
    ClientAddress, HandshakeLimiter, KillSwitch, PendingHandshake, TrustedProxies, Upgrades, serve::Accepted,
};
use crate::{
    auth::Origins,
    error::{Errors, Locale},
    observe::Metrics,
};

/// The path that belongs to Socket.IO.
const SOCKET_PATH: &str = "/socket.io";

/// How long a client may pause while it sends a body.
const BODY_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Over how long handshakes are spread while there are many, those that are refused among them. A connection has its next
/// request read only after that, so that a flood does not get as many answers as fill the processor; and what begins in one
/// instant and comes to nothing ends in one instant too, for which all others would wait.
const SPREAD: Duration = Duration::from_secs(1);

/// What the front needs to know.
pub(crate) struct Front {
    pub(crate) origins: Origins,
    pub(crate) proxies: TrustedProxies,
    pub(crate) handshakes: HandshakeLimiter,
    pub(crate) upgrades: Arc<Upgrades>,
    /// The paths below which errors are `{error, message}`.
    pub(crate) plain_below: Vec<&'static str>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) metrics: Arc<Metrics>,
}

/// What the systems know of a request, whatever it came over.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    /// The request's id, for logs.
    pub(crate) id: Arc<str>,
    /// The client's address.
    pub(crate) address: ClientAddress,
    /// The language that the request's headers ask for.
    pub(crate) locale: Locale,
    /// Ends the connection that the request came on.
    pub(crate) kill_switch: KillSwitch,
    /// The handshake that this request begins; finished by taking it.
    handshake: Arc<Mutex<Option<PendingHandshake>>>,
}

impl RequestContext {
    /// The handshake has come to its end, one way or the other.
    pub(crate) fn finish_handshake(&self) {
        self.handshake.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The middleware.
pub(crate) async fn front(State(front): State<Arc<Front>>, mut request: Request, next: Next) -> Response {
    let accepted = request.extensions_mut().remove::<Accepted>();
    if let Some(accepted) = &accepted {
        accepted.kill_switch.mark_used();
    }
    let peer = accepted.as_ref().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |accepted| accepted.peer);
    let id = Uuid::now_v7();
    let chance = chance_of(id);
    let mut context = RequestContext {
        id: id.to_string().into(),
        address: front.proxies.client(peer, request.headers()),
        locale: front.errors.locale_of_headers(request.headers()),
        kill_switch: accepted.map(|accepted| accepted.kill_switch).unwrap_or_default(),
        handshake: Arc::default(),
    };
    let path = request.uri().path();
    let is_plain = front.plain_below.iter().any(|prefix| path.starts_with(prefix));
    let refuse = |error: SyncError| match is_plain {
        true => front.errors.plain_response(&error, context.locale),
        false => front.errors.response(&error, context.locale),
    };
    if !front.origins.allows(request.headers()) {
        tracing::debug!(request = %context.id, "an origin was refused");
        return refuse(codes::ORIGIN_DENIED.into());
    }
    let is_socket = is_socket_path(request.uri().path());
    let session = if is_socket { session_of(request.uri()).map(str::to_owned) } else { None };
    if is_socket && session.is_none() {
        // Who waits does not count as begun: many who come back at once would else keep each other waiting.
        if front.handshakes.are_many() {
            tokio::time::sleep(SPREAD.mul_f64(chance)).await;
        }
        let Some(handshake) = front.handshakes.begin() else {
            front.metrics.handshakes_refused.increment(1);
            return refuse(codes::SERVER_BUSY.with("seconds", 1));
        };
        context.handshake = Arc::new(Mutex::new(Some(handshake)));
    }
    if is_socket {
        slim(&mut request);
    }
    let kill_switch = context.kill_switch.clone();
    request.extensions_mut().insert(context);
    let response = next.run(request.map(|body| Body::new(TimeoutBody::new(BODY_READ_TIMEOUT, body)))).await;
    if let Some(session) = session
        && response.status() == StatusCode::SWITCHING_PROTOCOLS
    {
        front.upgrades.moved(&session, &kill_switch);
    }
    response
}

/// From 0 to 1 by chance, which is how every id ends.
fn chance_of(id: Uuid) -> f64 {
    let [.., chance] = id.into_bytes();
    f64::from(chance) / f64::from(u8::MAX)
}

fn is_socket_path(path: &str) -> bool {
    path.strip_prefix(SOCKET_PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The session that a request to Socket.IO names; one that names none begins one.
fn session_of(uri: &Uri) -> Option<&str> {
    uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("sid="))
}

/// Copies headers and URI out of the connection's read buffer, and only those that are still read.
///
/// A socket keeps its request for as long as it lives, and each header is a slice of the buffer that it was read
/// into: without the copy an idle socket would hold two of them, 16 KiB.
fn slim(request: &mut Request) {
    const KEPT: [header::HeaderName; 3] = [header::CONTENT_TYPE, header::SEC_WEBSOCKET_KEY, header::UPGRADE];
    let kept = KEPT.iter().filter(|name| request.headers().contains_key(*name)).count();
    let mut headers = HeaderMap::with_capacity(kept);
    for name in KEPT {
        if let Some(Ok(value)) =
            request.headers().get(&name).map(|value| HeaderValue::from_bytes(value.as_bytes()))
        {
            headers.insert(name, value);
        }
    }
    *request.headers_mut() = headers;
    if let Ok(uri) = request.uri().to_string().parse() {
        *request.uri_mut() = uri;
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use axum::{Router, body::Body, middleware::from_fn_with_state};
    use http::{Request, StatusCode};
    use syncline::Registry;
    use syncline_i18n::Catalog;
    use tokio::time::Instant;
    use tower::ServiceExt as _;

    use super::{Front, SPREAD, front, is_socket_path, session_of};
    use crate::{
        auth::Origins,
        error::Errors,
        net::{HandshakeLimiter, TrustedProxies},
        observe::Metrics,
    };

    #[tokio::test(start_paused = true)]
    async fn handshakes_wait_while_there_are_many_and_nothing_else_does() {
        let front_of = Front {
            origins: Origins::new(&[], false),
            proxies: TrustedProxies::new(Vec::new()),
            handshakes: HandshakeLimiter::new(1, 3),
            upgrades: Arc::default(),
            plain_below: Vec::new(),
            errors: Arc::new(Errors::new(Catalog::builder().build().unwrap())),
            metrics: Metrics::new(&Arc::new(Registry::none()), &[], &[]),
        };
        let [one, other, more] = [(); 3].map(|()| front_of.handshakes.begin().unwrap());
        let app = Router::new()
            .fallback(async || StatusCode::OK)
            .layer(from_fn_with_state(Arc::new(front_of), front));
        let answer = async |path| {
            let (began, request) = (Instant::now(), Request::get(path).body(Body::empty()).unwrap());
            (app.clone().oneshot(request).await.unwrap().status(), began.elapsed())
        };
        let at_once = (StatusCode::OK, Duration::ZERO);
        for path in ["/healthz", "/socket.io/?EIO=4&sid=abc"] {
            assert_eq!(answer(path).await, at_once, "{path}");
        }
        let spread = async |expected| {
            let mut spread = Vec::new();
            for _ in 0..20 {
                let (status, after) = answer("/socket.io/?EIO=4").await;
                assert!(status == expected && after <= SPREAD, "{status}, {after:?}");
                spread.push(after);
            }
            spread.sort();
            assert!(spread[0] < spread[19], "{spread:?}");
        };
        spread(StatusCode::SERVICE_UNAVAILABLE).await;
        drop(one);
        spread(StatusCode::OK).await;
        drop((other, more));
        assert_eq!(answer("/socket.io/?EIO=4").await, at_once);
    }

    #[test]
    fn socket_requests_are_told_apart() {
        assert!(is_socket_path("/socket.io/") && is_socket_path("/socket.io"));
        assert!(!is_socket_path("/socket.iox") && !is_socket_path("/sync/a/v1"));
        assert_eq!(session_of(&"/socket.io/?EIO=4&transport=polling".parse().unwrap()), None);
        assert_eq!(session_of(&"/socket.io/?EIO=4&sid=abc".parse().unwrap()), Some("abc"));
        assert_eq!(session_of(&"/socket.io/?EIO=4&xsid=abc".parse().unwrap()), None);
    }
}
