//! The Origin rule: which pages may use this server.
//!
//! Absent (no browser), the server's own origin, or listed. It protects users' browsers, not the server: whoever
//! is no browser sends whatever it likes, and tokens are for them.

use http::{HeaderMap, HeaderValue, header};

/// The page of the development server.
const DEVELOPMENT_ORIGIN: &str = "http://localhost:5173";

/// The origins that may use this server.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    listed: Vec<HeaderValue>,
}

impl Origins {
    pub(crate) fn new(listed: &[String], development: bool) -> Self {
        let extra = development.then_some(DEVELOPMENT_ORIGIN);
        let listed = listed.iter().map(String::as_str).chain(extra);
        Self { listed: listed.filter_map(|origin| HeaderValue::from_str(origin).ok()).collect() }
    }

    pub(crate) fn listed(&self) -> &[HeaderValue] {
        &self.listed
    }

    pub(crate) fn allows(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => true,
            (Some(origin), None) => self.listed.contains(origin) || is_same_origin(origin, headers),
            (Some(_), Some(_)) => false,
        }
    }
}

/// Whether the origin's host and port are those that the request was sent to. The scheme is not compared: behind a
/// proxy that ends TLS the server cannot know its own.
fn is_same_origin(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), headers.get(header::HOST).map(HeaderValue::to_str))
    else {
        return false;
    };
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| !host.is_empty() && authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::Origins;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    #[test]
    fn the_rule() {
        let origins = Origins::new(&["https://app.example.com".to_owned()], false);
        for (pairs, allowed) in [
            (vec![], true),
            (vec![("origin", "https://app.example.com")], true),
            (vec![("origin", "https://app.example.com.evil.com"), ("host", "x")], false),
            (vec![("origin", "null"), ("host", "null")], false),
            (vec![("origin", "http://localhost:5173"), ("host", "x")], false),
            (vec![("origin", "https://sync.example.com"), ("host", "sync.example.com")], true),
            (vec![("origin", "https://sync.example.com:444"), ("host", "sync.example.com")], false),
            (vec![("origin", "https://app.example.com"), ("origin", "https://evil.com")], false),
            (vec![("origin", "http://"), ("host", "")], false),
        ] {
            assert_eq!(origins.allows(&headers(&pairs)), allowed, "{pairs:?}");
        }
        assert!(Origins::new(&[], true).allows(&headers(&[("origin", "http://localhost:5173")])));
    }
}
