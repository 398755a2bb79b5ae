//! The peers that are bare socketioxide: what its users have before they build anything on it.
//!
//! [`rawroom`] emits once to the room, [`naive`] to each recipient what is meant for it. Both listen, let into rooms and
//! ack alike. They have no sessions, no limits and no order: socketioxide starts a task for each event, so two requests
//! of one socket may overtake each other.

mod naive;
mod rawroom;

use axum::Router;
use axum::serve::ListenerExt as _;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
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

/// How an event reaches its room.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Manner {
    Rawroom,
    Naive,
}

#[derive(Deserialize)]
struct Join {
    room: String,
}

#[derive(Deserialize)]
struct Request<T> {
    name: String,
    version: String,
    data: T,
    receiver: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a, T, C> {
    name: &'a str,
    version: &'a str,
    room: &'a str,
    status: &'static str,
    server_output: &'a T,
    client_output: C,
}

impl<'a, T, C> Event<'a, T, C> {
    fn new<I>(request: &'a Request<I>, server_output: &'a T, client_output: C) -> Self {
        let Request { name, version, receiver: room, .. } = request;
        Self { name, version, room, status: "success", server_output, client_output }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ack<'a, T> {
    status: &'static str,
    server_output: &'a T,
}

impl<'a, T> Ack<'a, T> {
    fn new(server_output: &'a T) -> Self {
        Self { status: "success", server_output }
    }
}

#[derive(Serialize)]
struct Joined {
    status: &'static str,
}

/// Serves until the process ends.
pub(crate) fn serve(manner: Manner, runtime: Runtime) -> anyhow::Result<()> {
    runtime.build()?.block_on(async {
        let (layer, io) = SocketIo::builder().max_buffer_size(QUEUED_PACKETS).build_layer();
        match manner {
            Manner::Rawroom => rawroom::listen(&io),
            Manner::Naive => naive::listen(&io),
        }
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

async fn join_room(socket: SocketRef, Data(join): Data<Join>, ack: AckSender) {
    socket.join(join.room);
    report(ack.send(&Joined { status: "success" }));
}

/// A full queue would make the figures meaningless; the load generator counts what it lost, this says where.
fn report<E: std::fmt::Display>(sent: Result<(), E>) {
    if let Err(error) = sent {
        eprintln!("socketioxide: {error}");
    }
}
