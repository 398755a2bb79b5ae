//! The playground: the server and the handlers this repository ships, in one binary, with a page to try them on.
//!
//! An app's own binary looks just like it, with the app's handlers.

mod page;

use std::{process::ExitCode, sync::Arc};

use handlers::{App, LOCALES, cards::tables};
use syncline_server::{Server, cli};

fn main() -> ExitCode {
    cli::run("playground", |config| {
        let app = Arc::new(App::default());
        Server::builder(config)
            .snapshots(tables::KIND, app.tables())
            .snapshot_hub(app.snapshot_hub())
            .functions(app)
            .texts(LOCALES)
            .routes(page::routes())
            .build()
    })
}
