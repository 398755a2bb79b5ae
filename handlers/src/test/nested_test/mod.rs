//! The page `test/nestedTest`: a page within a page.

pub mod room_server_v1;
