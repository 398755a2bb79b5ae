//! The page `bench`: the events that are measured, one for each way that an event can reach its room.
//!
//! All have the same server stage, which gives back what it got. They differ in who decides what a recipient
//! gets: nobody (`echo`), a stage run for each recipient (`equal`, `distinct`), or one for each audience.

mod audience_client_v1;
mod audience_server_v1;
mod distinct_client_v1;
mod distinct_server_v1;
mod echo_server_v1;
mod equal_client_v1;
mod equal_server_v1;
mod message;
