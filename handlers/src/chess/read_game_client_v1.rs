//! `chess/readGame` v1: nobody gets it. The caller has the answer, and for the others nothing has changed.

use syncline::prelude::*;

use super::read_game_server_v1::ReadGameOutput;

async fn read_game_client_v1(_: ClientParams<Empty, ReadGameOutput>) -> SyncResult<Deliver<Empty>> {
    Ok(Deliver::Skip)
}
sync_client!(read_game_client_v1);
