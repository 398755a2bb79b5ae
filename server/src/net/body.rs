//! Reading the body of a request to a state system: JSON, within a size and a time.

use std::{error::Error as _, time::Duration};

use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, header};
use http_body_util::LengthLimitError;
use syncline::SyncResult;

use crate::codes;

/// How long a body may take altogether.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The bytes of a body that is said to be JSON, and no more of them than may be: whatever its head says of its length,
/// what arrives is counted.
///
/// # Errors
/// `unsupported.mediaType`, `payload.tooLarge` or `body.timeout`.
pub(crate) async fn read_json_body(headers: &HeaderMap, body: Body, max_bytes: usize) -> SyncResult<Bytes> {
    if !is_json(headers) {
        return Err(codes::UNSUPPORTED_MEDIA_TYPE.into());
    }
    let too_large = || codes::PAYLOAD_TOO_LARGE.with("max", max_bytes);
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > max_bytes) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, max_bytes)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => {
            Err(too_large())
        }
        // It paused for too long, or it was not sent to its end: then nobody is left to read the answer.
        Ok(Err(_)) | Err(_) => Err(codes::BODY_TIMEOUT.into()),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}
