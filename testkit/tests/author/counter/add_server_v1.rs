//! `counter/add` v1: adds to the room's total.

use syncline::prelude::*;

use crate::App;

/// How far a total may go.
const MAX_TOTAL: i64 = 1000;

#[derive(Serialize, Deserialize, TS, JsonSchema, garde::Validate)]
pub(crate) struct AddInput {
    #[garde(range(min = -100, max = 100))]
    pub(crate) amount: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub(crate) struct AddOutput {
    pub(crate) total: i64,
    pub(crate) by: String,
}

/// The total would go beyond `max`.
pub(crate) const TOO_HIGH: ErrorCode = ErrorCode::new("counter.tooHigh", 422, &["max"]);

async fn add_server_v1(
    ServerParams { client_input, user, functions, room_code, .. }: ServerParams<AddInput, App>,
) -> SyncResult<AddOutput> {
    match functions.add(&room_code, client_input.amount.into(), MAX_TOTAL) {
        Some(total) => Ok(AddOutput { total, by: user.user_id.clone() }),
        None => Err(TOO_HIGH.with("max", MAX_TOTAL)),
    }
}
sync_server!(add_server_v1, auth: Auth::LOGIN, errors: [TOO_HIGH]);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use syncline_testkit::{Outcome as _, Stage};

    use super::*;

    #[tokio::test]
    async fn each_room_has_its_own_total() -> SyncResult<()> {
        let stage = Stage::new(Arc::new(App::default()));
        let (hall, attic) = (stage.room("hall"), stage.room("attic"));
        hall.server(add_server_v1, AddInput { amount: 5 }).await?;
        let by_bob = hall.session("bob").server(add_server_v1, AddInput { amount: -2 }).await?;
        assert_eq!(by_bob, AddOutput { total: 3, by: "bob".into() });
        assert_eq!(attic.server(add_server_v1, AddInput { amount: 1 }).await?.total, 1);
        Ok(())
    }

    #[tokio::test]
    async fn a_total_has_an_end() {
        let app = Arc::new(App::default());
        app.add("room", 990, MAX_TOTAL);
        let stage = Stage::new(app);
        stage.server(add_server_v1, AddInput { amount: 11 }).await.assert_error(TOO_HIGH.with("max", 1000));
        assert_eq!(stage.server(add_server_v1, AddInput { amount: 10 }).await.unwrap().total, 1000);
    }
}
