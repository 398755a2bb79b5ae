//! What every version of `examples/updateCounter` holds to: how far a counter may move at once.

use syncline::prelude::*;

/// The furthest a counter moves at once, up or down.
pub const MAX_AMOUNT: u32 = 100;

/// The amount is further than `max` from zero.
pub const AMOUNT_TOO_LARGE: ErrorCode = ErrorCode::new("counter.amountTooLarge", 422, &["max"]);

/// Lets an amount pass that a counter may move by.
///
/// # Errors
/// [`AMOUNT_TOO_LARGE`] beyond [`MAX_AMOUNT`].
pub fn check_amount(amount: i32) -> SyncResult<()> {
    if amount.unsigned_abs() > MAX_AMOUNT {
        return Err(AMOUNT_TOO_LARGE.with("max", MAX_AMOUNT));
    }
    Ok(())
}
