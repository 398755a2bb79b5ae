//! `counter/add` v1: only those who look at the counter get it, and learn whether it was them.

use syncline::prelude::*;

use super::add_server_v1::{AddInput, AddOutput};

#[derive(Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub(crate) struct AddView {
    pub(crate) mine: bool,
}

async fn add_client_v1(
    ClientParams { server_output, user, .. }: ClientParams<AddInput, AddOutput>,
) -> SyncResult<Deliver<AddView>> {
    Ok(match user.location.path_name.as_deref() {
        Some("/counter") => Deliver::To(AddView { mine: server_output.by == user.user_id }),
        _ => Deliver::Skip,
    })
}
sync_client!(add_client_v1);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use syncline_testkit::{Delivered as _, Stage, TestSession as _};

    use super::*;
    use crate::App;

    #[tokio::test]
    async fn only_who_looks_at_the_counter_gets_it() {
        let (input, output) =
            (Arc::new(AddInput { amount: 1 }), Arc::new(AddOutput { total: 1, by: "ada".into() }));
        let stage = Stage::new(Arc::new(App::default()));
        for (who, mine) in [("ada", true), ("bob", false)] {
            let looking = stage.session(Session::user(who).at("/counter"));
            let view = looking.client(add_client_v1, input.clone(), output.clone()).await.assert_sent();
            assert_eq!(view, AddView { mine });
        }
        stage.session("bob").client(add_client_v1, input, output).await.assert_skipped();
    }
}
