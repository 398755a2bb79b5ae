//! The page `chat`: messages to a room.

pub mod mention;
pub mod send_message_client_v1;
pub mod send_message_server_v1;
