//! The session: who is on the other side of a socket or a request, and where in the app they are.
//!
//! It is made by the server from a verified token and never from what a payload says.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

/// A session: who a caller or recipient is, and where in the app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[ts(rename = "SessionLayout")]
pub struct Session {
    /// The user's id: the token's `sub`; empty in an anonymous session.
    pub user_id: String,
    /// A name to show, from the claim `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// The language of the user's messages: the claim `locale` as it stands, else what was negotiated in the handshake
    /// or, over HTTP, from `Accept-Language`. On a server it is always there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub locale: Option<String>,
    /// The claim `roles`.
    pub roles: Vec<String>,
    /// The claim `scope`, split at its spaces.
    pub scope: Vec<String>,
    /// Globs of the rooms that the user may join, from the claim `rooms`; without the claim nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rooms: Option<Vec<String>>,
    /// Every other claim of the token.
    #[ts(type = "Record<string, unknown>")]
    pub claims: Map<String, Value>,
    /// The page that the client last said it shows.
    #[ts(inline)]
    pub location: Location,
    /// When the token expires, in seconds since 1970; nothing in an anonymous session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub expires_at: Option<u64>,
}

/// Where in the app a client is. The client says so itself (`updateLocation`): a filter, never a permission.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Location {
    /// The path of the page, for example `/examples`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub path_name: Option<String>,
    /// The page's query parameters.
    pub search_params: BTreeMap<String, String>,
}

impl Session {
    /// Whether nobody is logged in.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.user_id.is_empty()
    }

    /// Whether the token's `scope` holds this word.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.iter().any(|held| held == scope)
    }

    /// Whether the token's `roles` hold this one.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}
