//! What is said on a workspace's WebSocket: JSON texts, read and written. Free of IO.
//!
//! The size of a text, who may say it and what comes of it are not known here.

use std::sync::Arc;

use automerge::ChangeHash;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use syncline::{SyncError, SyncResult, codes as framework, run::json_depth};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    codes,
    document::{Edit, Touched},
};

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 512;

/// The longest id of an op, in bytes.
const MAX_ID_BYTES: usize = 64;

/// What a client says.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// A change that it asks for.
    Op(Op),
    /// It wants to know whether the server is there.
    Ping,
}

/// A change that a client asks for.
#[derive(Debug, PartialEq)]
pub(super) struct Op {
    /// What it is called, if it is to be acknowledged.
    pub(super) id: Option<Arc<str>>,
    pub(super) edit: Edit,
    /// When it was made, in microseconds since 1970, if the client says so: for display alone.
    pub(super) timestamp: Option<i64>,
}

/// Why something that was said is refused, and which op that was, as far as one can tell.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) id: Option<Arc<str>>,
    pub(super) error: SyncError,
}

impl Refusal {
    /// Of what is no text.
    pub(super) fn binary() -> Self {
        Self { id: None, error: invalid("binary, where a JSON text is expected") }
    }
}

/// The bounds of an op.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The size of the key and the value as JSON, in bytes.
    pub(super) op_bytes: usize,
    /// How deeply the value may be nested.
    pub(super) depth: usize,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SetPayload<'a> {
    #[serde(borrow)]
    key: std::borrow::Cow<'a, str>,
    /// Not an `Option`, for which `null` would be nothing.
    #[serde(borrow)]
    value: &'a RawValue,
    timestamp: Option<i64>,
}

#[derive(Deserialize)]
struct DeletePayload<'a> {
    #[serde(borrow)]
    key: std::borrow::Cow<'a, str>,
    timestamp: Option<i64>,
}

/// Reads what a client says.
pub(super) fn read(text: &str, limits: Limits) -> Result<Heard, Refusal> {
    // The envelope and its payload are two levels, and the deepest values are looked at before they are parsed.
    if json_depth(text) > limits.depth + 2 {
        let reason = format!("nested deeper than {} levels", limits.depth);
        return Err(Refusal { id: id_in(text), error: invalid(reason) });
    }
    let envelope: Envelope<'_> =
        serde_json::from_str(text).map_err(|error| Refusal { id: None, error: invalid(plain(&error)) })?;
    let id = id_of(envelope.id).map_err(|error| Refusal { id: None, error })?;
    let refusal = |error| Refusal { id: id.clone(), error };
    let payload = || envelope.payload.ok_or_else(|| refusal(invalid("`payload` is missing")));
    let (edit, timestamp) = match &*envelope.kind {
        "ping" => return Ok(Heard::Ping),
        "op" => set(payload()?, limits).map_err(refusal)?,
        "delete" => delete(payload()?).map_err(refusal)?,
        _ => return Err(refusal(invalid("`type` is none of op, delete, ping"))),
    };
    Ok(Heard::Op(Op { id, edit, timestamp }))
}

fn id_of(id: Option<&RawValue>) -> SyncResult<Option<Arc<str>>> {
    let Some(id) = id else { return Ok(None) };
    let text: Option<String> = serde_json::from_str(id.get()).map_err(|_| invalid("`id` is not a string"))?;
    match text {
        None => Ok(None),
        Some(text) if (1..=MAX_ID_BYTES).contains(&text.len()) => Ok(Some(text.into())),
        Some(_) => Err(invalid(format!("`id` is not 1 to {MAX_ID_BYTES} bytes long"))),
    }
}

/// The id of an op that is not to be looked at further, as far as there is one.
pub(super) fn id_in(text: &str) -> Option<Arc<str>> {
    id_of(serde_json::from_str::<Envelope<'_>>(text).ok()?.id).ok()?
}

fn set(payload: &RawValue, limits: Limits) -> SyncResult<(Edit, Option<i64>)> {
    let SetPayload { key, value, timestamp } =
        serde_json::from_str(payload.get()).map_err(|error| invalid(plain(&error)))?;
    if key.len().saturating_add(value.get().len()) > limits.op_bytes {
        return Err(framework::TOO_LARGE.with("max", limits.op_bytes));
    }
    let value = serde_json::from_str(value.get()).map_err(|error| invalid(plain(&error)))?;
    Ok((Edit::Set(checked(&key)?, value), timestamp))
}

fn delete(payload: &RawValue) -> SyncResult<(Edit, Option<i64>)> {
    let DeletePayload { key, timestamp } =
        serde_json::from_str(payload.get()).map_err(|error| invalid(plain(&error)))?;
    Ok((Edit::Delete(checked(&key)?), timestamp))
}

fn checked(key: &str) -> SyncResult<Box<str>> {
    match (1..=MAX_KEY_BYTES).contains(&key.len()) {
        true => Ok(key.into()),
        false => Err(invalid(format!("`key` is not 1 to {MAX_KEY_BYTES} bytes long"))),
    }
}

fn invalid(reason: impl Into<String>) -> SyncError {
    codes::INVALID_OP.with("reason", reason.into())
}

/// What serde says, without anything of the text: that may be long, and somebody's.
fn plain(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Syntax => "not JSON",
        Category::Eof => "JSON that ends too soon",
        Category::Data => "not of the form that is expected",
        Category::Io => "not readable",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Said<'a> {
    Init { data: &'a Map<String, Value>, heads: Heads<'a> },
    Resume { ops: Vec<Change<'a>>, heads: Heads<'a> },
    Ack { id: &'a str, heads: Heads<'a> },
    Error { code: &'a str, status: u16, message: &'a str, seconds: Option<u64>, id: Option<&'a str> },
    Presence { users: &'a [User] },
    Pong,
}

/// An op as it is told, in `resume` or with the heads after it.
#[derive(Serialize)]
struct Change<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    payload: Payload<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heads: Option<Heads<'a>>,
}

#[derive(Serialize)]
struct Payload<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Value>,
    timestamp: i64,
}

/// Somebody who is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) user_id: Arc<str>,
    pub(super) status: Status,
}

/// How somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Online,
}

/// Hashes as they are written.
pub(super) struct Heads<'a>(pub(super) &'a [ChangeHash]);

impl Serialize for Heads<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

/// Heads from a query: hashes in hex with commas between them, which many escape; nothing if they are not.
pub(super) fn read_heads(text: &str) -> Option<Vec<ChangeHash>> {
    text.replace("%2C", ",").replace("%2c", ",").split(',').map(|hash| hash.parse().ok()).collect()
}

fn text(message: &impl Serialize) -> Utf8Bytes {
    // Strings for keys and no floats that JSON lacks: it cannot fail.
    serde_json::to_string(message).unwrap_or_default().into()
}

pub(super) fn init(data: &Map<String, Value>, heads: &[ChangeHash]) -> Utf8Bytes {
    text(&Said::Init { data, heads: Heads(heads) })
}

pub(super) fn resume(touched: &[Touched], heads: &[ChangeHash]) -> Utf8Bytes {
    let ops = touched.iter().map(|touched| change_of(touched, None)).collect();
    text(&Said::Resume { ops, heads: Heads(heads) })
}

/// What everybody is told of a key that was touched; `heads` are those that somebody has who knows of it.
pub(super) fn change(touched: &Touched, heads: &[ChangeHash]) -> Utf8Bytes {
    text(&change_of(touched, Some(Heads(heads))))
}

fn change_of<'a>(touched: &'a Touched, heads: Option<Heads<'a>>) -> Change<'a> {
    let Touched { key, value, at } = touched;
    let kind = if value.is_some() { "op" } else { "delete" };
    Change { kind, payload: Payload { key, value: value.as_ref(), timestamp: *at }, heads }
}

pub(super) fn ack(id: &str, heads: &[ChangeHash]) -> Utf8Bytes {
    text(&Said::Ack { id, heads: Heads(heads) })
}

pub(super) fn error(code: &str, message: &str, error: &SyncError, id: Option<&str>) -> Utf8Bytes {
    let seconds = error.params().get("seconds").and_then(Value::as_u64);
    text(&Said::Error { code, status: error.code().http_status(), message, seconds, id })
}

pub(super) fn presence(users: &[User]) -> Utf8Bytes {
    text(&Said::Presence { users })
}

pub(super) fn pong() -> Utf8Bytes {
    text(&Said::Pong)
}
