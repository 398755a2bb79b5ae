//! `examples/updateCounter`, both versions.

use serde_json::json;
use syncline::Session;

use crate::call::{Server, refused, route, user, user_on};

const V1: (&str, &str) = ("examples/updateCounter", "v1");
const V2: (&str, &str) = ("examples/updateCounter", "v2");

#[test]
fn v1_answers_one_more_and_keeps_nothing() {
    let server = Server::new();
    for (amount, new_value) in [(5, 6), (5, 6), (-1, 0), (100, 101), (-100, -99)] {
        let answer = server.call(V1, "room", user("ada"), &json!({ "amount": amount })).unwrap();
        assert_eq!(answer, json!({ "newValue": new_value }));
    }
}

#[test]
fn v2_counts_for_each_room() {
    let server = Server::new();
    for (room, by, amount, new_value) in
        [("a", "ada", 5, 5), ("a", "bob", -7, -2), ("b", "ada", 1, 1), ("a", "ada", 0, -2)]
    {
        let answer = server.call(V2, room, user(by), &json!({ "amount": amount })).unwrap();
        assert_eq!(answer, json!({ "newValue": new_value, "by": by }));
    }
}

#[test]
fn amounts_beyond_the_limit_are_refused_and_not_counted() {
    let server = Server::new();
    for amount in [101, -101, i32::MAX, i32::MIN] {
        for version in [V1, V2] {
            let answer = server.call(version, "room", user("ada"), &json!({ "amount": amount }));
            assert_eq!(
                refused(answer),
                json!({ "code": "counter.amountTooLarge", "params": { "max": 100 } })
            );
        }
    }
    let answer = server.call(V2, "room", user("ada"), &json!({ "amount": 1 })).unwrap();
    assert_eq!(answer["newValue"], 1);
}

#[test]
fn the_limit_is_declared_and_a_login_required() {
    for (name, version) in [V1, V2] {
        let route = route(name, version);
        let declared: Vec<_> =
            route.errors().iter().map(|e| (e.code(), e.http_status(), e.params())).collect();
        assert_eq!(declared, [("counter.amountTooLarge", 422, &["max"][..])]);
        assert!(route.auth().check(&Session::default()).is_err());
        assert!(route.auth().check(&user("ada")).is_ok());
    }
}

#[test]
fn amounts_that_are_no_i32_name_their_path() {
    for amount in [json!("5"), json!(1.5), json!(3_000_000_000_u64), json!(null)] {
        let answer = Server::new().call(V1, "room", user("ada"), &json!({ "amount": amount }));
        let error = refused(answer);
        assert_eq!(
            (&error["code"], &error["params"]["path"]),
            (&json!("sync.invalidInput"), &json!("amount"))
        );
    }
}

#[test]
fn v1_goes_to_everyone_and_v2_to_the_examples_page() {
    let server = Server::new();
    let to = |version, output, recipient| {
        server.deliver(version, &json!({ "amount": 1 }), &output, recipient).unwrap()
    };
    let (one, two) = (json!({ "newValue": 2 }), json!({ "newValue": 1, "by": "ada" }));
    for recipient in [Session::default(), user("bob"), user_on("bob", "/examples")] {
        assert_eq!(to(V1, one.clone(), recipient), Some(json!({})));
    }
    assert_eq!(to(V2, two.clone(), user_on("bob", "/examples")), Some(json!({})));
    for recipient in [user("bob"), user_on("bob", "/"), user_on("bob", "/examples/more")] {
        assert_eq!(to(V2, two.clone(), recipient), None);
    }
}
