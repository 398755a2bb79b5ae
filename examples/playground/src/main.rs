//! The playground: the server and the handlers this repository ships, in one binary, with a page to try them on.
//!
//! An app's own binary looks just like it, with the app's handlers.

mod page;

use std::{process::ExitCode, sync::Arc};

use handlers::{App, LOCALES};
use syncline_server::{Server, cli};

fn main() -> ExitCode {
    cli::run("playground", |config| {
        Server::builder(config)
            .functions(Arc::new(App::default()))
            .texts(LOCALES)
            .routes(page::routes())
            .build()
    })
}
