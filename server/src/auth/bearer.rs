//! The session of an HTTP request: a bearer token in `Authorization`, and nothing else. No cookie authenticates.

use http::{HeaderMap, header};
use syncline::{Session, SyncResult, codes};

use super::Tokens;
use crate::error::{Errors, Locale};

/// The session of the request's token, as [`session_of`]; from then on `locale` is the language of its own, if it has
/// one.
///
/// # Errors
/// As [`session_of`].
pub(crate) fn identify(
    tokens: &Tokens,
    errors: &Errors,
    headers: &HeaderMap,
    locale: &mut Locale,
) -> SyncResult<Session> {
    let session = session_of(tokens, headers)?;
    if let Some(own) = &session.locale {
        *locale = errors.negotiate(&[own, locale.as_str()]);
    }
    Ok(session)
}

/// The session of the request's token, or an anonymous one without a token.
///
/// # Errors
/// `auth.invalid` or `auth.expired` for a token that is not accepted, or two of them.
pub(crate) fn session_of(tokens: &Tokens, headers: &HeaderMap) -> SyncResult<Session> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next(), values.next());
    let Some(value) = value else { return Ok(Session::default()) };
    if more.is_some() {
        return Err(codes::AUTH_INVALID.into());
    }
    let (scheme, token) =
        value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(codes::AUTH_INVALID)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(codes::AUTH_INVALID.into());
    }
    verify(tokens, token.trim())
}

/// The session of a token, with the refusal logged.
pub(crate) fn verify(tokens: &Tokens, token: &str) -> SyncResult<Session> {
    tokens.verify(token).map_err(|error| {
        tracing::info!(reason = error.reason(), "a token was refused");
        error.code().into()
    })
}
