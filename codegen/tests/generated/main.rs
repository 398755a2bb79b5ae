//! What is generated of a small registry that has one of everything.

mod a;
mod a_b;
mod openapi;
mod routes;
mod shop;
mod typescript;

use syncline::Registry;

fn registry() -> Registry {
    Registry::from_inventory().expect("the pages are sound")
}
