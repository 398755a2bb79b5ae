//! The peer `rawroom`: what socketioxide does when nothing is built on it, the measure for all ratios.
//!
//! One room emit for each request, the data passed on as it came: no types and no client stage.

use std::convert::Infallible;

use serde::Serialize;
use serde_json::value::RawValue;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::handler::ConnectHandler as _;

use super::{Ack, Event, Request, join_room, report};

#[derive(Serialize)]
struct Empty {}

pub(super) fn listen(io: &SocketIo) {
    io.ns("/", (async || {}).with(before_connect));
}

/// A middleware, so that it runs before the client is told that it is connected: a `joinRoom` that comes
/// before there is a listener would be lost.
async fn before_connect(socket: SocketRef) -> Result<(), Infallible> {
    socket.on("joinRoom", join_room);
    socket.on("sync", sync);
    Ok(())
}

async fn sync(io: SocketIo, Data(request): Data<Request<Box<RawValue>>>, ack: AckSender) {
    let event = Event::new(&request, &request.data, Empty {});
    report(io.to(request.receiver.clone()).emit("sync", &event).await);
    report(ack.send(&Ack::new(&request.data)));
}
