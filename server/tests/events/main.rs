//! Sync events by the front door: real sockets, a server on a free port for each test.

mod audiences;
mod authentication;
mod batches;
#[path = "../support/captured.rs"]
mod captured;
mod catalogue;
mod cluster;
mod delivery;
mod edges;
mod isolation;
mod keys;
mod limits;
mod logs;
mod order;
#[path = "../support/own_server.rs"]
#[expect(dead_code, reason = "the tests of nodes use the rest")]
mod own_server;
mod probe;
#[path = "../support/redis_server.rs"]
mod redis_server;
mod rooms;
mod shutdown;
mod support;
mod together;
