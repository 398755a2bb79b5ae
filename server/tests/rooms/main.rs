//! Rooms by the front door: real HTTP and SSE, a server on a free port for each test.

mod api;
mod auth;
#[path = "../support/captured.rs"]
mod captured;
mod cluster;
mod cors;
mod logs;
mod many;
#[path = "../support/own_server.rs"]
#[expect(dead_code, reason = "the tests of nodes use the rest")]
mod own_server;
#[path = "../support/redis_server.rs"]
mod redis_server;
mod shutdown;
mod streams;
mod support;
