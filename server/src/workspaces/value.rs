//! JSON in an Automerge document: from a JSON value to what is put, and from what is there to JSON.
//!
//! What JSON has no word for comes from other Automerge clients: bytes are base64, a counter is its number, text is a
//! string, a timestamp is milliseconds since 1970. Strings are scalars here, not Automerge's text, which would be an op
//! for each character.

use automerge::{
    Automerge, AutomergeError, ChangeHash, ObjId, ObjType, ROOT, ReadDoc as _, ScalarValue, ScalarValueRef,
    ValueRef, hydrate, transaction::Transactable,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Number, Value};

/// How deep a value is read that another client has put. Deeper ones are null from there on.
const MAX_DEPTH: usize = 128;

/// Puts a value at a key of the root.
pub(super) fn put(
    transaction: &mut impl Transactable,
    key: &str,
    value: &Value,
) -> Result<(), AutomergeError> {
    match to_hydrate(value) {
        hydrate::Value::Scalar(scalar) => transaction.put(ROOT, key, scalar),
        nested => transaction.batch_create_object(ROOT, key, &nested, false).map(|_| ()),
    }
}

fn to_hydrate(value: &Value) -> hydrate::Value {
    match value {
        Value::Null => hydrate::Value::Scalar(ScalarValue::Null),
        Value::Bool(truth) => hydrate::Value::scalar(*truth),
        Value::Number(number) => hydrate::Value::Scalar(scalar_of(number)),
        Value::String(text) => hydrate::Value::scalar(text.as_str()),
        Value::Array(items) => {
            hydrate::Value::from(items.iter().map(to_hydrate).collect::<Vec<hydrate::Value>>())
        }
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), to_hydrate(value)));
            hydrate::Value::Map(entries.collect::<std::collections::HashMap<_, _>>().into())
        }
    }
}

fn scalar_of(number: &Number) -> ScalarValue {
    if let Some(whole) = number.as_i64() {
        return ScalarValue::Int(whole);
    }
    match number.as_u64() {
        Some(large) => ScalarValue::Uint(large),
        // Without `arbitrary_precision` whatever is no integer is a float.
        None => ScalarValue::F64(number.as_f64().unwrap_or_default()),
    }
}

/// The whole state, now or when these were the heads.
pub(super) fn state(doc: &Automerge, at: Option<&[ChangeHash]>) -> Map<String, Value> {
    map_at(doc, &ROOT, at, 0)
}

/// What is at a key of the root now.
pub(super) fn get(doc: &Automerge, key: &str) -> Option<Value> {
    let (value, id) = doc.get(ROOT, key).ok()??;
    Some(match value {
        automerge::Value::Object(kind) => object_at(doc, kind, &id, None, 0),
        automerge::Value::Scalar(scalar) => from_scalar(&scalar.into_owned().into()),
    })
}

fn map_at(doc: &Automerge, id: &ObjId, at: Option<&[ChangeHash]>, depth: usize) -> Map<String, Value> {
    let read = |item: automerge::iter::MapRangeItem<'_>| {
        (item.key.to_string(), value_at(doc, &item.value, || item.id(), at, depth))
    };
    match at {
        Some(heads) => doc.map_range_at(id, .., heads).map(read).collect(),
        None => doc.map_range(id, ..).map(read).collect(),
    }
}

fn list_at(doc: &Automerge, id: &ObjId, at: Option<&[ChangeHash]>, depth: usize) -> Vec<Value> {
    let read = |item: automerge::iter::ListRangeItem<'_>| value_at(doc, &item.value, || item.id(), at, depth);
    match at {
        Some(heads) => doc.list_range_at(id, .., heads).map(read).collect(),
        None => doc.list_range(id, ..).map(read).collect(),
    }
}

fn value_at(
    doc: &Automerge,
    value: &ValueRef<'_>,
    id: impl FnOnce() -> ObjId,
    at: Option<&[ChangeHash]>,
    depth: usize,
) -> Value {
    match value {
        ValueRef::Object(kind) => object_at(doc, *kind, &id(), at, depth),
        ValueRef::Scalar(scalar) => from_scalar(scalar),
    }
}

fn object_at(doc: &Automerge, kind: ObjType, id: &ObjId, at: Option<&[ChangeHash]>, depth: usize) -> Value {
    if depth >= MAX_DEPTH {
        return Value::Null;
    }
    match kind {
        ObjType::Map | ObjType::Table => Value::Object(map_at(doc, id, at, depth + 1)),
        ObjType::List => Value::Array(list_at(doc, id, at, depth + 1)),
        ObjType::Text => {
            let text = match at {
                Some(heads) => doc.text_at(id, heads),
                None => doc.text(id),
            };
            Value::String(text.unwrap_or_default())
        }
    }
}

fn from_scalar(scalar: &ScalarValueRef<'_>) -> Value {
    match scalar {
        ScalarValueRef::Str(text) => Value::String(text.to_string()),
        ScalarValueRef::Int(whole) | ScalarValueRef::Counter(whole) | ScalarValueRef::Timestamp(whole) => {
            Value::from(*whole)
        }
        ScalarValueRef::Uint(whole) => Value::from(*whole),
        // What JSON cannot say (not a number, infinite) is null, as JavaScript has it.
        ScalarValueRef::F64(float) => Value::from(*float),
        ScalarValueRef::Boolean(truth) => Value::Bool(*truth),
        ScalarValueRef::Bytes(bytes) => Value::String(STANDARD.encode(bytes)),
        ScalarValueRef::Unknown { bytes, .. } => Value::String(STANDARD.encode(bytes)),
        ScalarValueRef::Null => Value::Null,
    }
}
