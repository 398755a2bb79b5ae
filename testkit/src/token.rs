//! Session tokens, as an app's login would sign them.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use crate::SECRET;

/// The time, in seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A token in the making.
#[derive(Clone, Debug)]
pub struct Token {
    claims: Map<String, Value>,
}

impl Token {
    /// A token of that user, valid for an hour.
    #[must_use]
    pub fn of(user: &str) -> Self {
        Self { claims: Map::new() }.with("sub", user).with("exp", now() + 3600)
    }

    /// Sets a claim.
    #[must_use]
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(claim.to_owned(), value.into());
        self
    }

    /// Leaves a claim out.
    #[must_use]
    pub fn without(mut self, claim: &str) -> Self {
        self.claims.remove(claim);
        self
    }

    /// Signed with the tests' secret.
    #[must_use]
    pub fn sign(&self) -> String {
        self.sign_with(Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()))
    }

    /// Signed with any key.
    ///
    /// # Panics
    /// When key and algorithm do not go together.
    #[must_use]
    pub fn sign_with(&self, algorithm: Algorithm, key: &EncodingKey) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), &json!(self.claims), key)
            .expect("a key of that algorithm")
    }
}
