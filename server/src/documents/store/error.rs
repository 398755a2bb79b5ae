//! Why the store did not do what it was asked, in words that may be logged.
//!
//! What S3 answers to a request with a wrong signature repeats the request's headers, so answers are never shown: only
//! their status and S3's name for what is wrong.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use object_store::Error;

/// Why. A write may have been carried out nevertheless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreError {
    /// There was no answer in this time.
    Deadline(Duration),
    /// Anything else.
    Failed(Arc<str>),
}

impl StoreError {
    pub(in crate::documents) fn failed(why: impl fmt::Display) -> Self {
        Self::Failed(why.to_string().into())
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Failed(said(&error).into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline(after) => write!(f, "no answer within {} s", after.as_secs_f64()),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl StdError for StoreError {}

/// Whether an object is not there. A bucket that is not there is another thing: S3 answers 404 to both. To whoever may
/// not list the bucket (`s3:ListBucket`) S3 answers 403 instead, and then no document can begin.
pub(super) fn is_absence(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) && code_in(&error.to_string()) != Some("NoSuchBucket")
}

/// What is wrong, without anything that a request or its answer had in it.
pub(super) fn said(error: &Error) -> String {
    let text = error.to_string();
    if let Some(status) = status_in(&text) {
        let code = code_in(&text).unwrap_or("no reason");
        return format!("the bucket answered {status}: {code}");
    }
    // What is underneath it all is the operating system's or the TLS library's.
    let mut cause: &dyn StdError = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// The status of the answer that an error's text tells of.
fn status_in(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("status code: ")?;
    after.get(..3).filter(|status| status.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The code of S3's that an error's text quotes.
fn code_in(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("<Code>")?;
    let (code, _) = after.split_once("</Code>")?;
    (code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(code)
}

#[cfg(test)]
mod tests {
    use object_store::Error;

    use super::{is_absence, said};

    fn not_found(text: &str) -> Error {
        Error::NotFound { path: "a/b.bin".to_owned(), source: text.into() }
    }

    #[test]
    fn an_answer_is_not_repeated() {
        let text = "Server returned non-2xx status code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code>\
                    <CanonicalRequest>x-amz-security-token:hidden</CanonicalRequest></Error>";
        let error = Error::PermissionDenied { path: "a.bin".to_owned(), source: text.into() };
        assert_eq!(said(&error), "the bucket answered 403: SignatureDoesNotMatch");
        let text = "Server returned non-2xx status code: 403 Forbidden: <Code>a hidden</Code>";
        let error = Error::PermissionDenied { path: "a.bin".to_owned(), source: text.into() };
        assert_eq!(said(&error), "the bucket answered 403: no reason");
    }

    #[test]
    fn a_bucket_that_is_missing_is_no_missing_object() {
        let bucket = "Server returned non-2xx status code: 404 Not Found: <Code>NoSuchBucket</Code>";
        assert!(!is_absence(&not_found(bucket)));
        let object = "Server returned non-2xx status code: 404 Not Found: <Code>NoSuchKey</Code>";
        assert!(is_absence(&not_found(object)));
        assert!(is_absence(&not_found("No such file or directory")));
    }
}
