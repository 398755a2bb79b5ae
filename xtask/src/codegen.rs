//! What is generated in this repository, and where it goes. How is `syncline-codegen`'s, as for any app.

use handlers as _;
use serde_json::{Map, Value};
use syncline_codegen::{
    cli::Project,
    typescript::{ClientText, closed, framework},
};
use syncline_i18n::Catalog;

/// The shipped handlers' types as an app would have them, and the framework's own part of the npm package.
pub(crate) fn project() -> anyhow::Result<Project> {
    let catalog = Catalog::builder().build()?;
    let languages: Vec<String> = catalog.locales().map(str::to_owned).collect();
    let text = |language: &str, ClientText { code, param }: ClientText| {
        let params: Map<String, Value> =
            param.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        catalog.message(catalog.negotiate(&[language]), code, &params)
    };
    Ok(Project::new("handlers")
        .types("client-ts/src/generated/apiTypes.generated.ts")
        .file("client-ts/src/generated/framework.generated.ts", framework(&languages, text))
        .file("client-ts/src/generated/closed.generated.ts", closed(&languages, text)))
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use syncline_codegen::cli::CodegenOptions;

    /// What a changed Rust field fails in CI; the difference stands above the failure.
    #[test]
    fn the_committed_files_are_what_the_handlers_say() {
        let check = CodegenOptions { check: true, ..CodegenOptions::default() };
        assert_eq!(super::project().unwrap().codegen(&check).unwrap(), ExitCode::SUCCESS);
    }
}
