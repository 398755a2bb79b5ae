//! An error code outside the grammar.
use syncline::ErrorCode;

const TOO_LARGE: ErrorCode = ErrorCode::new("tooLarge", 422, &["max"]);

fn main() {
    let _ = TOO_LARGE;
}
