//! Sync events by the front door: real sockets, a server on a free port for each test.

mod audiences;
mod authentication;
#[path = "../support/captured.rs"]
mod captured;
mod catalogue;
mod delivery;
mod edges;
mod isolation;
mod keys;
mod limits;
mod logs;
mod order;
mod probe;
mod rooms;
mod shutdown;
mod support;
