//! The page `test/clientOnly`: an event that has no server stage.

pub mod ping_client_v1;
