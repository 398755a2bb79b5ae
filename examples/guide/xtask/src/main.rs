//! The guide's tasks: types and new handlers. An app writes the same.

use my_handlers as _;

fn main() -> std::process::ExitCode {
    syncline_codegen::cli::Project::new("handlers").types("web/src/_sockets/apiTypes.generated.ts").run()
}
