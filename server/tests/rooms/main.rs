//! Rooms by the front door: real HTTP and SSE, a server on a free port for each test.

mod api;
mod auth;
mod cors;
mod logs;
mod many;
mod shutdown;
mod streams;
mod support;
