//! The crate as a whole: its events, its files and its texts.

use std::{collections::BTreeSet, sync::Arc};

use handlers::{App, LOCALES};
use syncline::Functions;
use syncline_i18n::Catalog;
use syncline_testkit::registry;

#[cfg(feature = "chess")]
#[test]
fn every_file_is_registered_and_every_stage_has_its_file() {
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    if let Err(differences) = syncline_codegen::files::compare(&src, registry()) {
        panic!("{differences}");
    }
}

#[test]
fn the_events_are_these() {
    let names: Vec<String> = registry()
        .routes()
        .iter()
        .map(|route| route.event().to_string())
        .filter(|name| !name.starts_with("chess/"))
        .collect();
    assert_eq!(
        names,
        [
            "cards/draw/v1",
            "cards/leave/v1",
            "cards/newGame/v1",
            "cards/play/v1",
            "cards/readTable/v1",
            "cards/sit/v1",
            "chat/sendMessage/v1",
            "examples/readCounter/v1",
            "examples/updateCounter/v1",
            "examples/updateCounter/v2",
            "presence/cursor/v1",
            "test/clientOnly/ping/v1",
            "test/nestedTest/room/v1",
        ]
    );
}

#[test]
fn every_handler_runs_with_the_app() {
    registry().check_functions(&Functions::new(Arc::new(App::default()))).unwrap();
}

#[test]
fn every_declared_error_has_its_text_in_every_language() {
    let catalog = LOCALES
        .iter()
        .fold(Catalog::builder(), |builder, (language, source)| {
            builder.source(*language, *source, "handlers.ftl")
        })
        .build()
        .unwrap();
    for error in registry().routes().iter().flat_map(|route| route.errors()) {
        let declared: BTreeSet<String> = error.params().iter().map(|&name| name.to_owned()).collect();
        for (language, _) in LOCALES {
            assert_eq!(
                catalog.variables(language, error.code()),
                Some(declared.clone()),
                "{} in {language}",
                error.code()
            );
        }
    }
}
