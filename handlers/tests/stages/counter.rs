//! `examples/updateCounter`, both versions.

use handlers::examples::counter::AMOUNT_TOO_LARGE;
use serde_json::json;
use syncline::{Session, codes};
use syncline_testkit::{Delivered as _, Outcome as _, TestSession as _, route};

use crate::fresh;

const COUNTER: &str = "examples/updateCounter";

#[tokio::test]
async fn v1_answers_one_more_and_keeps_nothing() {
    let stage = fresh();
    for (amount, new_value) in [(5, 6), (5, 6), (-1, 0), (100, 101), (-100, -99)] {
        let answer = stage.sync(COUNTER, "v1", json!({ "amount": amount })).await.unwrap();
        assert_eq!(answer, json!({ "newValue": new_value }));
    }
}

#[tokio::test]
async fn v2_counts_for_each_room() {
    let stage = fresh();
    for (room, by, amount, new_value) in
        [("a", "ada", 5, 5), ("a", "bob", -7, -2), ("b", "ada", 1, 1), ("a", "ada", 0, -2)]
    {
        let there = stage.room(room).session(by);
        let answer = there.sync(COUNTER, "v2", json!({ "amount": amount })).await.unwrap();
        assert_eq!(answer, json!({ "newValue": new_value, "by": by }));
    }
}

#[tokio::test]
async fn amounts_beyond_the_limit_are_refused_and_not_counted() {
    let stage = fresh();
    for amount in [101, -101, i32::MAX, i32::MIN] {
        for version in ["v1", "v2"] {
            let answer = stage.sync(COUNTER, version, json!({ "amount": amount })).await;
            answer.assert_error(AMOUNT_TOO_LARGE.with("max", 100));
        }
    }
    let answer = stage.sync(COUNTER, "v2", json!({ "amount": 1 })).await.unwrap();
    assert_eq!(answer["newValue"], 1);
}

#[tokio::test]
async fn the_limit_is_declared_and_a_login_required() {
    for version in ["v1", "v2"] {
        assert_eq!(route(COUNTER, version).errors(), [AMOUNT_TOO_LARGE]);
        let nobody = fresh().session(Session::anonymous());
        nobody.sync(COUNTER, version, json!({ "amount": 1 })).await.assert_error(codes::AUTH_REQUIRED);
    }
    let limit = (AMOUNT_TOO_LARGE.code(), AMOUNT_TOO_LARGE.http_status(), AMOUNT_TOO_LARGE.params());
    assert_eq!(limit, ("counter.amountTooLarge", 422, &["max"][..]));
}

#[tokio::test]
async fn amounts_that_are_no_i32_name_their_path() {
    for amount in [json!("5"), json!(1.5), json!(3_000_000_000_u64), json!(null)] {
        fresh().sync(COUNTER, "v1", json!({ "amount": amount })).await.assert_invalid("amount");
    }
}

#[tokio::test]
async fn v1_goes_to_everyone_and_v2_to_the_examples_page() {
    let stage = fresh();
    let to = async |version, output, recipient: Session| {
        stage.session(recipient).deliver(COUNTER, version, json!({ "amount": 1 }), output).await
    };
    let (one, two) = (json!({ "newValue": 2 }), json!({ "newValue": 1, "by": "ada" }));
    let bob_at = |page| Session::user("bob").at(page);
    for recipient in [Session::anonymous(), Session::user("bob"), bob_at("/examples")] {
        assert_eq!(to("v1", &one, recipient).await.assert_sent(), json!({}));
    }
    assert_eq!(to("v2", &two, bob_at("/examples")).await.assert_sent(), json!({}));
    for recipient in [Session::user("bob"), bob_at("/"), bob_at("/examples/more")] {
        to("v2", &two, recipient).await.assert_skipped();
    }
}

#[tokio::test]
async fn a_counter_is_read_by_the_caller_alone_and_stays_as_it_is() {
    const READ: &str = "examples/readCounter";
    let stage = fresh();
    stage.sync(COUNTER, "v2", json!({ "amount": 7 })).await.unwrap();
    for _ in 0..2 {
        assert_eq!(stage.sync(READ, "v1", json!({})).await.unwrap(), json!({ "value": 7 }));
    }
    assert_eq!(stage.room("other").sync(READ, "v1", json!({})).await.unwrap(), json!({ "value": 0 }));
    stage.session("bob").deliver(READ, "v1", json!({}), json!({ "value": 7 })).await.assert_skipped();
}
