//! JSON Web Tokens: verifying them, with the algorithm pinned by the settings, and minting development's guests.
//!
//! A token's own header decides nothing: each configured key has its one algorithm.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline::{ErrorCode, Location, Session, codes};

use crate::config::{Config, Environment};

/// How far a token's times may be off, in seconds: clocks differ.
const LEEWAY_SECONDS: u64 = 5;

/// Longer than any sound token; what is longer is not even parsed.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Verifies tokens with the configured keys.
pub(crate) struct Tokens {
    keys: Vec<(DecodingKey, Validation)>,
    minting: Option<EncodingKey>,
}

/// Why a token is not accepted. It never holds the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// It has expired.
    Expired,
    /// Anything else: signature, algorithm, audience, issuer, a claim missing, not a token at all.
    Invalid(&'static str),
}

impl TokenError {
    /// The code that the caller gets.
    #[must_use]
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Self::Expired => codes::AUTH_EXPIRED,
            Self::Invalid(_) => codes::AUTH_INVALID,
        }
    }

    /// Why, for the log.
    #[must_use]
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Invalid(reason) => reason,
        }
    }
}

/// The claims of a session token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SessionClaims {
    /// The user's id.
    pub sub: String,
    /// When it expires, in seconds since 1970.
    pub exp: u64,
    /// A name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The user's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The user's roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Scopes, space-separated.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Globs of the rooms that the user may join.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooms: Option<Vec<String>>,
    /// Every other claim.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl SessionClaims {
    fn into_session(mut self) -> Session {
        // What the token library has checked is nothing the app needs to see again.
        for registered in ["aud", "iss", "nbf", "iat", "jti"] {
            self.more.remove(registered);
        }
        Session {
            user_id: self.sub,
            name: self.name,
            locale: self.locale,
            roles: self.roles,
            scope: self.scope.split_ascii_whitespace().map(str::to_owned).collect(),
            rooms: self.rooms,
            claims: self.more,
            location: Location::default(),
            expires_at: Some(self.exp),
        }
    }
}

impl Tokens {
    /// Takes the keys of the settings; in development a random secret when there is none.
    ///
    /// # Errors
    /// When `JWT_PUBLIC_KEY` is no public key in PEM.
    pub(crate) fn from_config(config: &Config) -> Result<Self, String> {
        let mut secrets: Vec<SecretString> = Vec::new();
        secrets.extend(config.jwt_secret.clone());
        secrets.extend(config.jwt_secret_previous.clone());
        let development = config.environment == Environment::Development;
        if config.jwt_secret.is_none() && development {
            let random: [u8; 32] = rand::random();
            let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
            secrets.insert(0, hex.into());
        }
        let minting = secrets
            .first()
            .filter(|_| development)
            .map(|secret| EncodingKey::from_secret(secret.expose_secret().as_bytes()));
        let mut keys: Vec<(DecodingKey, Validation)> = secrets
            .iter()
            .map(|secret| {
                let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
                (key, validation(Algorithm::HS256, config))
            })
            .collect();
        if let Some(pem) = &config.jwt_public_key {
            let (key, algorithm) = public_key(pem.as_bytes())
                .ok_or("JWT_PUBLIC_KEY: not a public key in PEM (RSA, P-256 or Ed25519)")?;
            keys.push((key, validation(algorithm, config)));
        }
        Ok(Self { keys, minting })
    }

    /// The session of a token.
    ///
    /// # Errors
    /// [`TokenError`] when no key accepts it.
    pub(crate) fn verify(&self, token: &str) -> Result<Session, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid("too long"));
        }
        let mut refused = TokenError::Invalid("no key is configured");
        for (key, validation) in &self.keys {
            match jsonwebtoken::decode::<SessionClaims>(token, key, validation) {
                Ok(data) if data.claims.sub.is_empty() => return Err(TokenError::Invalid("`sub` is empty")),
                Ok(data) => return Ok(data.claims.into_session()),
                Err(error) => {
                    refused = reason(error.kind());
                    // Only these can be another key's: all else was found after the signature held.
                    if !matches!(error.kind(), ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm) {
                        return Err(refused);
                    }
                }
            }
        }
        Err(refused)
    }

    /// Signs a guest's token. Only in development; elsewhere nothing.
    pub(crate) fn mint(&self, claims: &SessionClaims) -> Option<String> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, self.minting.as_ref()?).ok()
    }
}

fn reason(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::InvalidSignature => TokenError::Invalid("the signature is not one of ours"),
        ErrorKind::InvalidAlgorithm => TokenError::Invalid("the algorithm is not the configured one"),
        ErrorKind::InvalidAudience => {
            TokenError::Invalid("the audience is not ours (set JWT_AUDIENCE if tokens have `aud`)")
        }
        ErrorKind::InvalidIssuer => TokenError::Invalid("the issuer is not ours"),
        ErrorKind::ImmatureSignature => TokenError::Invalid("not valid yet"),
        ErrorKind::MissingRequiredClaim(_) => TokenError::Invalid("a required claim is missing"),
        _ => TokenError::Invalid("not a token that can be read"),
    }
}

fn validation(algorithm: Algorithm, config: &Config) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    let mut required = vec!["exp", "sub"];
    if let Some(audience) = &config.jwt_audience {
        validation.set_audience(&[audience]);
        required.push("aud");
    }
    if let Some(issuer) = &config.jwt_issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    validation.set_required_spec_claims(&required);
    validation
}

fn public_key(pem: &[u8]) -> Option<(DecodingKey, Algorithm)> {
    if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
        return Some((key, Algorithm::RS256));
    }
    if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        return Some((key, Algorithm::ES256));
    }
    DecodingKey::from_ed_pem(pem).ok().map(|key| (key, Algorithm::EdDSA))
}
