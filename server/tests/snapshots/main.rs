//! Snapshots by the front door: real HTTP and WebSockets, a server on a free port for each test.

mod api;
mod audiences;
#[path = "../support/captured.rs"]
mod captured;
mod cluster;
mod logs;
mod openapi;
#[path = "../support/own_server.rs"]
#[expect(dead_code, reason = "the tests of nodes use the rest")]
mod own_server;
#[path = "../support/redis_server.rs"]
mod redis_server;
mod sockets;
mod support;
mod tickets;
mod upkeep;
#[path = "../support/ws_client.rs"]
mod ws_client;
