//! Every setting of the process, parsed and checked once, at the start. The only place that reads the environment.
//!
//! Defaults, below `syncline.toml`, below the environment. All that is wrong is said at once, by name.

mod nats;
mod read;
mod s3;
mod show;
mod table;
pub(crate) mod webhook;

use std::{
    collections::HashMap,
    fmt::{self, Display},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
pub(crate) use nats::{NatsLogin, NatsServers};
use read::Reader;
pub(crate) use s3::option as s3_option;
use secrecy::SecretString;
use syncline::RateLimit;
pub use table::{SETTINGS, Setting, help_text};

/// Development or production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// A random secret, guest tokens, the development page's origin.
    Development,
    /// Refuses to start without secrets.
    Production,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// The Socket.IO transports that are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transports {
    /// WebSocket.
    pub websocket: bool,
    /// HTTP long-polling.
    pub polling: bool,
}

/// Which requests to rooms need a token, with scope `rooms:read` or `rooms:write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomAuth {
    /// None.
    Off,
    /// Writing and deleting.
    Write,
    /// All.
    All,
}

/// All settings. Its fields are those of the table.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is the setting of its name, documented once in the table")]
pub struct Config {
    pub environment: Environment,
    pub host: IpAddr,
    pub port: u16,
    pub shutdown: Duration,
    pub socket_threads: usize,
    /// `None`: nothing is kept beyond the process.
    pub data_dir: Option<PathBuf>,
    /// `None`: generated, and kept in `data_dir`.
    pub server_id: Option<String>,
    pub region: String,
    pub events: bool,
    pub rooms: bool,
    pub snapshots: bool,
    pub workspaces: bool,
    pub documents: bool,
    pub jwt_secret: Option<SecretString>,
    pub jwt_secret_previous: Option<SecretString>,
    pub jwt_public_key: Option<String>,
    pub jwt_audience: Option<String>,
    pub jwt_issuer: Option<String>,
    pub ticket_secret: Option<SecretString>,
    pub ticket_lifetime: Duration,
    pub auth_grace: Duration,
    pub sync_shared_secret: Option<SecretString>,
    pub room_auth: RoomAuth,
    pub allow_all: bool,
    pub cors_origins: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub transports: Transports,
    pub metrics_addr: Option<SocketAddr>,
    pub max_state_bytes: usize,
    pub max_event_bytes: usize,
    pub max_json_depth: usize,
    pub rate_limit_per_route: Option<RateLimit>,
    pub rate_limit_per_address: Option<RateLimit>,
    pub inbox_events: usize,
    pub outbox_packets: usize,
    pub handler_timeout: Duration,
    pub handshakes_per_second: usize,
    pub sse_per_address: usize,
    pub sse_per_room: usize,
    pub ws_per_address: usize,
    pub records_bytes: usize,
    pub room_time_to_live: Duration,
    pub room_sweep: Duration,
    pub heartbeat: Duration,
    pub ws_ping: Duration,
    pub ws_idle: Duration,
    pub workspace_op_bytes: usize,
    pub workspace_bytes: usize,
    pub workspace_idle: Duration,
    pub document_frame_bytes: usize,
    pub document_bytes: usize,
    pub s3_bucket: Option<String>,
    pub s3_prefix: Option<String>,
    pub aws_region: Option<String>,
    pub aws_endpoint_url: Option<String>,
    /// Further `AWS_*` variables that the way to S3 depends on, credentials first of all. They are in no table: AWS
    /// says what they are.
    pub aws_variables: Vec<(String, SecretString)>,
    pub document_debounce: Duration,
    pub document_max_debounce: Duration,
    pub document_idle: Duration,
    pub webhook_url: Option<String>,
    pub webhook_secret: Option<SecretString>,
    pub webhook_allow_private: bool,
    pub redis_url: Option<SecretString>,
    pub redis_pool: usize,
    pub nats_url: Option<SecretString>,
    pub nats_keep: Duration,
    pub default_locale: String,
    pub locales_dir: Option<PathBuf>,
    pub log_filter: String,
    pub log_format: LogFormat,
    /// What is odd without being wrong: to be logged once logging is there.
    pub warnings: Vec<String>,
}

/// Everything that is wrong with the settings.
#[derive(Debug)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl ConfigError {
    /// Each problem, beginning with the setting's name.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are not right:")?;
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads `syncline.toml` in the working directory, if there is one, and the environment.
    ///
    /// # Errors
    /// [`ConfigError`] with every value that is wrong and everything that production lacks.
    pub fn load() -> Result<Self, ConfigError> {
        Self::from_sources(Some(Path::new("syncline.toml")), std::env::vars())
    }

    /// The defaults of development, with these settings: for tests and embedding.
    ///
    /// # Errors
    /// [`ConfigError`], as [`Config::load`].
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Result<Self, ConfigError> {
        Self::from_sources(None, pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    /// Reads a file, if there is one, and a set of variables.
    ///
    /// # Errors
    /// [`ConfigError`], as [`Config::load`].
    pub fn from_sources(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut reader =
            Reader { values: HashMap::new(), problems: Vec::new(), warnings: Vec::new(), aws: Vec::new() };
        if let Some(file) = file.filter(|file| file.exists()) {
            reader.read_file(file);
        }
        reader.read_variables(variables);
        let config = reader.config();
        if reader.problems.is_empty() { Ok(config) } else { Err(ConfigError { problems: reader.problems }) }
    }
}
