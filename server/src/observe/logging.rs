//! Logging by `tracing`. No payloads, no tokens, and control characters escaped.

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Crates below us whose most detailed logs hold whole frames, and so tokens and payloads. And one that says at every
/// attempt to connect what is said here once.
const TOO_TALKATIVE: [&str; 4] =
    ["tungstenite=info", "tokio_tungstenite=info", "socketioxide=info", "async_nats=off"];

/// What to log: the setting's filter, and never what would show a token or a payload, whatever the setting says. For
/// a process that has a subscriber of its own.
#[must_use]
pub fn log_filter(config: &Config) -> EnvFilter {
    let filter = EnvFilter::try_new(&config.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let quieter = TOO_TALKATIVE.iter().filter_map(|directive| directive.parse().ok());
    quieter.fold(filter, EnvFilter::add_directive)
}

/// Starts logging as the settings say; a second call changes nothing.
pub fn init(config: &Config) {
    let lines = tracing_subscriber::fmt().with_env_filter(log_filter(config)).with_writer(std::io::stderr);
    // Only the first subscriber of a process can be set, and a process that embeds the server may have its own.
    let _first = match config.log_format {
        LogFormat::Pretty => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
}
