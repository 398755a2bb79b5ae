//! Workspaces by the front door: real HTTP and WebSockets, a server on a free port for each test.

mod access;
#[path = "../support/captured.rs"]
mod captured;
mod cluster;
mod disk;
#[path = "../support/folder.rs"]
mod folder;
mod history;
mod logs;
#[path = "../support/nats_server.rs"]
mod nats_server;
mod ops;
#[path = "../support/own_server.rs"]
#[expect(dead_code, reason = "the tests of records use the rest")]
mod own_server;
mod repo;
mod repo_bounds;
mod repo_hostile;
mod repo_peer;
mod sockets;
mod support;
mod webhooks;
#[path = "../support/ws_client.rs"]
mod ws_client;
