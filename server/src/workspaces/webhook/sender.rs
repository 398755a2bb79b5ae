//! One attempt: a signed request to the receiver, and what became of it.
//!
//! Names are resolved here, once for each connection, and only addresses that are allowed are connected to: no name that
//! changes its mind in between leads inside. No redirect is followed, no proxy of the environment asked, and an answer
//! is its status: its body is not read.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, StatusCode, header};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};

use super::{pace, sign::Signer};
use crate::net::is_public;

/// How the receiver knows who asks.
const USER_AGENT: &str = concat!("Syncline/", env!("CARGO_PKG_VERSION"), " (Standard Webhooks)");

/// How long a connection that nothing is sent on is kept.
const KEPT: Duration = Duration::from_secs(30);

/// Asks for a name's addresses.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// What became of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Taken,
    /// It answered, but does not take it.
    Declined {
        status: StatusCode,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// It gave no answer.
    Unanswered(String),
    /// Its name leads to addresses that are not allowed.
    Refused(String),
}

/// Sends to one receiver.
pub(super) struct Sender {
    client: Client,
    url: Url,
    signer: Signer,
}

impl Sender {
    /// # Errors
    /// When there is no client to be had: the machine's certificates cannot be read.
    pub(super) fn new(
        url: Url,
        key: &[u8],
        allow_private: bool,
        attempt: Duration,
        lookup: Lookup,
    ) -> reqwest::Result<Self> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .timeout(attempt)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(url.scheme() == "https")
            .pool_idle_timeout(KEPT)
            .pool_max_idle_per_host(super::AT_A_TIME)
            .dns_resolver(Arc::new(Guard { lookup, allow_private }))
            .build()?;
        Ok(Self { client, url, signer: Signer::new(key) })
    }

    /// Sends a message.
    pub(super) async fn send(&self, id: &str, body: Bytes) -> Outcome {
        let now = SystemTime::now();
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", self.signer.sign(id, seconds, &body))
            .body(body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Outcome::Taken,
            Ok(answer) => {
                Outcome::Declined { status: answer.status(), retry_after: retry_after(answer.headers(), now) }
            }
            Err(error) => not_answered(error),
        }
    }
}

fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    pace::retry_after(headers.get(header::RETRY_AFTER)?.to_str().ok()?, now)
}

fn not_answered(error: reqwest::Error) -> Outcome {
    // The URL may hold a secret.
    let error = error.without_url();
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<NotAllowed>() {
            return Outcome::Refused(refused.to_string());
        }
        why = error.to_string();
        cause = error.source();
    }
    Outcome::Unanswered(why)
}

/// The machine's own resolver.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|name| {
        async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    })
}

/// Resolves names, and lets only those addresses through that are allowed.
struct Guard {
    lookup: Lookup,
    allow_private: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, allow_private) = ((self.lookup)(name.as_str().to_owned()), self.allow_private);
        Box::pin(async move {
            let addresses = allowed(found.await?, allow_private)?;
            // The port is the URL's: it takes the place of this one.
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Those of a name's addresses that may be connected to. A private one beside public ones is passed by: it is a mistake
/// or an attempt, and neither is a reason to tell nobody.
fn allowed(found: Vec<IpAddr>, allow_private: bool) -> Result<Vec<IpAddr>, NotAllowed> {
    let were_some = !found.is_empty();
    let allowed: Vec<IpAddr> =
        found.into_iter().filter(|address| allow_private || is_public(*address)).collect();
    if were_some && allowed.is_empty() { Err(NotAllowed) } else { Ok(allowed) }
}

/// A name has no address that is allowed.
#[derive(Debug)]
struct NotAllowed;

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to no public address")
    }
}

impl Error for NotAllowed {}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn private_addresses_are_passed_by() {
        let addresses = |all: &[&str]| all.iter().map(|address| address.parse().unwrap()).collect::<Vec<_>>();
        let mixed = addresses(&["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1"]);
        assert_eq!(allowed(mixed.clone(), false).unwrap(), addresses(&["8.8.8.8", "2606:4700::1"]));
        assert_eq!(allowed(mixed.clone(), true).unwrap(), mixed);
        assert!(allowed(addresses(&["10.0.0.1", "::ffff:127.0.0.1"]), false).is_err());
        assert_eq!(allowed(Vec::new(), false).unwrap(), addresses(&[]), "there is no such name");
    }
}
