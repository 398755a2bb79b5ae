//! The output lacks derives.
mod page {
    pub mod update_counter_server_v1 {
        use syncline::prelude::*;

        #[derive(Serialize, Deserialize)]
        pub struct Output {
            pub value: i32,
        }

        async fn update_counter_server_v1(_: ServerParams<Empty>) -> SyncResult<Output> {
            Ok(Output { value: 1 })
        }
        sync_server!(update_counter_server_v1);
    }
}

fn main() {}
