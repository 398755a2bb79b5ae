//! What calls come to, and assertions on it that say what came instead.

use std::{fmt, future::Future};

use futures_util::FutureExt as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use syncline::{Deliver, SyncError, SyncResult, codes};

/// An error as a client gets it from a server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// The stable code.
    #[serde(rename = "errorCode")]
    pub code: String,
    /// The parameters of the message.
    #[serde(rename = "errorParams", default)]
    pub params: Map<String, Value>,
    /// The message, in the reader's language.
    pub message: String,
    /// The HTTP status that it has over HTTP.
    pub http_status: u16,
}

impl Refused {
    /// What an answer or an event on the wire comes to.
    pub(crate) fn or_success(mut answer: Value) -> Result<Value, Self> {
        if answer["status"] == "success" {
            return Ok(answer);
        }
        match serde_json::from_value(answer.take()) {
            Ok(refused) => Err(refused),
            Err(error) => panic!("neither a success nor an error ({error}): {answer}"),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refused {}

/// An error with a code: a stage's own, or one from a server.
pub trait Refusal: fmt::Debug {
    /// Its code and its parameters.
    fn code_and_params(&self) -> (&str, &Map<String, Value>);
}

impl Refusal for SyncError {
    fn code_and_params(&self) -> (&str, &Map<String, Value>) {
        (self.code().code(), self.params())
    }
}

impl Refusal for Refused {
    fn code_and_params(&self) -> (&str, &Map<String, Value>) {
        (&self.code, &self.params)
    }
}

/// Assertions on what may have been refused.
pub trait Outcome {
    /// It was refused with exactly this code and these parameters: `AMOUNT_TOO_LARGE.with("max", 100)`.
    ///
    /// # Panics
    /// When it was not.
    fn assert_error(self, expected: impl Into<SyncError>);

    /// It was refused as `sync.invalidInput`, for what stands at this path of the input.
    ///
    /// # Panics
    /// When it was not.
    fn assert_invalid(self, path: &str);
}

impl<T, E: Refusal> Outcome for Result<T, E> {
    #[track_caller]
    fn assert_error(self, expected: impl Into<SyncError>) {
        let expected = expected.into();
        let error = refused(self, expected.code().code());
        assert!(
            error.code_and_params() == expected.code_and_params(),
            "expected `{}` with {}, got {error:?}",
            expected.code().code(),
            json!(expected.params())
        );
    }

    #[track_caller]
    fn assert_invalid(self, path: &str) {
        let expected = codes::INVALID_INPUT.code();
        let error = refused(self, expected);
        let (code, params) = error.code_and_params();
        assert!(
            code == expected && params.get("path") == Some(&json!(path)),
            "expected `{expected}` at `{path}`, got {error:?}"
        );
    }
}

#[track_caller]
fn refused<T, E>(outcome: Result<T, E>, expected: &str) -> E {
    match outcome {
        Ok(_) => panic!("expected `{expected}`, but it was not refused"),
        Err(error) => error,
    }
}

/// Assertions on what a client stage decides.
pub trait Delivered<T> {
    /// The recipient gets the event; what it gets.
    ///
    /// # Panics
    /// When it does not.
    fn assert_sent(self) -> T;

    /// The recipient gets nothing.
    ///
    /// # Panics
    /// When it gets the event, or an error.
    fn assert_skipped(self);
}

impl<T> Delivered<T> for SyncResult<Deliver<T>> {
    #[track_caller]
    fn assert_sent(self) -> T {
        match self {
            Ok(Deliver::To(output)) => output,
            Ok(Deliver::Skip) => panic!("expected that the recipient gets the event, but it is skipped"),
            Err(error) => panic!("expected that the recipient gets the event, but it gets {error:?}"),
        }
    }

    #[track_caller]
    fn assert_skipped(self) {
        match self {
            Ok(Deliver::Skip) => {}
            Ok(Deliver::To(_)) => panic!("expected that the recipient is skipped, but it gets the event"),
            Err(error) => panic!("expected that the recipient is skipped, but it gets {error:?}"),
        }
    }
}

/// What a stage comes to that waits for nothing: for tests that are not async, such as property tests.
///
/// # Panics
/// When it waits for something.
#[track_caller]
pub fn ready<T>(stage: impl Future<Output = T>) -> T {
    stage.now_or_never().expect("a stage that waits for nothing; await one that does, in an async test")
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use serde_json::json;
    use syncline::{Deliver, ErrorCode, SyncResult, codes};

    use super::{Delivered as _, Outcome as _, Refused, ready};

    const MAX: ErrorCode = ErrorCode::new("test.max", 422, &["max"]);

    fn failure(assertion: impl FnOnce()) -> String {
        let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("the assertion fails");
        panic
            .downcast::<String>()
            .map_or_else(|plain| plain.downcast_ref::<&str>().unwrap().to_string(), |text| *text)
    }

    fn refusal() -> Refused {
        let answer = json!({ "status": "error", "errorCode": "test.max", "errorParams": { "max": 3 },
            "message": "Too much.", "httpStatus": 422 });
        Refused::or_success(answer).unwrap_err()
    }

    #[test]
    fn errors_are_compared_by_code_and_parameters() {
        SyncResult::<()>::Err(MAX.with("max", 3)).assert_error(MAX.with("max", 3));
        Err::<(), _>(refusal()).assert_error(MAX.with("max", 3));
        for (other, said) in [
            (MAX.with("max", 4), r#"expected `test.max` with {"max":4}, got Refused { code: "test.max""#),
            (MAX.into(), r#"expected `test.max` with {}, got"#),
            (codes::INTERNAL.into(), r#"expected `sync.internal` with {}, got"#),
        ] {
            let message = failure(|| Err::<(), _>(refusal()).assert_error(other));
            assert!(message.starts_with(said), "{message}");
        }
        let message = failure(|| SyncResult::Ok(1).assert_error(MAX));
        assert_eq!(message, "expected `test.max`, but it was not refused");
    }

    #[test]
    fn invalid_input_is_compared_by_its_path() {
        let invalid = || codes::INVALID_INPUT.with("path", "text").with("reason", "too long");
        SyncResult::<()>::Err(invalid()).assert_invalid("text");
        for outcome in [SyncResult::<()>::Err(invalid()), Err(MAX.with("path", "author"))] {
            assert!(
                failure(|| outcome.assert_invalid("author")).starts_with("expected `sync.invalidInput` at")
            );
        }
    }

    #[test]
    fn deliveries_are_sent_or_skipped() {
        assert_eq!(SyncResult::Ok(Deliver::To(3)).assert_sent(), 3);
        SyncResult::Ok(Deliver::<u8>::Skip).assert_skipped();
        assert!(
            failure(|| SyncResult::Ok(Deliver::To(3)).assert_skipped()).ends_with("but it gets the event")
        );
        let message = failure(|| SyncResult::<Deliver<()>>::Err(MAX.into()).assert_sent());
        assert!(message.contains("test.max"), "{message}");
    }

    #[test]
    #[should_panic(expected = "a stage that waits for nothing")]
    fn a_stage_that_waits_is_not_ready() {
        ready(std::future::pending::<()>());
    }
}
