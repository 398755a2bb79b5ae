//! `presence/cursor` v1: only those in the room who have the sender's page open get it.
//!
//! Pointers move often and rooms are large, so the stage is declared by audience: it runs once per open page and not
//! once per recipient.

use syncline::prelude::*;

use super::cursor_server_v1::{CursorInput, CursorOutput};

async fn cursor_client_v1(
    params: AudienceParams<CursorInput, CursorOutput, Option<String>>,
) -> SyncResult<Deliver<Empty>> {
    let sees_it = *params.audience == params.server_output.path_name;
    Ok(if sees_it { Deliver::To(Empty {}) } else { Deliver::Skip })
}
sync_client!(cursor_client_v1, audience: open_page);

/// The page that a session has open; those who never said are together, too.
fn open_page(session: &Session) -> Option<String> {
    session.location.path_name.clone()
}
