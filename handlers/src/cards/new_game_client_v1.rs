//! `cards/newGame` v1: nobody gets it. What has changed comes as a snapshot, to each as they may see it.

use syncline::prelude::*;

use super::new_game_server_v1::NewGameOutput;

async fn new_game_client_v1(_: ClientParams<Empty, NewGameOutput>) -> SyncResult<Deliver<Empty>> {
    Ok(Deliver::Skip)
}
sync_client!(new_game_client_v1);
