//! `examples/updateCounter` v2: adds to the room's counter and says who did.

use syncline::prelude::*;

use super::counter::{AMOUNT_TOO_LARGE, check_amount};
use crate::App;

/// How far the room's counter moves.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct UpdateCounterInput {
    /// From -100 to 100.
    pub amount: i32,
}

/// Where the room's counter stands.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateCounterOutput {
    /// The room's total.
    pub new_value: i64,
    /// The id of the user who moved it.
    pub by: String,
}

async fn update_counter_server_v2(
    ServerParams { client_input, user, functions, room_code, .. }: ServerParams<UpdateCounterInput, App>,
) -> SyncResult<UpdateCounterOutput> {
    check_amount(client_input.amount)?;
    let new_value = functions.counters.update(&room_code, |total| {
        *total = total.saturating_add(client_input.amount.into());
        *total
    });
    Ok(UpdateCounterOutput { new_value, by: user.user_id.clone() })
}
sync_server!(update_counter_server_v2, auth: Auth::LOGIN, errors: [AMOUNT_TOO_LARGE]);
