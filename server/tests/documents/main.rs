//! Documents by the front door: real HTTP and WebSockets, a client of Yjs, a server on a free port for each test.

mod access;
mod api;
mod awareness;
#[path = "../support/captured.rs"]
mod captured;
mod cluster;
#[path = "../support/folder.rs"]
mod folder;
mod hostile;
mod ids;
mod kept;
mod killed;
mod logs;
mod lost;
#[path = "../support/own_server.rs"]
#[expect(dead_code, reason = "the tests of nodes use the rest")]
mod own_server;
mod process;
#[path = "../support/redis_server.rs"]
mod redis_server;
mod s3;
#[path = "../support/s3_server.rs"]
mod s3_server;
mod support;
mod sync;
#[path = "../support/ws_client.rs"]
#[expect(dead_code, reason = "here its sockets are Yjs's")]
mod ws_client;
mod yjs;
