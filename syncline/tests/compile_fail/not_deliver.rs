//! A client stage has to say to whom.
mod page {
    pub mod update_counter_client_v1 {
        use syncline::prelude::*;

        async fn update_counter_client_v1(_: ClientParams<Empty, Empty>) -> SyncResult<Empty> {
            Ok(Empty {})
        }
        sync_client!(update_counter_client_v1);
    }
}

fn main() {}
