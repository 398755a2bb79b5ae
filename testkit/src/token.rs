//! Session tokens, as an app's login would sign them.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};
use syncline::Session;

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

    /// The token of which a server makes this session; valid for an hour unless the session says until when.
    #[must_use]
    pub fn of_session(session: &Session) -> Self {
        let mut token = Self::of(&session.user_id);
        token.claims.extend(session.claims.clone());
        let optional = [
            ("name", session.name.as_ref().map(|name| json!(name))),
            ("locale", session.locale.as_ref().map(|locale| json!(locale))),
            ("rooms", session.rooms.as_ref().map(|rooms| json!(rooms))),
            ("exp", session.expires_at.map(|exp| json!(exp))),
        ];
        for (claim, value) in optional {
            token.claims.extend(value.map(|value| (claim.to_owned(), value)));
        }
        token.with("roles", session.roles.clone()).with("scope", session.scope.join(" "))
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
