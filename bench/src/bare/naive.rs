//! The peer `naive`: the client stage that people write first. For every recipient its output is computed, and the whole
//! event is serialized and emitted to its one socket.
//!
//! What it says to each is another, as `syncline-distinct` does, so that the load generator sees that it reaches whom it
//! is meant for.

use std::convert::Infallible;

use serde::{Deserialize, Serialize};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::handler::ConnectHandler as _;

use super::{Ack, Event, Request, join_room, report};

/// What the load generator sends; it finds its stamp by the order of these fields.
#[derive(Serialize, Deserialize)]
struct Message {
    s: u32,
    n: u32,
    t: u64,
    pad: String,
}

/// What a client connects with. Nobody checks it: that is no part of what is compared.
#[derive(Deserialize)]
struct Auth {
    token: String,
}

/// Who a socket is.
#[derive(Clone)]
struct User(String);

#[derive(Serialize)]
struct ForUser {
    user: String,
}

pub(super) fn listen(io: &SocketIo) {
    io.ns("/", (async || {}).with(before_connect));
}

async fn before_connect(socket: SocketRef, Data(auth): Data<Auth>) -> Result<(), Infallible> {
    socket.extensions.insert(User(auth.token));
    socket.on("joinRoom", join_room);
    socket.on("sync", sync);
    Ok(())
}

async fn sync(io: SocketIo, Data(request): Data<Request<Message>>, ack: AckSender) {
    let server_output = server_stage(&request.data);
    for recipient in io.to(request.receiver.clone()).sockets() {
        let Some(client_output) = client_stage(&recipient) else { continue };
        report(recipient.emit("sync", &Event::new(&request, server_output, client_output)));
    }
    report(ack.send(&Ack::new(server_output)));
}

fn server_stage(client_input: &Message) -> &Message {
    client_input
}

fn client_stage(recipient: &SocketRef) -> Option<ForUser> {
    let User(user) = recipient.extensions.get()?;
    Some(ForUser { user })
}
