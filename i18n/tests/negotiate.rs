//! From what a caller says of its languages to a locale of the catalog.

use std::sync::LazyLock;

use proptest::prelude::*;
use syncline_i18n::Catalog;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::builder().build().expect("valid"));

fn negotiated(preferences: &[&str]) -> String {
    CATALOG.negotiate(preferences).as_str().to_owned()
}

#[test]
fn one_preference() {
    let expected = [
        ("nl", "nl"),
        ("JA", "ja"),
        ("de-CH", "de"),
        ("de_AT", "de"),
        ("de-u-co-phonebk", "de"),
        ("de-Latn-DE-1996", "de"),
        ("fr-CA-x-private", "fr"),
        ("pt-BR, nl;q=0.8", "nl"),
        ("en;q=0.3, fr;q=0.9, nl;q=0.5", "fr"),
        ("nl , de", "nl"),
        ("fr;q=0.5,ja;q=0.5", "fr"),
        ("nl;q=0, de;q=0.1", "de"),
        ("nl ; Q = 0.2, de;q=0.3", "de"),
        ("es;level=1;q=0.1, ja;q=0.2", "ja"),
        ("*", "en"),
        ("pt, *;q=0.5, nl;q=0.1", "en"),
        ("nl, *", "nl"),
        ("", "en"),
        ("   ", "en"),
        (",,;;=,", "en"),
        ("pt-BR", "en"),
        ("und", "en"),
        ("und-JP", "en"),
        ("nl;q=NaN, de;q=2, fr;q=-1, es;q=x, ja;q=0.1", "ja"),
        ("../../etc/passwd", "en"),
    ];
    for (preference, tag) in expected {
        assert_eq!(negotiated(&[preference]), tag, "{preference:?}");
    }
}

#[test]
fn earlier_preferences_come_first_whatever_their_weight() {
    assert_eq!(negotiated(&["nl;q=0.1", "de"]), "nl");
    assert_eq!(negotiated(&["klingon", "pt", "fr-BE, en"]), "fr");
    assert_eq!(negotiated(&["", "ja"]), "ja");
    assert_eq!(negotiated(&[]), "en");
}

#[test]
fn the_default_locale_is_for_who_asks_for_nothing_known() {
    let catalog = Catalog::builder().default_locale("nl").build().expect("valid");
    for preferences in [&[][..], &["*"], &["pt"], &["\u{0}"]] {
        assert_eq!(catalog.negotiate(preferences).as_str(), "nl");
    }
    assert_eq!(catalog.negotiate(&["en-GB"]).as_str(), "en");
}

#[test]
fn what_is_too_long_is_not_read() {
    assert_eq!(negotiated(&[&format!("{}nl", "pt,".repeat(32))]), "en");
    assert_eq!(negotiated(&[&format!("{}nl", " ".repeat(1024))]), "en");
    // The limit falls within a character.
    assert_eq!(negotiated(&[&format!("nl,{}", "é".repeat(600))]), "nl");
    let many = vec!["pt"; 10_000];
    assert_eq!(negotiated(&[&many[..], &["nl"]].concat()), "en");
}

proptest! {
    #[test]
    fn anything_gives_a_known_locale(preferences in prop::collection::vec(any::<String>(), 0..6)) {
        let preferences: Vec<_> = preferences.iter().map(String::as_str).collect();
        let tag = negotiated(&preferences);
        prop_assert!(CATALOG.locales().any(|known| known == tag));
    }

    #[test]
    fn anything_like_a_header_gives_a_known_locale(
        header in "([a-zA-Z*]{0,9}[-_;=, .0-9q]{0,4}){0,300}",
    ) {
        let tag = negotiated(&[&header]);
        prop_assert!(CATALOG.locales().any(|known| known == tag));
    }
}
