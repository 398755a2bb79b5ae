//! Reading values from a file and from variables, and checking each: nothing wrong stops before all of it is found.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use ipnet::IpNet;
use redis::{ConnectionAddr, IntoConnectionInfo as _};
use secrecy::{ExposeSecret as _, SecretString};
use syncline::RateLimit;

use super::{Config, Environment, LogFormat, NatsServers, RoomAuth, SETTINGS, Transports, s3};

/// Values by setting, and what was found wrong or odd on the way.
pub(super) struct Reader {
    pub(super) values: HashMap<&'static str, String>,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
    /// `AWS_*` variables that are no settings of ours.
    pub(super) aws: Vec<(String, SecretString)>,
}

impl Reader {
    pub(super) fn read_file(&mut self, path: &Path) {
        let source = config::File::from(path).format(config::FileFormat::Toml);
        let file = match config::Config::builder().add_source(source).build() {
            Ok(file) => file,
            Err(error) => return self.problems.push(format!("{}: {error}", path.display())),
        };
        let entries = match file.try_deserialize::<HashMap<String, config::Value>>() {
            Ok(entries) => entries,
            Err(error) => return self.problems.push(format!("{}: {error}", path.display())),
        };
        for (key, value) in entries {
            let Some(setting) = SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(&key))
            else {
                self.warnings.push(format!("{}: `{key}` is no setting", path.display()));
                continue;
            };
            let text = match value.clone().into_array() {
                Ok(items) => items
                    .into_iter()
                    .map(config::Value::into_string)
                    .collect::<Result<Vec<_>, _>>()
                    .map(|items| items.join(",")),
                Err(_) => value.into_string(),
            };
            match text {
                Ok(text) => {
                    self.values.insert(setting.name, text);
                }
                Err(error) => self.problems.push(format!("{}: {error}", setting.name)),
            }
        }
    }

    pub(super) fn read_variables(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            match SETTINGS.iter().find(|setting| setting.name == name) {
                Some(setting) => {
                    self.values.insert(setting.name, value);
                }
                None if name.starts_with("SYNCLINE_") => {
                    self.warnings.push(format!("`{name}` is no setting; --help lists them all"));
                }
                None if s3::is_read(&name) => self.aws.push((name, value.into())),
                None => {}
            }
        }
    }

    pub(super) fn config(&mut self) -> Config {
        let environment =
            self.parse("SYNCLINE_ENV", Environment::Development, "development or production", |text| {
                match text {
                    "development" => Some(Environment::Development),
                    "production" => Some(Environment::Production),
                    _ => None,
                }
            });
        let development = environment == Environment::Development;
        let host = if development { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
        let config = Config {
            environment,
            host: self.number("HOST", IpAddr::V4(host), "an IP address"),
            port: self.number("PORT", 4000, "a port, 0 to 65535"),
            shutdown: self.seconds("SHUTDOWN_SECONDS", 10),
            socket_threads: self.at_least_one("SOCKET_THREADS", 1),
            data_dir: match self.text("DATA_DIR").as_deref() {
                Some("off") => None,
                dir => Some(PathBuf::from(dir.unwrap_or("./data"))),
            },
            server_id: self.name("SERVER_ID", 64),
            region: self.name("REGION", 32).unwrap_or_else(|| "local".to_owned()),
            events: self.switch("EVENTS", true),
            rooms: self.switch("ROOMS", true),
            snapshots: self.switch("SNAPSHOTS", true),
            workspaces: self.switch("WORKSPACES", true),
            documents: self.switch("DOCUMENTS", true),
            jwt_secret: self.secret("JWT_SECRET"),
            jwt_secret_previous: self.secret("JWT_SECRET_PREVIOUS"),
            jwt_public_key: self.text("JWT_PUBLIC_KEY").map(|pem| pem.replace("\\n", "\n")),
            jwt_audience: self.text("JWT_AUDIENCE"),
            jwt_issuer: self.text("JWT_ISSUER"),
            ticket_secret: self.secret("TICKET_SECRET"),
            ticket_lifetime: self.period("TICKET_SECONDS", 90),
            auth_grace: self.seconds("AUTH_GRACE_SECONDS", 10),
            sync_shared_secret: self.secret("SYNC_SHARED_SECRET"),
            room_auth: self.room_auth(development),
            allow_all: self.number("ALLOW_ALL", false, "true or false"),
            cors_origins: self.origins(),
            trusted_proxies: self.list(
                "TRUSTED_PROXIES",
                "an address or a network such as 10.0.0.0/8",
                |item| item.parse::<IpNet>().ok().or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from)),
            ),
            transports: self.transports(),
            metrics_addr: self.optional("METRICS_ADDR", "an address with a port, such as 127.0.0.1:9100"),
            max_state_bytes: self.at_least_one("MAX_STATE_BYTES", 32_768),
            max_event_bytes: self.at_least_one("MAX_EVENT_BYTES", 65_536),
            max_json_depth: self.parse("MAX_JSON_DEPTH", 64, "a number from 1 to 100", |text| {
                text.parse().ok().filter(|depth| (1..=100).contains(depth))
            }),
            rate_limit_per_route: self.rate_limit("RATE_LIMIT_PER_ROUTE", RateLimit::new(100, 2)),
            rate_limit_per_address: self.rate_limit("RATE_LIMIT_PER_ADDRESS", RateLimit::new(1000, 2)),
            inbox_events: self.at_least_one("INBOX_EVENTS", 64),
            outbox_packets: self.at_least_one("OUTBOX_PACKETS", 1024),
            handler_timeout: self.seconds("HANDLER_SECONDS", 10),
            handshakes_per_second: self.at_least_one("HANDSHAKES_PER_SECOND", 200),
            sse_per_address: self.at_least_one("SSE_PER_ADDRESS", 256),
            sse_per_room: self.at_least_one("SSE_PER_ROOM", 5000),
            ws_per_address: self.at_least_one("WS_PER_ADDRESS", 256),
            records_bytes: self.at_least_one("RECORDS_BYTES", 268_435_456),
            room_time_to_live: self.period("ROOM_TTL_SECONDS", 86_400),
            room_sweep: self.period("ROOM_SWEEP_SECONDS", 300),
            heartbeat: self.period("HEARTBEAT_SECONDS", 15),
            ws_ping: self.period("WS_PING_SECONDS", 20),
            ws_idle: self.period("WS_IDLE_SECONDS", 60),
            workspace_op_bytes: self.parse(
                "WORKSPACE_OP_BYTES",
                65_536,
                "a number from 1024 to 16777216",
                |text| text.parse().ok().filter(|bytes| (1024..=16_777_216).contains(bytes)),
            ),
            workspace_bytes: self.at_least_one("WORKSPACE_BYTES", 67_108_864),
            workspace_idle: self.seconds("WORKSPACE_IDLE_SECONDS", 60),
            document_frame_bytes: self.parse(
                "DOCUMENT_FRAME_BYTES",
                8_388_608,
                "a number from 1024 to 67108864",
                |text| text.parse().ok().filter(|bytes| (1024..=67_108_864).contains(bytes)),
            ),
            document_bytes: self.at_least_one("DOCUMENT_BYTES", 104_857_600),
            s3_bucket: self.parse("S3_BUCKET", None, s3::BUCKET, |text| s3::bucket(text).map(Some)),
            s3_prefix: self.parse("S3_PREFIX", None, s3::PREFIX, |text| s3::prefix(text).map(Some)),
            aws_region: self.parse("AWS_REGION", None, s3::REGION, |text| s3::region(text).map(Some)),
            aws_endpoint_url: self.s3_endpoint(),
            aws_variables: std::mem::take(&mut self.aws),
            document_debounce: self.seconds("DOCUMENT_DEBOUNCE_SECONDS", 5),
            document_max_debounce: self.seconds("DOCUMENT_MAX_DEBOUNCE_SECONDS", 30),
            document_idle: self.seconds("DOCUMENT_IDLE_SECONDS", 60),
            webhook_url: self.text("WEBHOOK_URL"),
            webhook_secret: self.secret("WEBHOOK_SECRET"),
            webhook_allow_private: self.number("WEBHOOK_ALLOW_PRIVATE", false, "true or false"),
            redis_url: self.redis_url(),
            redis_pool: self.parse("REDIS_POOL", 1, "a number from 1 to 64", |text| {
                text.parse().ok().filter(|connections| (1..=64).contains(connections))
            }),
            nats_url: self.nats_url(),
            nats_keep: self.period("NATS_KEEP_SECONDS", 3600),
            default_locale: self.text("DEFAULT_LOCALE").unwrap_or_else(|| "en".to_owned()),
            locales_dir: self.text("LOCALES_DIR").map(PathBuf::from),
            log_filter: self.text("RUST_LOG").unwrap_or_else(|| "info".to_owned()),
            log_format: self.parse("LOG_FORMAT", LogFormat::Pretty, "pretty or json", |text| match text {
                "pretty" => Some(LogFormat::Pretty),
                "json" => Some(LogFormat::Json),
                _ => None,
            }),
            warnings: std::mem::take(&mut self.warnings),
        };
        self.check_webhook(&config);
        self.check_s3(&config);
        if !development {
            self.require_secrets(&config);
        }
        config
    }

    fn require_secrets(&mut self, config: &Config) {
        const MAKE_ONE: &str = "make one with `openssl rand -base64 48`";
        match (&config.jwt_secret, &config.jwt_public_key) {
            (None, None)
                if config.events
                    || config.snapshots
                    || config.workspaces
                    || config.documents
                    || (config.rooms && config.room_auth != RoomAuth::Off) =>
            {
                self.problems.push(format!(
                    "JWT_SECRET: production needs it (at least 32 bytes; {MAKE_ONE}) or JWT_PUBLIC_KEY"
                ));
            }
            (Some(secret), _) if secret.expose_secret().len() < 32 => {
                self.problems.push(format!("JWT_SECRET: production needs at least 32 bytes; {MAKE_ONE}"));
            }
            _ => {}
        }
        let is_short = |secret: &SecretString| secret.expose_secret().len() < 32;
        if config.ticket_secret.as_ref().is_some_and(is_short) {
            self.problems.push(format!("TICKET_SECRET: production needs at least 32 bytes; {MAKE_ONE}"));
        }
        match &config.sync_shared_secret {
            None if config.documents => self.problems.push(format!(
                "SYNC_SHARED_SECRET: production needs it for documents (at least 32 bytes; {MAKE_ONE}), or DOCUMENTS=off"
            )),
            Some(secret) if is_short(secret) => self
                .problems
                .push(format!("SYNC_SHARED_SECRET: production needs at least 32 bytes; {MAKE_ONE}")),
            _ => {}
        }
        let on_many_nodes = config.snapshots && config.redis_url.is_some();
        if on_many_nodes && config.jwt_secret.is_none() && config.ticket_secret.is_none() {
            self.problems.push(format!(
                "TICKET_SECRET: nodes that share a Redis need it where there is no JWT_SECRET; {MAKE_ONE}"
            ));
        }
        if config.jwt_secret_previous.as_ref().is_some_and(|secret| secret.expose_secret().len() < 32) {
            self.problems.push("JWT_SECRET_PREVIOUS: production needs at least 32 bytes".to_owned());
        }
    }

    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        debug_assert!(SETTINGS.iter().any(|setting| setting.name == name), "{name} is in the table");
        self.values.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn parse<T>(
        &mut self,
        name: &'static str,
        default: T,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let Some(text) = self.text(name) else { return default };
        parse(&text).unwrap_or_else(|| {
            let is_secret = SETTINGS.iter().any(|setting| setting.name == name && setting.secret);
            let shown = if is_secret { "the value".to_owned() } else { format!("`{text}`") };
            self.problems.push(format!("{name}: {shown} is not {expected}"));
            default
        })
    }

    fn number<T: FromStr>(&mut self, name: &'static str, default: T, expected: &str) -> T {
        self.parse(name, default, expected, |text| text.parse().ok())
    }

    fn at_least_one(&mut self, name: &'static str, default: usize) -> usize {
        self.parse(name, default, "a whole number from 1 on", |text| {
            text.parse().ok().filter(|number| *number > 0)
        })
    }

    fn seconds(&mut self, name: &'static str, default: u64) -> Duration {
        self.parse(name, Duration::from_secs(default), "a number of seconds, 0 to 86400", |text| {
            let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=86_400.0).contains(seconds))?;
            Some(Duration::from_secs_f64(seconds))
        })
    }

    /// As [`Reader::seconds`], for what happens again and again or may last for long.
    fn period(&mut self, name: &'static str, default: u64) -> Duration {
        const YEAR: f64 = 366.0 * 86_400.0;
        self.parse(name, Duration::from_secs(default), "a number of seconds, 0.001 to a year", |text| {
            let seconds = text.parse::<f64>().ok().filter(|seconds| (0.001..=YEAR).contains(seconds))?;
            Some(Duration::from_secs_f64(seconds))
        })
    }

    fn room_auth(&mut self, development: bool) -> RoomAuth {
        let default = if development { RoomAuth::Off } else { RoomAuth::Write };
        self.parse("ROOM_AUTH", default, "off, write or all", |text| match text {
            "off" => Some(RoomAuth::Off),
            "write" => Some(RoomAuth::Write),
            "all" => Some(RoomAuth::All),
            _ => None,
        })
    }

    fn switch(&mut self, name: &'static str, default: bool) -> bool {
        self.parse(name, default, "on or off", |text| match text {
            "on" | "true" => Some(true),
            "off" | "false" => Some(false),
            _ => None,
        })
    }

    /// A name that may stand in logs, subjects and files.
    fn name(&mut self, name: &'static str, longest: usize) -> Option<String> {
        let expected = format!("1 to {longest} of A-Z a-z 0-9 . _ -");
        self.parse(name, None, &expected, |text| {
            let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            (text.len() <= longest && text.bytes().all(is_sound)).then(|| Some(text.to_owned()))
        })
    }

    fn secret(&self, name: &'static str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    fn redis_url(&mut self) -> Option<SecretString> {
        const EXPECTED: &str = "a URL such as redis://:password@host:6379/0, or rediss:// with TLS";
        self.parse("REDIS_URL", None, EXPECTED, |text| {
            let info = text.into_connection_info().ok()?;
            // TLS that looks at no certificate is no better than none, and says otherwise.
            let is_checked = !matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. });
            is_checked.then(|| Some(text.into()))
        })
    }

    fn nats_url(&mut self) -> Option<SecretString> {
        const EXPECTED: &str =
            "a URL such as nats://user:password@host:4222, or tls://; several with commas, of one user";
        self.parse("NATS_URL", None, EXPECTED, |text| {
            NatsServers::parse(text).map(|_servers| Some(text.into()))
        })
    }

    fn optional<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        self.parse(name, None, expected, |text| text.parse().ok().map(Some))
    }

    fn list<T>(&mut self, name: &'static str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let text = self.text(name).unwrap_or_default();
        let mut items = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match parse(item) {
                Some(item) => items.push(item),
                None => self.problems.push(format!("{name}: `{item}` is not {expected}")),
            }
        }
        items
    }

    fn origins(&mut self) -> Vec<String> {
        self.list("CORS_ORIGINS", "an origin such as https://app.example.com", |item| {
            let uri = item.parse::<http::Uri>().ok()?;
            let is_origin = matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.authority().is_some()
                && !item.ends_with('/')
                && matches!(uri.path(), "" | "/")
                && uri.query().is_none();
            is_origin.then(|| item.to_ascii_lowercase())
        })
    }

    fn transports(&mut self) -> Transports {
        let names = self.list("TRANSPORTS", "websocket or polling", |item| {
            matches!(item, "websocket" | "polling").then(|| item.to_owned())
        });
        let has = |wanted: &str| names.is_empty() || names.iter().any(|name| name == wanted);
        Transports { websocket: has("websocket"), polling: has("polling") }
    }

    fn rate_limit(&mut self, name: &'static str, default: RateLimit) -> Option<RateLimit> {
        self.parse(name, Some(default), "requests/seconds such as 100/2, or off", |text| {
            if text == "off" {
                return Some(None);
            }
            let (requests, seconds) = text.split_once('/')?;
            let (requests, seconds) = (requests.trim().parse().ok()?, seconds.trim().parse().ok()?);
            (requests > 0 && (1..=86_400).contains(&seconds)).then(|| Some(RateLimit::new(requests, seconds)))
        })
    }
}
