//! The walk over the registry, from which everything else is written.

use syncline::{Registration, Registry};
use syncline_codegen::{RouteDoc, routes};

fn walk() -> Vec<RouteDoc> {
    routes(&crate::registry())
}

fn doc(name: &str, version: &str) -> RouteDoc {
    let found = walk().into_iter().find(|route| route.name == name && route.version == version);
    found.unwrap_or_else(|| panic!("{name} {version} is a route"))
}

#[test]
fn routes_are_sorted_by_page_event_and_number_of_version() {
    let names: Vec<String> = walk().iter().map(|route| format!("{} {}", route.name, route.version)).collect();
    assert_eq!(names, ["a/b/c v1", "aB/c v1", "shop/order v1", "shop/order v2", "shop/order v10"]);
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
fn namespaces_are_told_apart() {
    let namespaces: Vec<String> = walk().into_iter().map(|route| route.namespace).collect();
    assert_eq!(namespaces, ["A_B_CV1", "AB_CV1", "ShopOrderV1", "ShopOrderV2", "ShopOrderV10"]);
}

#[test]
fn large_integers_are_numbers() {
    let order = doc("shop/order", "v1");
    let output = order.declarations.iter().find(|named| named.name == "OrderOutput").unwrap();
    assert!(output.declaration.contains("id: number"), "{}", output.declaration);
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
