//! `docs/errors-and-languages.md`: a code, and returning it.

use syncline::prelude::*;

/// More than a counter may move at once.
pub const AMOUNT_TOO_LARGE: ErrorCode = ErrorCode::new("counter.amountTooLarge", 422, &["max"]);

/// Lets an amount pass that a counter may move by.
///
/// # Errors
/// [`AMOUNT_TOO_LARGE`] beyond 100.
pub fn check(amount: i32) -> SyncResult<()> {
    if amount.unsigned_abs() > 100 {
        return Err(AMOUNT_TOO_LARGE.with("max", 100));
    }
    Ok(())
}
