//! Entity tags: whether what a client has is still what there is.

use http::{HeaderMap, header};

/// Whether an `If-None-Match` among these headers names that tag, which is written with its quotes.
pub(crate) fn names_tag(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut named = lines.flat_map(|line| line.split(',')).map(str::trim);
    named.any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::names_tag;

    #[test]
    fn tags() {
        for (named, names) in [
            ("\"7\"", true),
            ("W/\"7\"", true),
            ("\"6\", \"7\"", true),
            ("*", true),
            ("\"77\"", false),
            ("7", false),
            ("", false),
        ] {
            let value = HeaderValue::from_str(named).unwrap();
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]);
            assert_eq!(names_tag(&headers, "\"7\""), names, "{named}");
        }
        assert!(!names_tag(&HeaderMap::new(), "\"7\""));
    }
}
