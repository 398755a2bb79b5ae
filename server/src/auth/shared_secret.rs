//! Tokens that another server signs with a secret that it shares with this one: `<userId>:<signature>`, where the signature
//! is base64url without padding of HMAC-SHA256(userId).
//!
//! They may read and write, and never expire: a JSON Web Token does, and has scopes.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, verify};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use syncline::{Session, SyncResult, codes};

/// The longest user id, in bytes.
const MAX_USER: usize = 256;

/// The secret.
pub(crate) struct SharedSecret(Key);

impl SharedSecret {
    pub(crate) fn new(secret: &SecretString) -> Self {
        Self(Key::new(HMAC_SHA256, secret.expose_secret().as_bytes()))
    }

    /// Whether that is such a token and not a JSON Web Token, which has no colon.
    pub(crate) fn is_one(token: &str) -> bool {
        token.contains(':')
    }

    /// The session of a token.
    ///
    /// # Errors
    /// `auth.invalid` when it is not signed with the secret.
    pub(crate) fn verify(&self, token: &str) -> SyncResult<Session> {
        let refused = |reason| {
            tracing::info!(reason, "a token was refused");
            codes::AUTH_INVALID
        };
        let (user, signature) = token.rsplit_once(':').ok_or_else(|| refused("there is no signature"))?;
        if user.is_empty() || user.len() > MAX_USER || user.chars().any(char::is_control) {
            return Err(refused("that is no user").into());
        }
        let signature =
            URL_SAFE_NO_PAD.decode(signature).map_err(|_| refused("the signature is not base64url"))?;
        verify(&self.0, user.as_bytes(), &signature)
            .map_err(|_| refused("the signature is not one of ours"))?;
        Ok(Session {
            user_id: user.to_owned(),
            scope: ["read", "write"].map(str::to_owned).into_iter().collect(),
            ..Session::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::SharedSecret;

    /// What Python's `hmac` makes of the user and the secret.
    const SIGNATURE: &str = "HwukiM0KOqnqLn_lYOMcuyzPlVlwbSpaDDSJ6rIZ-UY";

    #[test]
    fn what_the_other_server_signed_is_taken_and_nothing_else() {
        let secret = SharedSecret::new(&"a secret of two servers".to_owned().into());
        let session = secret.verify(&format!("ada:{SIGNATURE}")).unwrap();
        assert_eq!(session.user_id, "ada");
        assert!(session.has_scope("read") && session.has_scope("write") && !session.has_scope("admin"));
        let other = SharedSecret::new(&"another secret".to_owned().into());
        assert!(other.verify(&format!("ada:{SIGNATURE}")).is_err());
        for bad in [
            format!("eve:{SIGNATURE}"),
            format!(":{SIGNATURE}"),
            format!("ada:{SIGNATURE}="),
            format!("ada:{}", &SIGNATURE[1..]),
            format!("ada\n:{SIGNATURE}"),
            "ada:".to_owned(),
            "ada".to_owned(),
            ":".to_owned(),
        ] {
            assert_eq!(secret.verify(&bad).unwrap_err().code().code(), "auth.invalid", "{bad}");
        }
    }
}
