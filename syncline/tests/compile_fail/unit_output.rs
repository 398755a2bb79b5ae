//! `()` is `null` on the wire.
mod page {
    pub mod update_counter_server_v1 {
        use syncline::prelude::*;

        async fn update_counter_server_v1(_: ServerParams<Empty>) -> SyncResult<()> {
            Ok(())
        }
        sync_server!(update_counter_server_v1);
    }
}

fn main() {}
