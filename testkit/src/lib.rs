//! What tests by the front door share: a raw Socket.IO client over WebSocket, HTTP calls, tokens.
//!
//! The client is deliberately bare, so that a test can send what no stock client would. It knows nothing of the
//! server's crates. Everything waits for an event and gives up, by panicking, after [`PATIENCE`].

mod client;
mod http_call;
mod token;

use std::{future::Future, time::Duration};

pub use client::{Client, ConnectError, Handshake};
pub use http_call::{Answer, call};
pub use token::{Token, now};

/// How long anything may take that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The secret that tests configure.
pub const SECRET: &str = "a secret of the tests, thirty-two bytes and more";

/// Waits for something that has to happen.
///
/// # Panics
/// When it does not, after [`PATIENCE`].
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}
