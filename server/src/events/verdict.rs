//! What an error from a handler becomes: declared codes pass, everything else is `sync.internal` with a full log
//! line, and so is a panic.

use std::any::Any;

use syncline::{Registration, Route, SyncError, codes};

/// The error that goes out for what a stage returned.
pub(crate) fn declared(route: &Route, registration: &Registration, error: SyncError) -> SyncError {
    let code = error.code();
    if code == codes::INTERNAL {
        let cause = error.cause().map(ToString::to_string).unwrap_or_default();
        tracing::error!(handler = registration.function, event = %route.event(), cause, "a handler failed");
    } else if !route.declares(code) {
        tracing::error!(
            handler = registration.function,
            event = %route.event(),
            code = code.code(),
            "a handler returned an error code that it does not declare; name it in `errors: [..]`"
        );
        return codes::INTERNAL.into();
    } else {
        if let Some(cause) = error.cause() {
            tracing::warn!(handler = registration.function, code = code.code(), %cause, "a handler refused");
        }
        if !error.has_declared_params() {
            tracing::error!(
                handler = registration.function,
                code = code.code(),
                declared = ?code.params(),
                "a handler's error has other parameters than its code declares"
            );
        }
    }
    error
}

/// The error that goes out for a panic.
pub(crate) fn panicked(route: &Route, registration: &Registration, panic: &(dyn Any + Send)) -> SyncError {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(handler = registration.function, event = %route.event(), message, "a handler panicked");
    codes::INTERNAL.into()
}
