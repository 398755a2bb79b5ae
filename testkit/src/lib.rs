//! For the tests of an app's handlers, and of the server itself.
//!
//! - [`Stage`] calls one stage with a fake session and no server: the author's function itself, or by its name, from
//!   JSON to JSON with everything that the registration line says.
//! - [`TestServer`] is a whole server in the test's process, and [`VirtualClient`]s are its users.
//! - [`Client`], [`call`] and [`Token`] are the raw means below that, for tests of what no stock client would send.
//!
//! `docs/testing.md` walks through the first two. Everything waits for an event, never for a time, and gives up, by
//! panicking, after [`PATIENCE`]. What a browser does is not tested here.

mod by_name;
mod client;
mod fence;
mod http_call;
mod outcome;
mod server;
mod session;
mod stage;
mod token;
mod virtual_client;

use std::{future::Future, time::Duration};

pub use by_name::{registry, route};
pub use client::{Client, ConnectError, Handshake};
pub use http_call::{Answer, call};
pub use outcome::{Delivered, Outcome, Refusal, Refused, ready};
pub use server::TestServer;
pub use session::{IntoSession, TestSession};
pub use stage::{AnyApp, AppOf, NoApp, OwnApp, Stage};
pub use token::{Token, now};
pub use virtual_client::{Outputs, Received, VirtualClient};

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
