//! The payloads of the socket events beside `sync`, and their answers.
//!
//! Shapes and their checks only.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use syncline::{Location, SyncResult, codes};

/// The longest path of a page, in bytes.
const MAX_PATH_NAME: usize = 2048;

/// How many bytes a page's query parameters may take.
const MAX_SEARCH_PARAMS: usize = 8192;

/// What a client gives in the handshake, beside the request's headers.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Handshake {
    /// The session token.
    pub(crate) token: Option<String>,
    /// The wanted language, for sessions whose token names none.
    pub(crate) locale: Option<String>,
    /// Whether the client takes several events as one packet, `["sync",event,event,..]`.
    #[serde(default)]
    pub(crate) batch: bool,
}

/// `joinRoom`, `leaveRoom`.
#[derive(Debug, Deserialize)]
pub(crate) struct RoomCommand {
    pub(crate) room: String,
}

/// `refreshToken`.
#[derive(Debug, Deserialize)]
pub(crate) struct RefreshCommand {
    pub(crate) token: String,
}

/// `updateLocation`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LocationCommand {
    path_name: String,
    #[serde(default)]
    search_params: BTreeMap<String, String>,
}

/// An answer that says only that it worked.
#[derive(Debug, Serialize)]
pub(crate) struct Success {
    status: &'static str,
}

/// The rooms of a socket, in the order in which it joined them.
#[derive(Debug, Serialize)]
pub(crate) struct JoinedRooms {
    status: &'static str,
    rooms: Vec<Arc<str>>,
}

/// When the new token expires, in seconds since 1970.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refreshed {
    status: &'static str,
    expires_at: Option<u64>,
}

impl Success {
    pub(crate) fn new() -> Self {
        Self { status: "success" }
    }
}

impl JoinedRooms {
    pub(crate) fn new(rooms: Vec<Arc<str>>) -> Self {
        Self { status: "success", rooms }
    }
}

impl Refreshed {
    pub(crate) fn new(expires_at: Option<u64>) -> Self {
        Self { status: "success", expires_at }
    }
}

/// Reads a payload.
pub(crate) fn read<'a, T: Deserialize<'a>>(payload: &'a str) -> SyncResult<T> {
    serde_json::from_str(payload).map_err(|_| codes::INVALID_REQUEST.into())
}

/// Reads and checks a location.
pub(crate) fn read_location(payload: &str) -> SyncResult<Location> {
    let LocationCommand { path_name, search_params } = read(payload)?;
    let params_size: usize = search_params.iter().map(|(name, value)| name.len() + value.len()).sum();
    let is_path = path_name.starts_with('/')
        && path_name.len() <= MAX_PATH_NAME
        && !path_name.chars().any(char::is_control);
    if !is_path || params_size > MAX_SEARCH_PARAMS {
        return Err(codes::INVALID_REQUEST.into());
    }
    Ok(Location { path_name: Some(path_name), search_params })
}
