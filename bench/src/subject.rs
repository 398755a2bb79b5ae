//! The server that this bench is about: Syncline as it ships, with the events of the page `bench`.
//!
//! Everything is on that is on in production: tokens with a signature, a login and a room policy for each
//! event, limits, logging. Only the limits are too high to be reached: all load comes from one address.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use syncline_server::{Config, Server, SessionClaims, init_logging};

use crate::process::LISTENING;

/// Signs the load generator's tokens. It guards nothing: the server listens on loopback for as long as the
/// bench runs.
const SECRET: &str = "only the bench of this very machine signs with this";

/// One of these is each user's own, so that every room has several audiences.
const LANGUAGES: [&str; 4] = ["en", "nl", "de", "fr"];

/// Longer than any bench runs.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Serves until the process ends, with these settings, `NAME=value`, beside those that a bench needs.
pub(crate) fn serve(threads: usize, settings: &[String]) -> anyhow::Result<()> {
    let threads = threads.to_string();
    let mut pairs = vec![
        ("SYNCLINE_ENV", "production"),
        ("JWT_SECRET", SECRET),
        ("SYNC_SHARED_SECRET", SECRET),
        ("HOST", "127.0.0.1"),
        ("PORT", "0"),
        ("DATA_DIR", "off"),
        ("SOCKET_THREADS", &threads),
        ("RATE_LIMIT_PER_ROUTE", "100000000/1"),
        ("RATE_LIMIT_PER_ADDRESS", "100000000/1"),
    ];
    for setting in settings {
        pairs.push(setting.split_once('=').context("a setting is NAME=value")?);
    }
    let config = Config::from_pairs(&pairs)?;
    init_logging(&config);
    let running = Server::builder(config).build()?.start()?;
    println!("{LISTENING}{}", running.address());
    loop {
        std::thread::park();
    }
}

/// A token for the user of that connection.
pub(crate) fn token(connection: usize) -> anyhow::Result<String> {
    let expires = SystemTime::now().duration_since(UNIX_EPOCH)? + TOKEN_LIFE;
    let claims = SessionClaims {
        sub: user(connection),
        exp: expires.as_secs(),
        locale: Some(language(connection).to_owned()),
        rooms: Some(vec!["*".to_owned()]),
        scope: "rooms:write games:write admin".to_owned(),
        ..SessionClaims::default()
    };
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(SECRET.as_bytes()),
    )
    .context("cannot sign a token")
}

/// What `bench/distinct` says to that connection.
pub(crate) fn distinct_output(connection: usize) -> String {
    format!(r#"{{"user":"{}"}}"#, user(connection))
}

/// What `bench/audience` says to that connection.
pub(crate) fn audience_output(connection: usize) -> String {
    format!(r#"{{"language":"{}"}}"#, language(connection))
}

fn user(connection: usize) -> String {
    format!("user-{connection}")
}

fn language(connection: usize) -> &'static str {
    LANGUAGES[connection % LANGUAGES.len()]
}
