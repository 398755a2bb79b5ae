//! `audience` decides which form of stage it is.
mod page {
    pub mod hello_client_v1 {
        use syncline::prelude::*;

        fn locale_of(session: &Session) -> Option<String> {
            session.locale.clone()
        }

        async fn hello_client_v1(_: AudienceParams<Empty, Empty, Option<String>>) -> SyncResult<Deliver<Empty>> {
            Ok(Deliver::Skip)
        }
        sync_client!(hello_client_v1, auth: Auth::PUBLIC, audience: locale_of);
    }
}

fn main() {}
