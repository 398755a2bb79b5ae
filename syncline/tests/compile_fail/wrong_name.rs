//! The function is not called like a server stage.
mod page {
    pub mod update_counter {
        use syncline::prelude::*;

        async fn update_counter(_: ServerParams<Empty>) -> SyncResult<Empty> {
            Ok(Empty {})
        }
        sync_server!(update_counter);
    }
}

fn main() {}
