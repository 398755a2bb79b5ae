//! `/healthz`, `/readyz` and `/metrics`.
//!
//! Metrics tell a lot about an app, so on the main port they are for loopback and for tokens with scope `admin`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Extension, Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use syncline::{Auth, Rule, codes};

use super::Metrics;
use crate::{
    auth::{Tokens, session_of},
    error::Errors,
    net::RequestContext,
    openapi::{Description, Pieces, by_token, json_answer},
};

const ADMIN: Auth = Auth::LOGIN.and(&[Rule::equals("scope", "admin")]);

/// Something that this server works with.
#[derive(Clone)]
pub(crate) struct Dependency {
    pub(crate) name: &'static str,
    pub(crate) is_up: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Whether there is work that cannot be done without it.
    pub(crate) is_needed: bool,
}

/// What the three need.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) errors: Arc<Errors>,
    /// Whether the metrics have an address of their own.
    pub(crate) metrics_elsewhere: bool,
    pub(crate) dependencies: Arc<[Dependency]>,
}

pub(crate) fn router(health: Health) -> Router {
    let router = Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz));
    let router =
        if health.metrics_elsewhere { router } else { router.route("/metrics", get(guarded_metrics)) };
    router.with_state(health)
}

/// What `/openapi.json` says of them.
pub(crate) fn describe(health: &Health, pieces: &Pieces<'_>) -> Description {
    let operation = |id: &str, summary: &str, responses: serde_json::Value| {
        json!({ "get": {
            "operationId": id, "summary": summary, "tags": ["operation"], "security": [], "responses": responses,
        } })
    };
    let flag = json!({ "type": "object", "properties": { "ok": { "const": true } }, "required": ["ok"] });
    let ready = json!({
        "type": "object",
        "properties": {
            "ready": { "type": "boolean" },
            "dependencies": { "type": "object", "additionalProperties": { "enum": ["up", "down"] } },
        },
        "required": ["ready", "dependencies"],
    });
    let state = |description, ready: &serde_json::Value, is_up: bool| {
        let redis = if is_up { "up" } else { "down" };
        let example = json!({ "ready": is_up, "dependencies": { "redis": redis } });
        json_answer(description, ready.clone(), &example, json!({}))
    };
    let healthy = json!({ "200": json_answer("It runs.", flag, &json!({ "ok": true }), json!({})) });
    let readiness = json!({
        "200": state("It has all that it needs.", &ready, true),
        "503": state("It lacks something, or is stopping.", &ready, false),
    });
    let mut paths = json!({
        "/healthz": operation("isHealthy", "Whether the process runs", healthy),
        "/readyz": operation("isReady", "Whether it has all that it needs", readiness),
    });
    if !health.metrics_elsewhere {
        let text = json!({ "text/plain": { "schema": { "type": "string" } } });
        let good =
            json!({ "200": { "description": "The metrics, as Prometheus reads them.", "content": text } });
        let refused = [codes::AUTH_REQUIRED, codes::AUTH_INVALID, codes::AUTH_EXPIRED, codes::AUTH_FORBIDDEN];
        let answers = pieces.answers_in_envelopes(good, &[&refused[..], &[codes::ORIGIN_DENIED]].concat());
        let summary = "The metrics, for loopback or with a token of scope `admin`";
        paths["/metrics"] = operation("getMetrics", summary, answers);
        paths["/metrics"]["get"]["security"] = json!([{}, by_token()[0]]);
    }
    Description { tag: ("operation", "For those who run the server."), paths, components: json!({}) }
}

/// The metrics alone, for an address of their own.
pub(crate) fn metrics_router(metrics: Arc<Metrics>) -> Router {
    Router::new().route("/metrics", get(async move || render(&metrics)))
}

async fn healthz() -> Json<serde_json::Value> {
    Json(json!({ "ok": true }))
}

async fn readyz(State(health): State<Health>) -> Response {
    let mut ready = !health.stopping.load(Ordering::Acquire);
    let mut dependencies = serde_json::Map::new();
    for dependency in &*health.dependencies {
        let is_up = (dependency.is_up)();
        ready &= is_up || !dependency.is_needed;
        dependencies.insert(dependency.name.to_owned(), if is_up { "up" } else { "down" }.into());
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "dependencies": dependencies }))).into_response()
}

async fn guarded_metrics(
    State(health): State<Health>,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
) -> Response {
    // Behind a proxy on the same host that is not trusted, everybody would look like loopback.
    let is_local = context.address.0.is_loopback() && !headers.contains_key("x-forwarded-for");
    if !is_local {
        let session = session_of(&health.tokens, &headers);
        if let Err(error) = session.and_then(|session| ADMIN.check(&session)) {
            return health.errors.response(&error, context.locale);
        }
    }
    render(&health.metrics)
}

fn render(metrics: &Metrics) -> Response {
    let text = metrics.handle().render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
