//! The OpenAPI document. Whether it is valid, and true of a server, the suite in `e2e/openapi` shows.

use serde_json::Value;
use syncline_codegen::openapi::document;

#[test]
fn document_of_the_registry() {
    insta::assert_snapshot!(format!("{:#}", document(&crate::registry())));
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document(&crate::registry());
    let mut found = 0;
    each_reference(&document, &mut |reference| {
        found += 1;
        let pointer = reference.strip_prefix('#').expect("a reference within the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    });
    assert!(found > 50, "{found} references");
}

#[test]
fn components_are_called_as_openapi_allows() {
    let document = document(&crate::registry());
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(
            name.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter)),
            "{name}"
        );
    }
}

#[test]
fn a_public_event_may_be_called_without_a_token() {
    let document = document(&crate::registry());
    let security = |path: &str| document["paths"][path]["post"]["security"].to_string();
    assert_eq!(security("/sync/aB/c/v1"), r#"[{},{"bearer":[]}]"#);
    assert_eq!(security("/sync/shop/order/v2"), r#"[{"bearer":[]}]"#);
}

fn each_reference(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                visit(reference);
            }
            object.values().for_each(|value| each_reference(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| each_reference(item, visit)),
        _ => {}
    }
}
