//! What becomes of the values in a message: isolated, shown as they are, and never a reason to fail.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use syncline_i18n::Catalog;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let text = "test =
    .value = [{ $value }]
    .bare = { $value }
    .plural = { $value ->
        [one] one
       *[other] other
    }
    .choice = { $value ->
        [true] yes
        [false] no
       *[other] neither
    }
";
    Catalog::builder().source("en", text, "test.ftl").build().expect("valid")
});

fn message(code: &str, value: Value) -> String {
    CATALOG.message(CATALOG.negotiate(&["en"]), code, &Map::from_iter([("value".to_owned(), value)]))
}

#[test]
fn values_are_isolated() {
    assert_eq!(message("test.value", json!("שלום")), "[\u{2068}שלום\u{2069}]");
    let key = Map::from_iter([("key".to_owned(), json!("roles"))]);
    let text = CATALOG.message(CATALOG.negotiate(&["ja"]), "auth.forbidden", &key);
    assert_eq!(text, "この操作を行う権限がありません（\u{2068}roles\u{2069}）。");
}

#[test]
fn values_are_neither_markup_nor_fluent() {
    for value in ["<img src=x onerror=alert(1)>", "{ $value }", "{ -brand }", "\n.attribute = x", "&amp;"] {
        assert_eq!(message("test.value", json!(value)), format!("[\u{2068}{value}\u{2069}]"));
        assert_eq!(message("test.bare", json!(value)), value);
    }
}

#[test]
fn numbers_are_shown_plainly() {
    let expected = [
        (json!(100), "100"),
        (json!(65_536), "65536"),
        (json!(-3), "-3"),
        (json!(0.5), "0.5"),
        (json!(5.0), "5"),
        (json!(i64::MIN), "-9223372036854775808"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!(1e300), "1e+300"),
        (json!(5e-324), "5e-324"),
    ];
    for (value, text) in expected {
        assert_eq!(message("test.bare", value), text);
    }
}

#[test]
fn numbers_of_any_size_select_a_plural() {
    assert_eq!(message("test.plural", json!(1)), "one");
    for value in [json!(2), json!(1e300), json!(5e-324), json!(0.1 + 0.2), json!(i64::MIN), json!(u64::MAX)] {
        assert_eq!(message("test.plural", value), "other");
    }
}

#[test]
fn booleans_are_text() {
    assert_eq!(message("test.bare", json!(true)), "true");
    assert_eq!(message("test.choice", json!(true)), "yes");
    assert_eq!(message("test.choice", json!(false)), "no");
    assert_eq!(message("test.choice", json!("maybe")), "neither");
}

#[test]
fn a_missing_value_is_an_ellipsis() {
    for value in [json!(null), json!([1]), json!({ "a": 1 })] {
        assert_eq!(message("test.value", value.clone()), "[\u{2068}…\u{2069}]");
        assert_eq!(message("test.plural", value), "other");
    }
    let text = CATALOG.message(CATALOG.negotiate(&["nl"]), "sync.tooLarge", &Map::new());
    assert_eq!(text, "Dit verzoek is te groot. Het maximum is \u{2068}…\u{2069} bytes.");
}

#[test]
fn a_catalog_is_shared_between_threads() {
    let first = message("test.plural", json!(1));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(message("test.plural", json!(1)), first));
        }
    });
}

fn json_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<i8>(), 0..3).prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn any_value_in_any_text_is_a_message(value in json_value(), picked in any::<prop::sample::Index>()) {
        let locales: Vec<_> = CATALOG.locales().collect();
        for tag in locales {
            let codes: Vec<_> = CATALOG.codes(tag).collect();
            let code = picked.get(&codes);
            let names = CATALOG.variables(tag, code).unwrap_or_default();
            let params = names.into_iter().map(|name| (name, value.clone())).collect();
            let text = CATALOG.message(CATALOG.negotiate(&[tag]), code, &params);
            prop_assert!(*code == "test.bare" || text != *code);
        }
    }

    #[test]
    fn any_code_with_any_params_is_a_message(
        code in any::<String>(),
        params in prop::collection::btree_map(any::<String>(), json_value(), 0..4),
    ) {
        let params = params.into_iter().collect();
        prop_assert_eq!(CATALOG.message(CATALOG.negotiate(&["fr"]), &code, &params), code);
    }
}
