//! `shop/placeOrder` v1: says what an order costs.

use syncline::prelude::*;

/// What is ordered.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceOrderInput {
    /// How many of it.
    pub amount: u32,
}

/// What it costs.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceOrderOutput {
    /// In cents.
    pub price: u64,
}

/// There are only so many.
pub const SOLD_OUT: ErrorCode = ErrorCode::new("shop.soldOut", 409, &["left"]);

async fn place_order_server_v1(
    ServerParams { client_input, .. }: ServerParams<PlaceOrderInput>,
) -> SyncResult<PlaceOrderOutput> {
    if client_input.amount > 100 {
        return Err(SOLD_OUT.with("left", 100));
    }
    Ok(PlaceOrderOutput {
        price: u64::from(client_input.amount) * 250,
    })
}
sync_server!(place_order_server_v1, auth: Auth::LOGIN, errors: [SOLD_OUT]);
