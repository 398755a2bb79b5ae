//! The table of all settings: the source of `--help`, `--check-config` and the docs page.
//!
//! Names, defaults and meanings only; reading and checking values is the parent module's.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the environment; in `syncline.toml` the same in lower case.
    pub name: &'static str,
    /// The group under which `--help` lists it.
    pub group: &'static str,
    /// What it is when nobody sets it, in words.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// Whether its value may be shown.
    pub secret: bool,
}

const fn setting(
    group: &'static str,
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, group, default, help, secret: false }
}

const fn secret(
    group: &'static str,
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, group, default, help, secret: true }
}

/// Every setting there is.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    setting("process", "SYNCLINE_ENV", "development", "`development` (random secret, guest tokens) or `production` (refuses to start without secrets)"),
    setting("process", "HOST", "127.0.0.1 in development, 0.0.0.0 in production", "the address to listen on"),
    setting("process", "PORT", "4000", "the port to listen on; 0 takes a free one"),
    setting("process", "SHUTDOWN_SECONDS", "10", "how long a stop may take, from the signal to the exit"),
    setting("process", "SOCKET_THREADS", "1", "threads of the runtime that carries the sockets; 1 has the lowest latency"),
    setting("process", "DATA_DIR", "./data", "the folder of what has to be kept: workspaces, documents, and what their webhook and other nodes have not been told; made if it is not there, and one process's own. `off`: nothing is kept beyond the process"),
    setting("process", "SERVER_ID", "generated, kept in DATA_DIR", "this node's name among others, 1 to 64 of A-Z a-z 0-9 . _ -"),
    setting("process", "REGION", "local", "where this node is, 1 to 32 of A-Z a-z 0-9 . _ -; stamped on the changes of workspaces"),
    setting("systems", "EVENTS", "on", "`on` or `off`: sync events"),
    setting("systems", "ROOMS", "on", "`on` or `off`: rooms, last-write-wins JSON over HTTP and SSE"),
    setting("systems", "SNAPSHOTS", "on", "`on` or `off`: snapshots, an app's own state pushed over WebSockets"),
    setting("systems", "WORKSPACES", "on", "`on` or `off`: workspaces, durable shared JSON with history over WebSockets"),
    setting("systems", "DOCUMENTS", "on", "`on` or `off`: documents, Yjs over WebSockets"),
    secret("identity", "JWT_SECRET", "random in development", "the secret of HS256 tokens, at least 32 bytes in production"),
    secret("identity", "JWT_SECRET_PREVIOUS", "none", "the secret before it, accepted while rotating"),
    setting("identity", "JWT_PUBLIC_KEY", "none", "the public key (PEM; \\n for line breaks) of RS256, ES256 or EdDSA tokens"),
    setting("identity", "JWT_AUDIENCE", "none", "the `aud` that a token must have; without this setting a token with `aud` is refused"),
    setting("identity", "JWT_ISSUER", "none", "the `iss` that a token must have"),
    secret("identity", "TICKET_SECRET", "derived from JWT_SECRET", "what tickets, which open a browser's WebSocket, are signed with; nodes without a JWT_SECRET need it in common"),
    setting("identity", "TICKET_SECONDS", "90", "how long a ticket can be used, once"),
    setting("identity", "AUTH_GRACE_SECONDS", "10", "how long a socket may live after its token expired, to refresh it"),
    secret("identity", "SYNC_SHARED_SECRET", "none", "what another server signs the tokens of documents with (`<userId>:<signature>`), at least 32 bytes in production"),
    setting("identity", "ROOM_AUTH", "off in development, write in production", "what in /api/rooms needs a token with scope `rooms:read` or `rooms:write`: `off` nothing, `write` PUT and DELETE, `all`"),
    setting("identity", "ALLOW_ALL", "false", "`true`: events may be sent to the pseudo-room `all`"),
    setting("web", "CORS_ORIGINS", "none", "origins of pages that may use this server, comma-separated; the same origin always may"),
    setting("web", "TRUSTED_PROXIES", "none", "addresses or networks (CIDR) of proxies whose X-Forwarded-For counts, comma-separated"),
    setting("web", "TRANSPORTS", "websocket,polling", "the Socket.IO transports"),
    setting("web", "METRICS_ADDR", "none", "an address of its own for /metrics; without it, the main port serves it to loopback and scope `admin`"),
    setting("limits", "MAX_STATE_BYTES", "32768", "the size of a PUT's body to a room or a game"),
    setting("limits", "MAX_EVENT_BYTES", "65536", "the size of an event; above 1 MiB the transport closes the connection"),
    setting("limits", "MAX_JSON_DEPTH", "64", "how deeply an event, or the state of a room or a game, may be nested (at most 100)"),
    setting("limits", "RATE_LIMIT_PER_ROUTE", "100/2", "requests/seconds of one user on one route; `off`: none"),
    setting("limits", "RATE_LIMIT_PER_ADDRESS", "1000/2", "requests/seconds from one address; `off`: none"),
    setting("limits", "INBOX_EVENTS", "64", "events of one socket that may wait"),
    setting("limits", "OUTBOX_PACKETS", "1024", "packets to one socket that may wait; a socket whose queue is full is evicted"),
    setting("limits", "HANDLER_SECONDS", "10", "how long a handler may run, and a source build a snapshot"),
    setting("limits", "HANDSHAKES_PER_SECOND", "200", "unfinished handshakes a second; above it new ones get 503 with Retry-After"),
    setting("limits", "SSE_PER_ADDRESS", "256", "streams of rooms from one address; above it new ones get 503 with Retry-After"),
    setting("limits", "SSE_PER_ROOM", "5000", "streams of one room on this node; above it new ones get 503 with Retry-After"),
    setting("limits", "WS_PER_ADDRESS", "256", "plain WebSockets from one address; above it new ones get 503 with Retry-After"),
    setting("limits", "RECORDS_BYTES", "268435456", "what the records of rooms, those of games and used tickets may each take in this process's memory (in Redis: its `maxmemory`); writes that need more get 503"),
    setting("rooms", "ROOM_TTL_SECONDS", "86400", "how long an unchanged room stays"),
    setting("rooms", "ROOM_SWEEP_SECONDS", "300", "how often rooms past that time are swept"),
    setting("rooms", "HEARTBEAT_SECONDS", "15", "how often each stream of a room gets a comment that keeps proxies from closing it"),
    setting("snapshots", "WS_PING_SECONDS", "20", "how often a plain WebSocket is pinged; it is closed when it does not answer within 10 seconds"),
    setting("snapshots", "WS_IDLE_SECONDS", "60", "how long a plain WebSocket may watch nothing and say nothing"),
    setting("workspaces", "WORKSPACE_OP_BYTES", "65536", "the size of an op on a workspace: its key and its value"),
    setting("workspaces", "WORKSPACE_BYTES", "67108864", "what a workspace may take on disk, its history included; ops that need more get 413"),
    setting("workspaces", "WORKSPACE_IDLE_SECONDS", "60", "how long a workspace that nobody uses stays in memory"),
    setting("documents", "DOCUMENT_FRAME_BYTES", "8388608", "the size of a message to a document: what a client that comes back has written meanwhile is one"),
    setting("documents", "DOCUMENT_BYTES", "104857600", "how large a document may be that takes in more from its clients"),
    setting("documents", "S3_BUCKET", "none", "the bucket that keeps documents (S3 or what speaks its API); without it files in DATA_DIR keep them. Credentials come from the usual AWS_* variables, a role or the machine"),
    setting("documents", "S3_PREFIX", "none", "what stands before the names of all objects, without the slash that follows it; at most 252 bytes"),
    setting("documents", "AWS_REGION", "AWS_DEFAULT_REGION, else us-east-1", "the bucket's region"),
    setting("documents", "AWS_ENDPOINT_URL", "AWS's own", "where S3 is if it is not AWS's, such as https://s3.example.com; http:// is not encrypted"),
    setting("documents", "DOCUMENT_DEBOUNCE_SECONDS", "5", "how long after its last change a document is saved"),
    setting("documents", "DOCUMENT_MAX_DEBOUNCE_SECONDS", "30", "how long after its first change that is not saved it is, whatever comes since"),
    setting("documents", "DOCUMENT_IDLE_SECONDS", "60", "how long a document that nobody uses stays in memory, once it is saved"),
    setting("webhooks", "WEBHOOK_URL", "none", "where changes of workspaces are told, by signed POST requests (Standard Webhooks)"),
    secret("webhooks", "WEBHOOK_SECRET", "none", "what they are signed with: 24 to 64 bytes in base64, with or without `whsec_` before them"),
    setting("webhooks", "WEBHOOK_ALLOW_PRIVATE", "false", "`true`: WEBHOOK_URL may lead to loopback, private and link-local addresses, and be http://"),
    secret("engines", "REDIS_URL", "none", "the Redis that nodes share, such as redis://:password@host:6379/0, or rediss:// with TLS; without it records are in memory and there is one node"),
    setting("engines", "REDIS_POOL", "1", "connections to Redis that carry commands (at most 64); one is enough for nearly everybody, since it carries any number at a time"),
    secret("engines", "NATS_URL", "none", "the NATS with JetStream over which workspaces are replicated, such as nats://user:password@host:4222, or tls://; several with commas, of one user"),
    setting("engines", "NATS_KEEP_SECONDS", "3600", "how long NATS keeps changes, and documents, that a newer document of their workspace has taken the place of: a node that lags reads them"),
    setting("languages", "DEFAULT_LOCALE", "en", "the language of readers whose own is not there"),
    setting("languages", "LOCALES_DIR", "none", "a folder of further texts, `<locale>/*.ftl`"),
    setting("telemetry", "RUST_LOG", "info", "what to log, as `tracing` filters read it"),
    setting("telemetry", "LOG_FORMAT", "pretty", "`pretty` or `json`"),
];

/// The table as `--help` shows it.
#[must_use]
pub fn help_text() -> String {
    let mut text = String::from(
        "Settings come from the environment, before that from `syncline.toml` (lower-case names), before that from \
         their defaults:\n",
    );
    let mut group = "";
    for setting in SETTINGS {
        if setting.group != group {
            group = setting.group;
            text.push_str(&format!("\n{group}\n"));
        }
        text.push_str(&format!("  {:<24} {} [{}]\n", setting.name, setting.help, setting.default));
    }
    text
}
