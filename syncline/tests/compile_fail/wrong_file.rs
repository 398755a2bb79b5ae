//! The function stands in a file of another name.
mod page {
    pub mod counter {
        use syncline::prelude::*;

        async fn update_counter_server_v1(_: ServerParams<Empty>) -> SyncResult<Empty> {
            Ok(Empty {})
        }
        sync_server!(update_counter_server_v1);
    }
}

fn main() {}
