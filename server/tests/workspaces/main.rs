//! Workspaces by the front door: real HTTP and WebSockets, a server on a free port for each test.

mod access;
mod cluster;
mod history;
#[path = "../support/nats_server.rs"]
mod nats_server;
mod ops;
mod sockets;
mod support;
#[path = "../support/ws_client.rs"]
mod ws_client;
