//! The peer `rawroom`: what socketioxide does when nothing is built on it, the measure for all ratios.
//!
//! One room emit for each request, the data passed on as it came. It has no sessions, no types, no client
//! stage, no limits and no order: socketioxide starts a task for each event, so two requests of one socket
//! may overtake each other.

use std::convert::Infallible;

use axum::Router;
use axum::serve::ListenerExt as _;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::handler::ConnectHandler as _;
use tokio::net::TcpListener;

use crate::process::LISTENING;

/// Outgoing packets a socket may have waiting. With the default of 128 the pipelined run loses deliveries and
/// acks.
const QUEUED_PACKETS: usize = 65_536;

/// Which of tokio's runtimes a peer runs on.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Runtime {
    /// As many worker threads as there are cores to run on (one when pinned to one).
    MultiThread,
    /// All on one thread.
    CurrentThread,
}

impl Runtime {
    fn build(self) -> std::io::Result<tokio::runtime::Runtime> {
        match self {
            Self::MultiThread => tokio::runtime::Builder::new_multi_thread(),
            Self::CurrentThread => tokio::runtime::Builder::new_current_thread(),
        }
        .enable_all()
        .build()
    }
}

#[derive(Deserialize)]
struct Join {
    room: String,
}

#[derive(Deserialize)]
struct Request {
    name: String,
    version: String,
    data: Box<RawValue>,
    receiver: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    name: &'a str,
    version: &'a str,
    room: &'a str,
    status: &'static str,
    server_output: &'a RawValue,
    client_output: Empty,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ack<'a> {
    status: &'static str,
    server_output: &'a RawValue,
}

#[derive(Serialize)]
struct Joined {
    status: &'static str,
}

#[derive(Serialize)]
struct Empty {}

/// Serves until the process ends.
pub(crate) fn serve(runtime: Runtime) -> anyhow::Result<()> {
    runtime.build()?.block_on(async {
        let (layer, io) = SocketIo::builder().max_buffer_size(QUEUED_PACKETS).build_layer();
        io.ns("/", (async || {}).with(listen));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{LISTENING}{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                eprintln!("cannot set TCP_NODELAY: {error}");
            }
        });
        axum::serve(listener, Router::new().layer(layer)).await?;
        Ok(())
    })
}

/// A middleware, so that it runs before the client is told that it is connected: a `joinRoom` that comes
/// before there is a listener would be lost.
async fn listen(socket: SocketRef) -> Result<(), Infallible> {
    socket.on("joinRoom", join_room);
    socket.on("sync", sync);
    Ok(())
}

async fn join_room(socket: SocketRef, Data(join): Data<Join>, ack: AckSender) {
    socket.join(join.room);
    report(ack.send(&Joined { status: "success" }));
}

async fn sync(io: SocketIo, Data(request): Data<Request>, ack: AckSender) {
    let event = Event {
        name: &request.name,
        version: &request.version,
        room: &request.receiver,
        status: "success",
        server_output: &request.data,
        client_output: Empty {},
    };
    report(io.to(request.receiver.clone()).emit("sync", &event).await);
    report(ack.send(&Ack { status: "success", server_output: &request.data }));
}

/// A full queue would make the figures meaningless; the load generator counts what it lost, this says where.
fn report<E: std::fmt::Display>(sent: Result<(), E>) {
    if let Err(error) = sent {
        eprintln!("rawroom: {error}");
    }
}
