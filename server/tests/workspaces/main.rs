//! Workspaces by the front door: real HTTP and WebSockets, a server on a free port for each test.

mod access;
mod history;
mod ops;
mod repo;
mod repo_hostile;
mod repo_peer;
mod sockets;
mod support;
#[path = "../support/ws_client.rs"]
mod ws_client;
