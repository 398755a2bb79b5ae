//! The page `lobby`.

pub mod wave_client_v1;
pub mod wave_server_v1;
