//! The handler holds something across an await that cannot move between threads.
mod page {
    pub mod update_counter_server_v1 {
        use std::rc::Rc;

        use syncline::prelude::*;

        async fn update_counter_server_v1(_: ServerParams<Empty>) -> SyncResult<Empty> {
            let shared = Rc::new(1);
            std::future::ready(()).await;
            drop(shared);
            Ok(Empty {})
        }
        sync_server!(update_counter_server_v1);
    }
}

fn main() {}
