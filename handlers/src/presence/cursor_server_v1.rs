//! `presence/cursor` v1: says whose pointer it is and on which page.

use syncline::prelude::*;

/// Where the caller's pointer is, in whatever unit the clients agree on.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct CursorInput {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// Where a user's pointer is.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CursorOutput {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// The id of the user whose pointer it is.
    pub user_id: String,
    /// The page that the user has open, if the client said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub path_name: Option<String>,
}

async fn cursor_server_v1(
    ServerParams { client_input: CursorInput { x, y }, user, .. }: ServerParams<CursorInput>,
) -> SyncResult<CursorOutput> {
    Ok(CursorOutput { x, y, user_id: user.user_id.clone(), path_name: user.location.path_name.clone() })
}
sync_server!(cursor_server_v1, auth: Auth::LOGIN);
