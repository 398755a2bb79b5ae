//! The page `examples`: the counter that the documentation walks through.

pub mod counter;
pub mod read_counter_client_v1;
pub mod read_counter_server_v1;
pub mod update_counter_client_v1;
pub mod update_counter_client_v2;
pub mod update_counter_server_v1;
pub mod update_counter_server_v2;
