//! The page `presence`: who is where, right now.

pub mod cursor_client_v1;
pub mod cursor_server_v1;
