//! `examples/updateCounter` v1: answers with the amount and one more. It keeps nothing.

use syncline::prelude::*;

use super::counter::{AMOUNT_TOO_LARGE, check_amount};

/// How far the counter moves.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct UpdateCounterInput {
    /// From -100 to 100.
    pub amount: i32,
}

/// Where the counter stands.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateCounterOutput {
    /// The amount and one more.
    pub new_value: i64,
}

async fn update_counter_server_v1(
    ServerParams { client_input, .. }: ServerParams<UpdateCounterInput>,
) -> SyncResult<UpdateCounterOutput> {
    check_amount(client_input.amount)?;
    Ok(UpdateCounterOutput { new_value: i64::from(client_input.amount) + 1 })
}
sync_server!(update_counter_server_v1, auth: Auth::LOGIN, errors: [AMOUNT_TOO_LARGE]);
