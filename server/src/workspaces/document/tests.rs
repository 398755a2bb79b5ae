//! Documents against a plain map, merges in any order, and what is told of changes that others make.

use std::collections::BTreeMap;

use automerge::{ActorId, AutoCommit, Change, ObjType, ROOT, transaction::Transactable as _};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Document, Edit, Stamp};

fn document(actor: u8) -> Document {
    Document::new(ActorId::from([actor; 16]))
}

fn stamp(user: &str, at: i64) -> Stamp {
    Stamp::new(user.into(), Some(at.to_string().into()), at, "local".into())
}

fn changes(bytes: &[u8]) -> Vec<Change> {
    let loaded = automerge::Automerge::load(bytes).expect("what was made can be loaded");
    loaded.get_changes(&[])
}

fn keys(made: &super::Made) -> Vec<&str> {
    made.touched.iter().map(|touched| &*touched.key).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Set(u8, Value),
    Delete(u8),
    Restore(usize),
    Reload,
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |float| float.is_finite()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..4_u8, value()).prop_map(|(key, value)| Step::Set(key, value)),
        2 => (0..4_u8).prop_map(Step::Delete),
        1 => any::<usize>().prop_map(Step::Restore),
        1 => Just(Step::Reload),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done: the state is that of a plain map, each state of the past can be read, and what was put on disk
    /// makes the same document.
    #[test]
    fn as_a_plain_map(steps in prop::collection::vec(step(), 1..24)) {
        let mut document = document(1);
        let mut model: BTreeMap<String, Value> = BTreeMap::new();
        let mut past = Vec::new();
        let mut disk = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            let stamp = stamp("ada", number as i64);
            let made = match step {
                Step::Set(key, value) => {
                    let key = format!("key {key}");
                    model.insert(key.clone(), value.clone());
                    document.edit(Edit::Set(key.into(), value), &stamp).unwrap()
                }
                Step::Delete(key) => {
                    let key = format!("key {key}");
                    model.remove(&key);
                    document.edit(Edit::Delete(key.into()), &stamp).unwrap()
                }
                Step::Restore(which) if !past.is_empty() => {
                    let (hash, then): &(_, BTreeMap<String, Value>) = &past[which % past.len()];
                    model.clone_from(then);
                    document.restore(*hash, &stamp).expect("a known change").unwrap()
                }
                Step::Restore(_) => continue,
                Step::Reload => {
                    document = Document::load(&disk, ActorId::from([1; 16]), 0).unwrap();
                    continue;
                }
            };
            disk.extend_from_slice(&made.bytes);
            past.push((made.heads[1][0], model.clone()));
            prop_assert!(document.has_seen(&stamp));
        }
        let state: BTreeMap<String, Value> = document.state().into_iter().collect();
        prop_assert_eq!(&state, &model);
        for (hash, then) in &past {
            let at: BTreeMap<String, Value> = document.state_at(*hash).unwrap().into_iter().collect();
            prop_assert_eq!(&at, then);
        }
        let loaded = Document::load(&disk, ActorId::from([2; 16]), 0).unwrap();
        prop_assert_eq!((loaded.state(), loaded.heads()), (document.state(), document.heads()));
        let history = document.history(None, usize::MAX).unwrap();
        prop_assert_eq!(history.len(), past.len());
    }

    /// Two that were changed apart and hear of each other, in whatever order and however often: they are equal.
    #[test]
    fn merges_in_any_order(
        steps in prop::collection::vec((any::<bool>(), 0..3_u8, value()), 1..16),
        order in any::<prop::sample::Index>(),
    ) {
        let mut sides = [document(1), document(2)];
        let mut made = [Vec::new(), Vec::new()];
        for (number, (side, key, value)) in steps.into_iter().enumerate() {
            let side = usize::from(side);
            let edit = Edit::Set(format!("key {key}").into(), value);
            let one = sides[side].edit(edit, &stamp("ada", number as i64)).unwrap();
            made[side].extend(change_of(&one.bytes));
        }
        for side in [0, 1] {
            let mut of_the_other = made[1 - side].clone();
            if !of_the_other.is_empty() {
                let by = order.index(of_the_other.len());
                of_the_other.rotate_left(by);
            }
            let all = of_the_other.clone();
            let (_, missing) = sides[side].merge(of_the_other).unwrap();
            prop_assert_eq!(missing, 0);
            let (again, _) = sides[side].merge(all).unwrap();
            prop_assert!(again.bytes.is_empty(), "what is known is not new");
        }
        prop_assert_eq!(sides[0].heads(), sides[1].heads());
        prop_assert_eq!(sides[0].state(), sides[1].state());
    }
}

fn change_of(bytes: &[u8]) -> Vec<Change> {
    vec![Change::from_bytes(bytes.to_vec()).expect("one change")]
}

#[test]
fn changes_before_which_something_is_missing_are_left_out() {
    let mut one = document(1);
    let all: Vec<Change> = (0..5)
        .flat_map(|number| {
            let made = one.edit(Edit::Set("k".into(), json!(number)), &stamp("ada", number)).unwrap();
            change_of(&made.bytes)
        })
        .collect();
    let mut other = document(2);
    let (made, missing) = other.merge(vec![all[4].clone(), all[1].clone(), all[0].clone()]).unwrap();
    assert_eq!((missing, keys(&made)), (1, vec!["k"]));
    assert_eq!(other.state()["k"], json!(1));
    let (made, missing) = other.merge(all).unwrap();
    assert_eq!((missing, other.state()["k"].clone()), (0, json!(4)));
    let mut third = Document::load(&made.bytes, ActorId::from([3; 16]), 0);
    assert!(
        third.is_err() || third.as_mut().unwrap().state().is_empty(),
        "what was made builds on what was there"
    );
}

/// Values that JSON has no word for, and changes deep below a key, come from Automerge's own clients.
#[test]
fn what_other_clients_make() {
    let mut peer = AutoCommit::new().with_actor(ActorId::from([7; 16]));
    let list = peer.put_object(ROOT, "list", ObjType::List).unwrap();
    let map = peer.insert_object(&list, 0, ObjType::Map).unwrap();
    let text = peer.put_object(&map, "text", ObjType::Text).unwrap();
    peer.splice_text(&text, 0, 0, "hello").unwrap();
    peer.put(ROOT, "bytes", automerge::ScalarValue::Bytes(vec![1, 2, 255])).unwrap();
    peer.put(ROOT, "counter", automerge::ScalarValue::counter(40)).unwrap();
    peer.put(ROOT, "time", automerge::ScalarValue::Timestamp(1_700_000_000_000)).unwrap();
    peer.put(ROOT, "nan", f64::NAN).unwrap();
    peer.commit();
    let mut document = document(1);
    let (made, _) = document.merge(changes(&peer.save())).unwrap();
    let mut touched = keys(&made);
    touched.sort_unstable();
    assert_eq!(touched, ["bytes", "counter", "list", "nan", "time"]);
    assert_eq!(
        Value::Object(document.state()),
        json!({ "bytes": "AQL/", "counter": 40, "list": [{ "text": "hello" }], "time": 1_700_000_000_000_i64, "nan": null }),
    );
    let before = peer.get_heads();
    peer.splice_text(&text, 5, 0, " there").unwrap();
    peer.increment(ROOT, "counter", 2).unwrap();
    peer.commit();
    let later: Vec<Change> = peer.get_changes(&before);
    let (made, _) = document.merge(later).unwrap();
    let told: Vec<_> =
        made.touched.iter().map(|touched| (&*touched.key, touched.value.clone().unwrap())).collect();
    assert_eq!(told, [("list", json!([{ "text": "hello there" }])), ("counter", json!(42))]);
    let history = serde_json::to_value(document.history(None, 1).unwrap()).unwrap();
    assert_eq!((&history[0]["keys"], &history[0]["user_id"]), (&json!(["list", "counter"]), &Value::Null));
    let since = document.since(&before).unwrap();
    assert_eq!(since.iter().map(|touched| &*touched.key).collect::<Vec<_>>(), ["list", "counter"]);
}

/// As deep as an Automerge client likes: it is read to a bound, and without the stack running out.
#[test]
fn what_is_nested_without_end_is_read_to_a_bound() {
    let mut peer = AutoCommit::new();
    let mut at = peer.put_object(ROOT, "deep", ObjType::Map).unwrap();
    for _ in 0..5_000 {
        at = peer.put_object(&at, "d", ObjType::Map).unwrap();
    }
    peer.commit();
    let mut document = document(1);
    document.merge(changes(&peer.save())).unwrap();
    let state = document.state();
    let (mut depth, mut value) = (0, &state["deep"]);
    while let Some(inner) = value.get("d") {
        (depth, value) = (depth + 1, inner);
    }
    assert!((100..200).contains(&depth) && value.is_null(), "{depth}");
}

#[test]
fn a_message_in_our_form_is_a_stamp_and_no_other() {
    for (message, is_one) in [
        (r#"{"syncline":1,"user":"ada","at":5,"region":"local"}"#, true),
        (r#"{"syncline":2,"user":"ada","at":5,"region":"local"}"#, false),
        (r#"{"syncline":1,"user":"ada"}"#, false),
        (r#" {"syncline":1,"user":"ada","at":5,"region":"local"}"#, false),
        ("a commit", false),
        ("", false),
    ] {
        assert_eq!(Stamp::read(message).is_some(), is_one, "{message}");
    }
    let mut stamp = stamp("ada", 3);
    (stamp.restored, stamp.shown) = (Some("ab".to_owned()), Some(7));
    assert_eq!(Stamp::read(&stamp.write()), Some(stamp));
}
