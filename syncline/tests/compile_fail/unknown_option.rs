//! An option that does not exist.
mod page {
    pub mod update_counter_server_v1 {
        use syncline::prelude::*;

        async fn update_counter_server_v1(_: ServerParams<Empty>) -> SyncResult<Empty> {
            Ok(Empty {})
        }
        sync_server!(update_counter_server_v1, login: true);
    }
}

fn main() {}
