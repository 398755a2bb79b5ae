//! What comes by itself: the changes of all workspaces, in the order of the stream, to whoever has them in use.
//!
//! One reader a node. What is not in use here is read when it is opened, from the stream and not from here.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{Message, consumer::PullConsumer};
use futures_util::StreamExt as _;

use super::{
    Merged, Replication,
    jobs::Job,
    nats::{BATCH, Failed, Nats, StreamState, failed},
    replica::{self, InUse},
    subject,
    wire::{self, Content, ObjectName},
};
use crate::workspaces::{id::WorkspaceId, live::Workspace};

/// How often it is looked whether JetStream is there.
const PROBE_EVERY: Duration = Duration::from_secs(2);

/// How often NATS says that nothing comes; after two that are missing, such as when the server that had the reader is
/// gone, there is a new connection.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// How long one request for messages stands.
const EXPIRES: Duration = Duration::from_secs(30);

/// How far the stream was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    stream: i64,
    next: u64,
}

impl Place {
    /// Where to go on, and whether nothing was missed.
    fn resume(place: Option<Self>, state: StreamState) -> (Self, bool) {
        let is_there =
            |place: &Self| place.stream == state.made && (state.first..=state.last + 1).contains(&place.next);
        match place.filter(is_there) {
            Some(place) => (place, true),
            None => (Self { stream: state.made, next: state.last + 1 }, false),
        }
    }
}

impl Replication {
    /// A reader from where the last one was; whether nothing was missed in between.
    pub(super) async fn begin_feed(
        &self,
        nats: &Nats,
        place: &mut Option<Place>,
    ) -> Result<(PullConsumer, bool), Failed> {
        let (resumed, goes_on) = Place::resume(*place, nats.state().await?);
        *place = Some(resumed);
        let (reader, _waiting) = nats.reader(subject::ALL_CHANGES.to_owned(), resumed.next, false).await?;
        Ok((reader, goes_on))
    }

    /// Hands out what comes, until something goes wrong.
    pub(super) async fn feed(self: &Arc<Self>, reader: &PullConsumer, place: &mut Option<Place>) -> Failed {
        let messages = reader.stream().max_messages_per_batch(BATCH).heartbeat(HEARTBEAT).expires(EXPIRES);
        let mut messages = match messages.messages().await {
            Ok(messages) => messages,
            Err(error) => return Failed::new("no feed", error),
        };
        let mut number = 0;
        while let Some(message) = messages.next().await {
            let message = match message {
                Ok(message) => message,
                Err(error) => return Failed::new("no feed", error),
            };
            let (at, of_reader) = match message.info().map_err(failed("no feed")) {
                Ok(info) => (info.stream_sequence, info.consumer_sequence),
                Err(failed) => return failed,
            };
            number += 1;
            if of_reader != number {
                // The next one begins with the first that is missing.
                return Failed::new("no feed", "a message is missing");
            }
            self.arrived(&message);
            if let Some(place) = place {
                place.next = at + 1;
            }
        }
        Failed::new("no feed", "it ended")
    }

    /// Looks again and again whether JetStream and the stream are there; why they are not.
    pub(super) async fn probe(&self, nats: &Nats) -> Failed {
        let mut known: Option<StreamState> = None;
        loop {
            match nats.state().await {
                Ok(state)
                    if known.is_some_and(|known| known.made != state.made || known.last > state.last) =>
                {
                    return Failed::new("no stream", "it is another one than before");
                }
                Ok(state) => known = Some(state),
                Err(failed) => return failed,
            }
            tokio::time::sleep(PROBE_EVERY).await;
        }
    }

    fn arrived(self: &Arc<Self>, message: &Message) {
        let Some(id) = subject::of_changes(&message.subject) else {
            return self.malformed("a subject", "it is no workspace's");
        };
        let message_id = message.headers.as_ref().and_then(|headers| headers.get("Nats-Msg-Id"));
        if message_id.is_some_and(|id| self.own.contains(id.as_str())) {
            return;
        }
        let Some(workspace) = self.live().and_then(|live| live.get(&id)) else { return };
        match wire::read(message.headers.as_ref(), &message.payload) {
            Ok(Content::Changes(mut changes)) => {
                changes.retain(|change| !self.refused.contains(&change.hash()));
                if !changes.is_empty() {
                    self.push(&workspace, changes);
                }
            }
            Ok(Content::Object(name)) => self.jobs.want(Job::Fetch(id, name)),
            Err(malformed) => self.malformed(&id, malformed.0),
        }
    }

    /// Gives changes to an owner, without waiting for it.
    fn push(self: &Arc<Self>, workspace: &Arc<Workspace>, changes: Vec<automerge::Change>) {
        let hashes: Vec<_> = changes.iter().map(automerge::Change::hash).collect();
        let (replication, id) = (Arc::clone(self), workspace.id.clone());
        let ask = replica::ask(changes, move |answer| match replica::merged(answer) {
            Ok(merged) => {
                replication.note_merged(&id, hashes, merged);
                if matches!(merged, Merged::Kept { missing: 1.. }) {
                    replication.behind(&id);
                }
            }
            Err(failed) => {
                replication.failure(&failed);
                replication.look_again(&id);
            }
        });
        if workspace.try_ask(ask).is_err() {
            // Too much waits: it is read from the stream when there is time.
            self.behind(&workspace.id);
        }
    }

    /// Takes in the changes of an object.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        nats: &Nats,
        id: &WorkspaceId,
        name: &ObjectName,
    ) -> Result<(), Failed> {
        let Some(workspace) = self.live().and_then(|live| live.get(id)) else { return Ok(()) };
        let (mut changes, _bytes) = self.changes_in(nats, id, name).await?;
        changes.retain(|change| !self.refused.contains(&change.hash()));
        let merged = match changes.is_empty() {
            true => Vec::new(),
            false => self.merge(id, &mut InUse(workspace), vec![changes]).await?,
        };
        // One that is gone is in a document by now.
        if merged.is_empty() || merged.iter().any(|merged| matches!(merged, Merged::Kept { missing: 1.. })) {
            self.behind(id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, StreamState};

    #[test]
    fn it_goes_on_where_it_was_if_that_is_still_there() {
        let state = StreamState { made: 7, first: 10, last: 20 };
        let from = |stream, next| Place::resume(Some(Place { stream, next }), state);
        let anew = (Place { stream: 7, next: 21 }, false);
        assert_eq!(Place::resume(None, state), anew);
        for next in [10, 15, 21] {
            assert_eq!(from(7, next), (Place { stream: 7, next }, true));
        }
        assert_eq!((from(7, 9), from(7, 22), from(6, 15)), (anew, anew, anew));
    }
}
