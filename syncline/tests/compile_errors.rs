//! The compile errors an author sees, word for word.

#[test]
fn compile_errors_stay_readable() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
