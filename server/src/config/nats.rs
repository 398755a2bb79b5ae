//! Where NATS is and who we are there, as `NATS_URL` says it.

use async_nats::ServerAddr;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

/// The servers of one NATS, without secrets, and who we are on all of them.
#[derive(Clone, Debug)]
pub(crate) struct NatsServers {
    pub(crate) addresses: Vec<ServerAddr>,
    pub(crate) login: Option<NatsLogin>,
}

/// Who we are.
#[derive(Clone, Debug)]
pub(crate) enum NatsLogin {
    /// `nats://user:password@host`
    User { name: String, password: SecretString },
    /// `nats://token@host`
    Token(SecretString),
}

/// What a URL says of who we are, as it is written there.
type Written = (String, Option<String>);

impl NatsServers {
    /// One server, or several of one cluster with commas between them; nothing if that is not what the text says. Whoever
    /// has a user in front of one has the same in front of the others, or none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut written: Option<Written> = None;
        let mut addresses = Vec::new();
        for server in text.split(',') {
            let (address, own) = server_of(server.trim())?;
            addresses.push(address);
            match (&written, own) {
                (Some(known), Some(own)) if *known != own => return None,
                (None, own) => written = own,
                (Some(_), _) => {}
            }
        }
        let login = match written {
            Some((name, Some(password))) => {
                Some(NatsLogin::User { name: decoded(&name)?, password: decoded(&password)?.into() })
            }
            Some((token, None)) => Some(NatsLogin::Token(decoded(&token)?.into())),
            None => None,
        };
        Some(Self { addresses, login })
    }
}

/// An address by itself, as async-nats logs addresses whole, and who we are there, which it would not look at.
fn server_of(text: &str) -> Option<(ServerAddr, Option<Written>)> {
    // Without a scheme it would be taken for nats://, so a forgotten `tls://` would go unseen.
    let is_known = ["nats://", "tls://"].iter().any(|scheme| text.starts_with(scheme));
    let server: ServerAddr = is_known.then(|| text.parse().ok())??;
    if server.host().is_empty() {
        return None;
    }
    let password = server.password().map(str::to_owned);
    let written = match server.username() {
        Some(name) => Some((name.to_owned(), password)),
        None if password.is_some() => return None,
        None => None,
    };
    let mut url = server.into_inner();
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some((ServerAddr::from_url(url).ok()?, written))
}

fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::{NatsLogin, NatsServers};

    #[test]
    fn urls() {
        for good in
            ["nats://a", "nats://u:p@a:4222", "tls://a:1", "nats://a:1, nats://b:2", "nats://[::1]:4222"]
        {
            let servers = NatsServers::parse(good).map(|servers| servers.addresses.len());
            assert_eq!(servers, Some(good.split(',').count()), "{good}");
        }
        for bad in
            ["", "a:4222", "http://a", "ws://a", "nats://", "nats://a:b", "nats://a,", "nats://a,b", "://"]
        {
            assert!(NatsServers::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn who_we_are_is_one_for_all_servers_and_not_in_their_addresses() {
        let login = |text: &str| {
            let servers = NatsServers::parse(text)?;
            let shown = format!("{servers:?}");
            assert!(!shown.contains("secret"), "{shown}");
            Some(match servers.login {
                Some(NatsLogin::User { name, password }) => {
                    format!("user {name} {}", password.expose_secret())
                }
                Some(NatsLogin::Token(token)) => format!("token {}", token.expose_secret()),
                None => "nobody".to_owned(),
            })
        };
        let logins = [
            ("nats://a,nats://b", Some("nobody")),
            ("nats://ada:secret@a:1", Some("user ada secret")),
            ("nats://ada:s%40cret%2F%25@a", Some("user ada s@cret/%")),
            ("tls://secret@a", Some("token secret")),
            ("nats://ada:secret@a,nats://ada:secret@b,nats://c", Some("user ada secret")),
            ("nats://c,nats://ada:secret@a", Some("user ada secret")),
            ("nats://ada:secret@a,nats://ada:secret2@b", None),
            ("nats://ada:secret@a,nats://bob:secret@b", None),
            ("nats://ada:secret@a,nats://secret@b", None),
            ("nats://:secret@a", None),
            ("nats://ada:%ff@a", None),
        ];
        for (text, wanted) in logins {
            assert_eq!(login(text).as_deref(), wanted, "{text}");
        }
    }
}
