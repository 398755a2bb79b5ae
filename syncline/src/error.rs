//! Error codes, and the error a handler returns.
//!
//! A code is stable, declared once as a constant, and carries an HTTP status and the names of its parameters. It
//! holds no human text: the server finds that in the reader's language. Rendering an error is not done here.

use std::{error::Error, fmt};

use serde_json::{Map, Value};

/// What a handler returns: its output, or an error with a declared code.
pub type SyncResult<T> = Result<T, SyncError>;

/// A stable error code, for example `counter.amountTooLarge`.
///
/// Declare it as a constant and name it in `errors: [..]` of the handlers that return it. The list is where the
/// TypeScript error unions, the check of the catalogs and the docs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode {
    code: &'static str,
    http_status: u16,
    params: &'static [&'static str],
}

impl ErrorCode {
    /// A code of the grammar `group.name` (each ASCII letters and digits, first a lower-case letter), the HTTP
    /// status its answers have, and the names of the parameters its message uses.
    ///
    /// # Panics
    /// In a constant, so while compiling, if the code breaks the grammar or the status is not 400 to 599.
    #[must_use]
    pub const fn new(code: &'static str, http_status: u16, params: &'static [&'static str]) -> Self {
        assert!(
            is_group_dot_name(code.as_bytes()),
            "an error code is `group.name`, for example `counter.amountTooLarge`"
        );
        assert!(http_status >= 400 && http_status <= 599, "an error's HTTP status is 400 to 599");
        Self { code, http_status, params }
    }

    /// The code as it stands on the wire.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The HTTP status of an answer with this error.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        self.http_status
    }

    /// The names of the parameters.
    #[must_use]
    pub const fn params(&self) -> &'static [&'static str] {
        self.params
    }

    /// The error of this code with one parameter; more with [`SyncError::with`].
    #[must_use]
    pub fn with(self, name: &'static str, value: impl Into<ParamValue>) -> SyncError {
        SyncError::from(self).with(name, value)
    }

    /// The error of this code with what caused it, which is logged and never sent.
    #[must_use]
    pub fn caused_by(self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> SyncError {
        SyncError::from(self).caused_by(cause)
    }
}

const fn is_group_dot_name(code: &[u8]) -> bool {
    let mut index = 0;
    let mut dots = 0;
    let mut at_start = true;
    while index < code.len() {
        let byte = code[index];
        if byte == b'.' {
            if at_start {
                return false;
            }
            dots += 1;
            at_start = true;
        } else if at_start {
            if !byte.is_ascii_lowercase() {
                return false;
            }
            at_start = false;
        } else if !byte.is_ascii_alphanumeric() {
            return false;
        }
        index += 1;
    }
    dots == 1 && !at_start
}

/// An error on its way to a caller or a recipient: a code, the values of its parameters and, for the log only,
/// the cause.
///
/// Any [`std::error::Error`] becomes a `sync.internal` with that error as its cause, so `?` works on a database
/// call: the caller learns that something went wrong, the log learns what.
pub struct SyncError(Box<Inner>);

struct Inner {
    code: ErrorCode,
    params: Map<String, Value>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl SyncError {
    /// Sets a parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<ParamValue>) -> Self {
        self.0.params.insert(name.to_owned(), value.into().0);
        self
    }

    /// Sets the cause, which is logged and never sent.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The same error for somebody else: code and parameters, without the cause, which is logged once.
    #[must_use]
    pub fn again(&self) -> Self {
        Self(Box::new(Inner { code: self.0.code, params: self.0.params.clone(), cause: None }))
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The parameters: strings, numbers and booleans.
    #[must_use]
    pub fn params(&self) -> &Map<String, Value> {
        &self.0.params
    }

    /// What caused it, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    /// Whether the parameters are exactly those that the code declares.
    #[must_use]
    pub fn has_declared_params(&self) -> bool {
        let declared = self.0.code.params;
        self.0.params.len() == declared.len() && declared.iter().all(|name| self.0.params.contains_key(*name))
    }
}

impl From<ErrorCode> for SyncError {
    fn from(code: ErrorCode) -> Self {
        Self(Box::new(Inner { code, params: Map::new(), cause: None }))
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for SyncError {
    fn from(cause: E) -> Self {
        codes::INTERNAL.caused_by(cause)
    }
}

impl fmt::Debug for SyncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncError")
            .field("code", &self.0.code.code)
            .field("params", &self.0.params)
            .field("cause", &self.0.cause)
            .finish()
    }
}

/// The value of an error's parameter: a string, a number or a boolean.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamValue(Value);

macro_rules! param_value_from {
    ($($type:ty),*) => { $(
        impl From<$type> for ParamValue {
            fn from(value: $type) -> Self {
                Self(Value::from(value))
            }
        }
    )* };
}
param_value_from!(&str, String, bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64);

/// The framework's own codes.
pub mod codes {
    use super::ErrorCode;

    macro_rules! codes {
        ($(#[doc = $doc:literal] $name:ident = $code:literal, $status:literal, $params:expr;)*) => {
            $(#[doc = $doc] pub const $name: ErrorCode = ErrorCode::new($code, $status, &$params);)*

            /// Every code that the server itself answers with.
            pub const ALL: &[ErrorCode] = &[$($name),*];

            /// What each of [`ALL`] means, for whoever programs against it.
            pub const DOCS: &[(ErrorCode, &str)] = &[$(($name, $doc)),*];
        };
    }

    codes! {
        /// The message is not a sync request: not an object, a field missing or of a wrong type, too deep, binary.
        INVALID_REQUEST = "sync.invalidRequest", 400, [];
        /// No such event in that version.
        NOT_FOUND = "sync.notFound", 404, [];
        /// `data` does not fit the event's input: where, and why.
        INVALID_INPUT = "sync.invalidInput", 422, ["path", "reason"];
        /// No room was named.
        MISSING_RECEIVER = "sync.missingReceiver", 400, [];
        /// The caller may not publish to that room.
        RECEIVER_NOT_ALLOWED = "sync.receiverNotAllowed", 403, [];
        /// The calling socket has not joined that room.
        NOT_ROOM_MEMBER = "sync.notRoomMember", 403, [];
        /// Too many requests: how many seconds until the next one can pass.
        RATE_LIMITED = "sync.rateLimited", 429, ["seconds"];
        /// The request is larger than `max` bytes.
        TOO_LARGE = "sync.tooLarge", 413, ["max"];
        /// Too many of this socket's events are waiting.
        INBOX_FULL = "sync.inboxFull", 429, [];
        /// The handler did not finish in time.
        TIMEOUT = "sync.timeout", 504, [];
        /// Something went wrong on the server; the log says what.
        INTERNAL = "sync.internal", 500, [];
        /// That path is for another HTTP method.
        METHOD_NOT_ALLOWED = "sync.methodNotAllowed", 405, [];
        /// The event is for those who are logged in.
        AUTH_REQUIRED = "auth.required", 401, [];
        /// The token is not one that this server accepts.
        AUTH_INVALID = "auth.invalid", 401, [];
        /// The token has expired.
        AUTH_EXPIRED = "auth.expired", 401, [];
        /// The session does not fulfil the rule on `key`.
        AUTH_FORBIDDEN = "auth.forbidden", 403, ["key"];
        /// The page's origin is not allowed here.
        ORIGIN_DENIED = "auth.originDenied", 403, [];
        /// That is not the name of a room.
        ROOM_INVALID = "room.invalid", 400, [];
        /// The session may not join that room.
        ROOM_JOIN_DENIED = "room.joinDenied", 403, [];
        /// The socket has joined as many rooms as it may.
        ROOM_LIMIT = "room.limit", 409, ["max"];
        /// Too many handshakes are under way: when to try again.
        SERVER_BUSY = "server.busy", 503, ["seconds"];
        /// The server is stopping.
        SHUTTING_DOWN = "server.shuttingDown", 503, [];
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorCode, codes, is_group_dot_name};

    #[test]
    fn grammar_of_codes() {
        for good in ["a.b", "counter.amountTooLarge", "x2.y3"] {
            assert!(is_group_dot_name(good.as_bytes()), "{good}");
        }
        for bad in ["", ".", "a", "a.", ".b", "a.b.c", "A.b", "a.B", "a b.c", "a.b-c", "a..b", "2.a"] {
            assert!(!is_group_dot_name(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn declared_params_are_compared() {
        const MAX: ErrorCode = ErrorCode::new("test.max", 422, &["max"]);
        assert!(MAX.with("max", 3).has_declared_params());
        assert!(!MAX.with("min", 3).has_declared_params());
        assert!(!crate::SyncError::from(MAX).has_declared_params());
    }

    #[test]
    fn any_error_is_internal_with_a_cause() {
        let error = crate::SyncError::from(std::io::Error::other("disk on fire"));
        assert_eq!(error.code(), codes::INTERNAL);
        assert_eq!(error.cause().unwrap().to_string(), "disk on fire");
    }
}
