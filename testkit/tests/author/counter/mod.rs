//! The page `counter`.

pub(crate) mod add_client_v1;
pub(crate) mod add_server_v1;
pub(crate) mod announce_client_v1;
