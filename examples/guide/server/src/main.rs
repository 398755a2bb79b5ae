//! The guide's binary: a server with the app's handlers.

use std::{process::ExitCode, sync::Arc};

use my_handlers::{App, LOCALES}; // naming something of the crate links its handlers
use syncline_server::{Server, cli};

mod rooms;

fn main() -> ExitCode {
    cli::run("my-app", |config| {
        Server::builder(config)
            .functions(Arc::new(App)) // your database, your services
            .texts(LOCALES) // your error texts
            .room_policy(rooms::Games) // who may join; left out, the token's claim `rooms` says it
            .build()
    })
}
