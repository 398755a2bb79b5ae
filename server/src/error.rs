//! One error, in the reader's language and in the shape of the edge it goes out on.
//!
//! The only place where a code becomes human text, and one table of codes has three shapes: an envelope, a line, and
//! `{error, message}`. What caused an error goes to the log and stays there.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use syncline::{SyncError, run::ErrorEnvelope};
use syncline_i18n::Catalog;
pub(crate) use syncline_i18n::Locale;

/// Renders errors.
pub(crate) struct Errors {
    catalog: Catalog,
}

impl Errors {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self { catalog }
    }

    /// The locale that fits these preferences, the most wanted first; each a tag or an `Accept-Language` header.
    pub(crate) fn negotiate(&self, preferences: &[&str]) -> Locale {
        self.catalog.negotiate(preferences)
    }

    /// The locale that a request's headers ask for.
    pub(crate) fn locale_of_headers(&self, headers: &HeaderMap) -> Locale {
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        self.negotiate(wanted.as_slice())
    }

    /// The error for a socket, an acknowledgement or an HTTP body.
    pub(crate) fn envelope(&self, error: &SyncError, locale: Locale) -> ErrorEnvelope {
        let code = error.code();
        ErrorEnvelope {
            status: "error",
            error_code: code.code(),
            error_params: error.params().clone(),
            message: self.catalog.message(locale, code.code(), error.params()),
            http_status: code.http_status(),
        }
    }

    /// The error where only a line of text fits, as in Socket.IO's `connect_error`.
    pub(crate) fn line(&self, error: &SyncError, locale: Locale) -> String {
        let envelope = self.envelope(error, locale);
        format!("{}: {}", envelope.error_code, envelope.message)
    }

    /// The error as an HTTP answer, in the shape of sockets and events.
    pub(crate) fn response(&self, error: &SyncError, locale: Locale) -> Response {
        respond(error, locale, Json(self.envelope(error, locale)))
    }

    /// The error as an HTTP answer in the shape of the state systems: `{error, message}`.
    pub(crate) fn plain_response(&self, error: &SyncError, locale: Locale) -> Response {
        let (code, message) = self.plain(error, locale);
        let current = error.params().get("current");
        respond(error, locale, Json(PlainError { error: code, message, current }))
    }

    /// The error's code and message, as the state systems write them.
    pub(crate) fn plain(&self, error: &SyncError, locale: Locale) -> (String, String) {
        let code = error.code().code();
        (plain_code(code), self.catalog.message(locale, code, error.params()))
    }
}

/// The body of an error of the state systems.
#[derive(Serialize)]
struct PlainError<'a> {
    error: String,
    message: String,
    /// What there is instead, for whoever writes on a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<&'a Value>,
}

/// A code as those systems write it: `room.notFound` is `room_not_found`. The group `sync`, which is the framework's
/// own, goes without saying, and so do `snapshot` and `workspace`: `sync.rateLimited` is `rate_limited`.
fn plain_code(code: &str) -> String {
    let mut plain = String::with_capacity(code.len() + 4);
    let unsaid = ["sync.", "snapshot.", "workspace."].iter().find_map(|group| code.strip_prefix(group));
    for character in unsaid.unwrap_or(code).chars() {
        match character {
            '.' => plain.push('_'),
            upper if upper.is_ascii_uppercase() => plain.extend(['_', upper.to_ascii_lowercase()]),
            other => plain.push(other),
        }
    }
    plain
}

fn respond(error: &SyncError, locale: Locale, body: impl IntoResponse) -> Response {
    let status =
        StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    if let Ok(language) = locale.as_str().parse() {
        headers.insert(header::CONTENT_LANGUAGE, language);
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = error.params().get("seconds").and_then(Value::as_u64) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::plain_code;

    #[test]
    fn plain_codes() {
        for (code, plain) in [
            ("room.notFound", "room_not_found"),
            ("invalid.roomId", "invalid_room_id"),
            ("payload.tooLarge", "payload_too_large"),
            ("auth.required", "auth_required"),
            ("sync.rateLimited", "rate_limited"),
            ("snapshot.notFound", "not_found"),
            ("workspace.permissionDenied", "permission_denied"),
        ] {
            assert_eq!(plain_code(code), plain);
        }
    }
}
