//! An app's own texts and languages: what they override, what they leave, and how a bad source is reported.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use syncline_i18n::{Catalog, CatalogBuilder, CatalogError};

fn message(catalog: &Catalog, tag: &str, code: &str) -> String {
    catalog.message(catalog.negotiate(&[tag]), code, &Map::new())
}

fn message_with(catalog: &Catalog, tag: &str, code: &str, params: Value) -> String {
    catalog.message(catalog.negotiate(&[tag]), code, params.as_object().expect("an object"))
}

fn source(locale: &str, text: &str) -> CatalogBuilder {
    Catalog::builder().source(locale, text, "app.ftl")
}

fn error(builder: CatalogBuilder) -> CatalogError {
    builder.build().expect_err("a catalog that must not build")
}

/// A fresh folder of this name, with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if root.exists() {
        fs::remove_dir_all(&root).expect("remove the last run's folder");
    }
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("create a folder");
        fs::write(path, text).expect("write a file");
    }
    root
}

#[test]
fn an_app_adds_texts_of_its_own() {
    let catalog = source("nl", "counter =\n    .amountTooLarge = Hooguit { $max }.").build().expect("valid");
    let text = message_with(&catalog, "nl", "counter.amountTooLarge", json!({ "max": 5 }));
    assert_eq!(text, "Hooguit \u{2068}5\u{2069}.");
}

#[test]
fn adding_to_a_group_hides_nothing_of_it() {
    let shipped = Catalog::builder().build().expect("valid");
    let catalog = source("en", "sync =\n    .mine = Mine.\n    .notFound = Ours.").build().expect("valid");
    assert_eq!(message(&catalog, "en", "sync.mine"), "Mine.");
    assert_eq!(message(&catalog, "en", "sync.notFound"), "Ours.");
    for code in shipped.codes("en").filter(|code| *code != "sync.notFound") {
        assert!(catalog.has("en", code), "{code}");
        assert_eq!(message(&catalog, "en", code), message(&shipped, "en", code));
    }
}

#[test]
fn a_message_value_hides_nothing_of_its_group() {
    let catalog = source("en", "sync = Not a code.").build().expect("valid");
    assert_eq!(message(&catalog, "en", "sync.notFound"), "This action is not available.");
    assert_eq!(message(&catalog, "en", "sync"), "sync");
}

#[test]
fn the_last_source_counts() {
    let catalog =
        source("en", "a =\n    .b = First.\n    .c = Kept.").source("en", "a =\n    .b = Last.", "later.ftl");
    let catalog = catalog.build().expect("valid");
    assert_eq!(message(&catalog, "en", "a.b"), "Last.");
    assert_eq!(message(&catalog, "en", "a.c"), "Kept.");
}

#[test]
fn sources_may_use_each_other_s_terms() {
    let catalog = source("en", "a =\n    .b = { -brand } is busy.")
        .source("en", "-brand = Syncline", "brand.ftl")
        .build()
        .expect("valid");
    assert_eq!(message(&catalog, "en", "a.b"), "Syncline is busy.");
}

#[test]
fn a_missing_text_comes_from_the_default_locale_then_from_english_then_is_the_code() {
    let catalog = source("en", "a =\n    .x = English x.\n    .y = English y.")
        .source("fr", "a =\n    .x = Français x.", "fr.ftl")
        .default_locale("fr")
        .build()
        .expect("valid");
    assert_eq!(message(&catalog, "nl", "a.x"), "Français x.");
    assert_eq!(message(&catalog, "nl", "a.y"), "English y.");
    assert_eq!(message(&catalog, "nl", "a.z"), "a.z");
    assert!(!catalog.has("nl", "a.x"));
    assert_eq!(catalog.variables("nl", "a.x"), None);
    assert!(!catalog.has("tlh", "sync.notFound"));
}

#[test]
fn a_regional_locale_falls_back_to_its_language() {
    let catalog =
        source("de-CH", "room =\n    .invalid = Ungültiger Raumname, gäll.").build().expect("valid");
    assert_eq!(catalog.negotiate(&["de-CH"]).as_str(), "de-CH");
    assert_eq!(message(&catalog, "de-CH", "room.invalid"), "Ungültiger Raumname, gäll.");
    assert_eq!(message(&catalog, "de-CH", "auth.expired"), message(&catalog, "de", "auth.expired"));
}

#[test]
fn an_app_adds_a_language_with_its_own_plurals() {
    let text = "sync =
    .rateLimited = { $seconds ->
        [one] { $seconds } sekunda
        [few] { $seconds } sekundy
       *[other] { $seconds } sekund
    }";
    let catalog = source("pl", text).build().expect("valid");
    let seen = |seconds: u32| {
        message_with(&catalog, "pl", "sync.rateLimited", json!({ "seconds": seconds }))
            .replace(['\u{2068}', '\u{2069}'], "")
    };
    assert_eq!([seen(1), seen(2), seen(5)], ["1 sekunda", "2 sekundy", "5 sekund"]);
    assert_eq!(message(&catalog, "pl", "auth.expired"), message(&catalog, "en", "auth.expired"));
}

#[test]
fn a_locale_from_another_catalog_is_shown_the_default() {
    let other = source("pl", "a =\n    .b = B").build().expect("valid");
    let catalog = Catalog::builder().build().expect("valid");
    let text = catalog.message(other.negotiate(&["pl"]), "auth.expired", &Map::new());
    assert_eq!(text, message(&catalog, "en", "auth.expired"));
}

#[test]
fn a_folder_is_read_by_locale_and_in_order_of_name() {
    let dir = folder(
        "i18n-order",
        &[
            ("en/10-first.ftl", "a =\n    .b = First.\n    .c = Kept."),
            ("en/20-last.ftl", "a =\n    .b = Last."),
            ("en/notes.md", "not = { fluent"),
            ("en/.hidden.ftl", "not = { fluent"),
            (".git/config", "no locale"),
            ("README.md", "no locale"),
            ("pt-BR/app.ftl", "a =\n    .b = Último."),
        ],
    );
    let catalog = Catalog::builder().dir(dir).build().expect("valid");
    assert_eq!(message(&catalog, "en", "a.b"), "Last.");
    assert_eq!(message(&catalog, "en", "a.c"), "Kept.");
    assert_eq!(message(&catalog, "pt", "a.b"), "Último.");
    assert!(catalog.locales().any(|tag| tag == "pt-BR"));
}

#[test]
fn a_folder_that_cannot_be_read_is_named() {
    let text = error(Catalog::builder().dir("no/such/folder")).to_string();
    assert!(text.starts_with("no/such/folder: "), "{text}");
}

#[test]
fn a_folder_that_is_no_locale_is_named() {
    let dir = folder("i18n-tag", &[("english!/app.ftl", "a =\n    .b = B")]);
    let text = error(Catalog::builder().dir(dir)).to_string();
    assert!(
        text.ends_with("english!/app.ftl: `english!` is not a language tag such as `nl` or `pt-BR`"),
        "{text}"
    );
}

#[test]
fn a_syntax_error_names_file_line_and_text() {
    let broken = [
        ("a =\n    .b = Fine.\n\n    .c = { $max\n\n    .d = Fine.\n", 4, ".c = { $max", "\"}\""),
        ("# A comment.\na =\n    .b = Fine.\n}oops\n", 4, "}oops", "a-zA-Z"),
        (
            "a =\n    .b = { $n ->\n        [one] One\n        [other] Others\n    }\n",
            5,
            "}",
            "default variant",
        ),
        ("a =\n    .b = Fine.\nlast", 3, "last", "\"=\""),
        ("a =\n    .b =\n", 2, ".b =", "message field"),
    ];
    for (text, line, offending, why) in broken {
        match error(source("en", text)) {
            CatalogError::Syntax { origin, line: found, text: shown, reason } => {
                assert_eq!((origin.as_str(), found, shown.as_str()), ("app.ftl", line, offending), "{text}");
                assert!(reason.contains(why), "{reason}");
            }
            other => panic!("{other}"),
        }
    }
    let text = error(source("en", "}oops")).to_string();
    assert!(text.starts_with("app.ftl:1: ") && text.ends_with("`}oops`"), "{text}");
}

#[test]
fn a_text_that_could_not_be_shown_is_refused() {
    let bomb = format!("a =\n    .b = {}", "{ $x }".repeat(101));
    let refused = [
        ("a =\n    .b = { -brand }", "refers to `-brand`"),
        ("a =\n    .b = { other.text }", "refers to `other.text`"),
        ("a =\n    .b = { a.b }", "refers to itself"),
        ("a =\n    .b = x { a.c }\n    .c = y { a.b }", "refers to itself"),
        ("a =\n    .b = { NUMBER($max) }", "calls `NUMBER()`"),
        ("-t = to { $who }\na =\n    .b = { -t }", "a term that needs `$who`"),
        ("a =\n    .b = { 1.00000000000000000000000000 ->\n       *[one] x\n    }", "too many digits"),
        (bomb.as_str(), "more than 100 placeables"),
    ];
    for (text, reason) in refused {
        let shown = error(source("en", text)).to_string();
        assert!(shown.starts_with("app.ftl: the text of `a.b`") && shown.contains(reason), "{shown}");
    }
}

#[test]
fn variables_are_found_wherever_they_are() {
    let text = "-t = { $case ->\n       *[nominative] Server\n        [genitive] Servers\n    }
hello = { $name }
a =
    .b = { $kind ->
        [one] { -t(case: \"genitive\") } { $inOne }
       *[other] { $deep ->
           *[x] { $deeper } { hello } { -t } { { $nested } }
        }
    }";
    let catalog = source("en", text).build().expect("valid");
    let expected = ["kind", "inOne", "deep", "deeper", "name", "nested"].map(str::to_owned);
    assert_eq!(catalog.variables("en", "a.b"), Some(BTreeSet::from(expected)));
    assert_eq!(catalog.variables("EN", "sync.notFound"), Some(BTreeSet::new()));
}

#[test]
fn a_default_locale_without_texts_is_refused() {
    assert_eq!(
        error(Catalog::builder().default_locale("sv")).to_string(),
        "the default locale `sv` has no texts"
    );
    for tag in ["", "*", "und", "not a tag"] {
        assert!(matches!(error(Catalog::builder().default_locale(tag)), CatalogError::Tag { .. }), "{tag}");
        assert!(matches!(error(source(tag, "a =\n    .b = B")), CatalogError::Tag { .. }), "{tag}");
    }
}

proptest! {
    /// Whatever a file holds, it is taken or refused with a line that exists.
    #[test]
    fn any_source_is_taken_or_refused(
        text in r#"([a-z]{1,2} =\n|    \.[a-z] = |\{|\}|\{ \$n ->\n|        \*?\[x\] y\n|é|"|\n|\r\n| |x){0,20}"#,
    ) {
        if let Err(CatalogError::Syntax { line, text: shown, reason, .. }) = source("en", &text).build() {
            prop_assert!(text.lines().nth(line - 1).is_some_and(|found| found.trim() == shown));
            prop_assert!(!reason.is_empty());
        }
    }
}
