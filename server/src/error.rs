//! One error, in the reader's language and in the shape of the edge it goes out on.
//!
//! The only place where a code becomes human text. What caused an error goes to the log and stays there.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, header};
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

    /// The error as an HTTP answer.
    pub(crate) fn response(&self, error: &SyncError, locale: Locale) -> Response {
        let status =
            StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.envelope(error, locale))).into_response();
        let headers = response.headers_mut();
        if let Ok(language) = locale.as_str().parse() {
            headers.insert(header::CONTENT_LANGUAGE, language);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        response
    }
}
