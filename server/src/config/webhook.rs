//! What the settings of the webhook may be: where it leads, and what it is signed with.
//!
//! Names are not resolved here: where they lead is looked at for every request, by the webhook itself.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Config, read::Reader};
use crate::net::is_public;

/// What may stand before the secret.
const PREFIX: &str = "whsec_";

/// Secrets are written with padding and without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The receiver's URL, or what is wrong with it. That says nothing of the text itself, which may hold a secret.
pub(crate) fn receiver(text: &str, allow_private: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL such as https://example.com/hook")?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        "http" => return Err("it has to be https, unless WEBHOOK_ALLOW_PRIVATE is true"),
        _ => return Err("it has to be an https URL"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it may have no user and no password: requests are signed");
    }
    if url.fragment().is_some() {
        return Err("it may have no fragment");
    }
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse().ok();
    let name = host.trim_end_matches('.');
    let is_local = name == "localhost" || name.ends_with(".localhost");
    if !allow_private && (is_local || address.is_some_and(|address| !is_public(address))) {
        return Err("it leads to an address that is not public; WEBHOOK_ALLOW_PRIVATE=true allows that");
    }
    Ok(url)
}

/// What may be shown of a receiver's URL: not its path and query, which are often all that keeps others from using it.
pub(super) fn shown(text: &str) -> String {
    Url::parse(text).map_or_else(|_| "not a URL".to_owned(), |url| url.origin().ascii_serialization())
}

/// The bytes of a secret, if it is one: 24 to 64 of them in base64.
pub(crate) fn signing_key(secret: &SecretString) -> Option<Vec<u8>> {
    let text = secret.expose_secret();
    let bytes = BASE64.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok()?;
    (24..=64).contains(&bytes.len()).then_some(bytes)
}

impl Reader {
    /// Says what is wrong with the webhook. In development too: a receiver that cannot check a signature learns nothing.
    pub(super) fn check_webhook(&mut self, config: &Config) {
        const MAKE_ONE: &str = "make one with `echo whsec_$(openssl rand -base64 32)`";
        if let Some(Err(why)) =
            config.webhook_url.as_ref().map(|url| receiver(url, config.webhook_allow_private))
        {
            self.problems.push(format!("WEBHOOK_URL: {why}"));
        }
        match &config.webhook_secret {
            None if config.webhook_url.is_some() => {
                self.problems.push(format!("WEBHOOK_SECRET: WEBHOOK_URL needs it; {MAKE_ONE}"));
            }
            Some(secret) if signing_key(secret).is_none() => {
                self.problems
                    .push(format!("WEBHOOK_SECRET: the value is not 24 to 64 bytes in base64; {MAKE_ONE}"));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Config, receiver, signing_key};

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn receivers() {
        for (url, public, private) in [
            ("https://example.com/hook?key=1", true, true),
            ("https://example.com:8443", true, true),
            ("https://8.8.8.8/", true, true),
            ("http://example.com/", false, true),
            ("https://localhost/", false, true),
            ("https://LocalHost./", false, true),
            ("https://a.localhost/", false, true),
            ("https://127.0.0.1/", false, true),
            ("https://127.1/", false, true),
            ("https://2130706433/", false, true),
            ("https://0x7f.0.0.1/", false, true),
            ("https://0177.0.0.01/", false, true),
            ("https://127.0.0.1./", false, true),
            ("https://１２７.0.0.1/", false, true),
            ("https://169.254.169.254/latest", false, true),
            ("https://[::1]/", false, true),
            ("https://[::ffff:7f00:1]/", false, true),
            ("https://[64:ff9b::7f00:1]/", false, true),
            ("https://[fd00::1]:8443/", false, true),
            ("https://[2606:4700::1]/", true, true),
            ("https://user@example.com/", false, false),
            ("https://:password@example.com/", false, false),
            ("https://example.com/#there", false, false),
            ("ftp://example.com/", false, false),
            ("file:///etc/passwd", false, false),
            ("unix:/run/hook", false, false),
            ("example.com/hook", false, false),
            ("https://", false, false),
        ] {
            assert_eq!(receiver(url, false).is_ok(), public, "{url}");
            assert_eq!(receiver(url, true).is_ok(), private, "{url} where private ones are allowed");
        }
    }

    #[test]
    fn secrets() {
        let of = |bytes: usize| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, vec![0xfb; bytes]);
        for (secret, is_one) in [
            (SECRET.to_owned(), true),
            (of(24), true),
            (of(25).trim_end_matches('=').to_owned(), true),
            (of(64), true),
            (format!("whsec_{}", of(64)), true),
            (of(23), false),
            (of(65), false),
            ("whsec_".to_owned(), false),
            (format!("whsec_whsec_{}", of(32)), false),
            ("correct horse battery staple, and more".to_owned(), false),
            (of(32).replace('+', "-").replace('/', "_"), false),
        ] {
            assert_eq!(signing_key(&secret.clone().into()).is_some(), is_one, "{secret}");
        }
    }

    fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
        Config::from_pairs(pairs).map_or_else(|error| error.problems().to_vec(), |_| Vec::new())
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_and_without_what_was_written() {
        let url = ("WEBHOOK_URL", "https://example.com/hook");
        assert_eq!(problems(&[url, ("WEBHOOK_SECRET", SECRET)]), [""; 0]);
        let missing = problems(&[url]);
        assert_eq!(missing.len(), 1);
        assert!(missing[0].starts_with("WEBHOOK_SECRET: "), "{missing:?}");
        let both = problems(&[
            ("WEBHOOK_URL", "https://ada:hunter2@example.com"),
            ("WEBHOOK_SECRET", "whsec_hunter2"),
            ("PORT", "many"),
        ]);
        for name in ["WEBHOOK_URL: ", "WEBHOOK_SECRET: ", "PORT: "] {
            assert!(both.iter().any(|problem| problem.starts_with(name)), "{name} {both:?}");
        }
        assert!(!both.concat().contains("hunter2"), "{both:?}");
        let private = [("WEBHOOK_URL", "http://127.0.0.1:1"), ("WEBHOOK_SECRET", SECRET)];
        assert!(problems(&private)[0].starts_with("WEBHOOK_URL: "));
        assert_eq!(problems(&[private[0], private[1], ("WEBHOOK_ALLOW_PRIVATE", "true")]), [""; 0]);
    }

    #[test]
    fn what_is_shown_is_no_key() {
        let config = Config::from_pairs(&[
            ("WEBHOOK_URL", "https://example.com:8443/hunter2?key=hunter2"),
            ("WEBHOOK_SECRET", SECRET),
        ]);
        let shown = config.unwrap().to_string();
        assert!(shown.contains("https://example.com:8443\n"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains(SECRET), "{shown}");
    }
}
