//! The settings as `--check-config` shows them: what they come to, one a line, and no secret.

use std::fmt::{self, Display};

use syncline::RateLimit;

use super::{Config, SETTINGS, webhook};

impl Display for Config {
    /// What the settings come to, one a line, in the table's order; secrets only as set or not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        for setting in SETTINGS {
            writeln!(f, "{:<24} {}", setting.name, self.shown(setting.name))?;
        }
        Ok(())
    }
}

impl Config {
    fn shown(&self, name: &str) -> String {
        fn or_none<T: Display>(value: Option<T>) -> String {
            value.map_or_else(|| "none".to_owned(), |value| value.to_string())
        }
        fn list<T: Display>(items: &[T]) -> String {
            if items.is_empty() {
                return "none".to_owned();
            }
            items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        }
        fn set<T>(value: Option<&T>) -> String {
            if value.is_some() { "set" } else { "not set" }.to_owned()
        }
        fn on(value: bool) -> String {
            if value { "on" } else { "off" }.to_owned()
        }
        fn limit(limit: Option<RateLimit>) -> String {
            limit.map_or_else(
                || "off".to_owned(),
                |limit| format!("{}/{}", limit.requests, limit.period.as_secs()),
            )
        }
        match name {
            "SYNCLINE_ENV" => format!("{:?}", self.environment).to_lowercase(),
            "HOST" => self.host.to_string(),
            "PORT" => self.port.to_string(),
            "SHUTDOWN_SECONDS" => self.shutdown.as_secs_f64().to_string(),
            "SOCKET_THREADS" => self.socket_threads.to_string(),
            "DATA_DIR" => {
                self.data_dir.as_ref().map_or_else(|| "off".to_owned(), |dir| dir.display().to_string())
            }
            "SERVER_ID" => self.server_id.clone().unwrap_or_else(|| "generated".to_owned()),
            "REGION" => self.region.clone(),
            "EVENTS" => on(self.events),
            "ROOMS" => on(self.rooms),
            "SNAPSHOTS" => on(self.snapshots),
            "WORKSPACES" => on(self.workspaces),
            "JWT_SECRET" => set(self.jwt_secret.as_ref()),
            "JWT_SECRET_PREVIOUS" => set(self.jwt_secret_previous.as_ref()),
            "JWT_PUBLIC_KEY" => set(self.jwt_public_key.as_ref()),
            "JWT_AUDIENCE" => or_none(self.jwt_audience.as_ref()),
            "JWT_ISSUER" => or_none(self.jwt_issuer.as_ref()),
            "TICKET_SECRET" => set(self.ticket_secret.as_ref()),
            "TICKET_SECONDS" => self.ticket_lifetime.as_secs_f64().to_string(),
            "AUTH_GRACE_SECONDS" => self.auth_grace.as_secs_f64().to_string(),
            "ROOM_AUTH" => format!("{:?}", self.room_auth).to_lowercase(),
            "ALLOW_ALL" => self.allow_all.to_string(),
            "CORS_ORIGINS" => list(&self.cors_origins),
            "TRUSTED_PROXIES" => list(&self.trusted_proxies),
            "TRANSPORTS" => match (self.transports.websocket, self.transports.polling) {
                (true, true) => "websocket,polling".to_owned(),
                (true, false) => "websocket".to_owned(),
                _ => "polling".to_owned(),
            },
            "METRICS_ADDR" => or_none(self.metrics_addr),
            "MAX_STATE_BYTES" => self.max_state_bytes.to_string(),
            "MAX_EVENT_BYTES" => self.max_event_bytes.to_string(),
            "MAX_JSON_DEPTH" => self.max_json_depth.to_string(),
            "RATE_LIMIT_PER_ROUTE" => limit(self.rate_limit_per_route),
            "RATE_LIMIT_PER_ADDRESS" => limit(self.rate_limit_per_address),
            "INBOX_EVENTS" => self.inbox_events.to_string(),
            "OUTBOX_PACKETS" => self.outbox_packets.to_string(),
            "HANDLER_SECONDS" => self.handler_timeout.as_secs_f64().to_string(),
            "HANDSHAKES_PER_SECOND" => self.handshakes_per_second.to_string(),
            "SSE_PER_ADDRESS" => self.sse_per_address.to_string(),
            "SSE_PER_ROOM" => self.sse_per_room.to_string(),
            "WS_PER_ADDRESS" => self.ws_per_address.to_string(),
            "RECORDS_BYTES" => self.records_bytes.to_string(),
            "ROOM_TTL_SECONDS" => self.room_time_to_live.as_secs_f64().to_string(),
            "ROOM_SWEEP_SECONDS" => self.room_sweep.as_secs_f64().to_string(),
            "HEARTBEAT_SECONDS" => self.heartbeat.as_secs_f64().to_string(),
            "WS_PING_SECONDS" => self.ws_ping.as_secs_f64().to_string(),
            "WS_IDLE_SECONDS" => self.ws_idle.as_secs_f64().to_string(),
            "WORKSPACE_OP_BYTES" => self.workspace_op_bytes.to_string(),
            "WORKSPACE_BYTES" => self.workspace_bytes.to_string(),
            "WORKSPACE_IDLE_SECONDS" => self.workspace_idle.as_secs_f64().to_string(),
            "DOCUMENT_BYTES" => self.document_bytes.to_string(),
            "S3_BUCKET" => or_none(self.s3_bucket.as_ref()),
            "S3_PREFIX" => or_none(self.s3_prefix.as_ref()),
            "AWS_REGION" => or_none(self.aws_region.as_ref()),
            "AWS_ENDPOINT_URL" => or_none(self.aws_endpoint_url.as_ref()),
            "WEBHOOK_URL" => or_none(self.webhook_url.as_deref().map(webhook::shown)),
            "WEBHOOK_SECRET" => set(self.webhook_secret.as_ref()),
            "WEBHOOK_ALLOW_PRIVATE" => self.webhook_allow_private.to_string(),
            "REDIS_URL" => set(self.redis_url.as_ref()),
            "REDIS_POOL" => self.redis_pool.to_string(),
            "NATS_URL" => set(self.nats_url.as_ref()),
            "NATS_KEEP_SECONDS" => self.nats_keep.as_secs_f64().to_string(),
            "DEFAULT_LOCALE" => self.default_locale.clone(),
            "LOCALES_DIR" => or_none(self.locales_dir.as_ref().map(|dir| dir.display())),
            "RUST_LOG" => self.log_filter.clone(),
            "LOG_FORMAT" => format!("{:?}", self.log_format).to_lowercase(),
            _ => "?".to_owned(),
        }
    }
}
