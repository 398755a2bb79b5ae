//! The walk over the shipped handlers: what it says of them, and that it says the same each time.

use handlers as _;
use syncline::{Registration, Registry};
use syncline_codegen::{RouteDoc, routes};

fn walk() -> Vec<RouteDoc> {
    routes(&Registry::from_inventory().expect("the shipped handlers are sound"))
}

fn doc(name: &str, version: &str) -> RouteDoc {
    let found = walk().into_iter().find(|route| route.name == name && route.version == version);
    found.unwrap_or_else(|| panic!("{name} {version} is a route"))
}

#[test]
fn the_shipped_handlers() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&walk()).unwrap());
}

#[test]
fn the_order_of_linking_does_not_matter() {
    let mut registrations: Vec<&Registration> = inventory::iter::<Registration>().collect();
    for _ in 0..registrations.len() {
        registrations.rotate_left(1);
        let rotated = Registry::build(registrations.iter().copied()).unwrap();
        assert_eq!(routes(&rotated), walk());
    }
}

#[test]
fn large_integers_are_numbers() {
    let counter = doc("examples/updateCounter", "v1");
    let output = counter.declarations.iter().find(|named| named.name == "UpdateCounterOutput").unwrap();
    assert!(output.declaration.contains("newValue: number"), "{}", output.declaration);
}

#[test]
fn every_reference_of_a_schema_is_in_its_definitions() {
    for route in walk() {
        for payload in [&route.client_input, &route.server_output, &route.client_output] {
            let text = payload.schema.to_string();
            for reference in text.split(r##""$ref":"#/"##).skip(1) {
                let pointer = format!("/{}", reference.split('"').next().unwrap());
                assert!(payload.schema.pointer(&pointer).is_some(), "{}: {pointer}", route.name);
            }
        }
    }
}
