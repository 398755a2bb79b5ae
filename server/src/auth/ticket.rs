//! Tickets: tokens that open one WebSocket, for browsers, which cannot send a header with it.
//!
//! A ticket is short-lived and single use, since it stands in a URL. It carries the session that asked for it, and the
//! socket lives as long as that session does. It is signed with a key of its own, so that neither passes for the other.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use syncline::{Session, SyncResult, codes};

use crate::{
    clock::millis_now,
    config::Config,
    records::{Records, RecordsError},
};

/// What a ticket is for, and nothing else.
const AUDIENCE: &str = "syncline:ticket";

/// How far nodes' clocks may be apart, in seconds.
const LEEWAY_SECONDS: u64 = 5;

/// Longer than any sound ticket.
const MAX_TICKET_BYTES: usize = 16 * 1024;

/// How often used tickets that have expired anyway are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Makes tickets and takes them.
pub(crate) struct Tickets {
    sign: EncodingKey,
    accept: Vec<DecodingKey>,
    validation: Validation,
    /// Those that were used and have not expired.
    used: Arc<dyn Records>,
    lifetime: Duration,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    jti: String,
    exp: u64,
    session: Session,
}

impl Tickets {
    /// Takes the keys from the settings; without any, a random one, which only this node knows.
    ///
    /// # Errors
    /// Never for the keys that there are: the derivation has no bad inputs of these lengths.
    pub(crate) fn from_config(config: &Config, used: Arc<dyn Records>) -> Result<Self, String> {
        let configured = match &config.ticket_secret {
            Some(secret) => vec![secret],
            None => config.jwt_secret.iter().chain(&config.jwt_secret_previous).collect(),
        };
        let mut keys = configured.into_iter().map(derive).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            keys.push(rand::random());
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud"]);
        Ok(Self {
            sign: EncodingKey::from_secret(&keys[0]),
            accept: keys.iter().map(|key| DecodingKey::from_secret(key)).collect(),
            validation,
            used,
            lifetime: config.ticket_lifetime,
        })
    }

    /// How long what was used has to be remembered.
    pub(crate) fn remembered(config: &Config) -> Duration {
        config.ticket_lifetime + Duration::from_secs(2 * LEEWAY_SECONDS)
    }

    /// A ticket for that session, and for how many seconds it can be used.
    ///
    /// # Errors
    /// `auth.required` for an anonymous session; `sync.internal` when it cannot be signed.
    pub(crate) fn mint(&self, session: &Session) -> SyncResult<(String, u64)> {
        if session.is_anonymous() {
            return Err(codes::AUTH_REQUIRED.into());
        }
        let now = millis_now() / 1000;
        let exp = session.expires_at.unwrap_or(u64::MAX).min(now + self.lifetime.as_secs().max(1));
        let jti = uuid::Uuid::new_v4().to_string();
        let claims = Claims { aud: AUDIENCE.to_owned(), jti, exp, session: session.clone() };
        let ticket = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)?;
        Ok((ticket, exp.saturating_sub(now)))
    }

    /// The session of a ticket, which is used up by this.
    ///
    /// # Errors
    /// `auth.expired` or `auth.invalid` for one that is not accepted, or was used; `storage.unavailable` when that cannot
    /// be known.
    pub(crate) async fn redeem(&self, ticket: &str) -> SyncResult<Session> {
        let claims = self.verify(ticket).inspect_err(|reason| {
            tracing::info!(reason = reason.0, "a ticket was refused");
        });
        let claims = claims.map_err(|refused| refused.1)?;
        let first = self.used.put_if(&claims.jti, bytes::Bytes::new(), 0).await;
        if first.map_err(RecordsError::into_answer)?.is_none() {
            tracing::info!(reason = "used before", "a ticket was refused");
            return Err(codes::AUTH_INVALID.into());
        }
        Ok(claims.session)
    }

    fn verify(&self, ticket: &str) -> Result<Claims, (&'static str, syncline::ErrorCode)> {
        if ticket.len() > MAX_TICKET_BYTES {
            return Err(("too long", codes::AUTH_INVALID));
        }
        let mut refused = ("not one of ours", codes::AUTH_INVALID);
        for key in &self.accept {
            match jsonwebtoken::decode::<Claims>(ticket, key, &self.validation) {
                Ok(data) => return Ok(data.claims),
                Err(error) if *error.kind() == jsonwebtoken::errors::ErrorKind::ExpiredSignature => {
                    refused = ("expired", codes::AUTH_EXPIRED);
                }
                Err(_) => {}
            }
        }
        Err(refused)
    }

    /// Forgets what need not be remembered, for as long as the server runs.
    pub(crate) async fn sweep(&self) {
        let mut ticks = tokio::time::interval(SWEEP_EVERY);
        loop {
            ticks.tick().await;
            if let Err(error) = self.used.sweep().await {
                tracing::warn!(%error, "used tickets could not be swept");
            }
        }
    }
}

/// A key for tickets alone, from a secret that is for something else.
fn derive(secret: &SecretString) -> Result<[u8; 32], String> {
    let mut key = [0; 32];
    let derived = Salt::new(HKDF_SHA256, b"syncline").extract(secret.expose_secret().as_bytes());
    let info = [AUDIENCE.as_bytes()];
    let okm = derived.expand(&info, HKDF_SHA256).map_err(|_| "the key of tickets could not be derived")?;
    okm.fill(&mut key).map_err(|_| "the key of tickets could not be derived")?;
    Ok(key)
}
