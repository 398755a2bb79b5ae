//! The page `aB`: an event without a server stage, and a payload that is a list.

pub(crate) mod c_client_v1 {
    use syncline::prelude::*;

    /// One entry.
    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    pub(crate) struct Entry(u8);

    async fn c_client_v1(_: ClientParams<Vec<Entry>, Empty>) -> SyncResult<Deliver<Option<Entry>>> {
        Ok(Deliver::Skip)
    }
    sync_client!(c_client_v1, auth: Auth::PUBLIC);
}
