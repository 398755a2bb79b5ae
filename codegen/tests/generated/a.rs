//! The page `a/b`, whose event `c` sounds like that of the page `aB`.

pub(crate) mod b {
    pub(crate) mod c_server_v1 {
        use syncline::prelude::*;

        async fn c_server_v1(_: ServerParams<Empty>) -> SyncResult<Empty> {
            Ok(Empty {})
        }
        sync_server!(c_server_v1, auth: Auth::PUBLIC.and(&[Rule::absent("claims.banned")]));
    }
}
