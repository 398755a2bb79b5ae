use app_handlers as _;

fn main() -> std::process::ExitCode {
    syncline_codegen::cli::Project::new("handlers").run()
}
