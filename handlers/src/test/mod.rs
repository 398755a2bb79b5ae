//! The page `test`: events that the tests of servers and clients call.

pub mod client_only;
pub mod nested_test;
