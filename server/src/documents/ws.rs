//! The WebSocket edge of y-websocket's clients: one client's conversation about one document.
//!
//! Pings, bounds and the end are `ws`'s; who may come in is `http`'s; what comes of a message is `sitting`'s and the owner's.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::FutureExt as _;

use super::{
    Documents, frame,
    pace::Pace,
    sitting::{Manner, Sitting, Turn},
};
use crate::ws::{Conversation, End, Next, Payload, Work};

/// One client's conversation.
pub(super) struct Talk {
    documents: Arc<Documents>,
    sitting: Sitting,
    user: Arc<str>,
    pace: Option<Pace>,
}

impl Talk {
    pub(super) fn new(documents: Arc<Documents>, sitting: Sitting, user: Arc<str>) -> Self {
        let pace = documents.paces.then(Pace::new);
        Self { documents, sitting, user, pace }
    }
}

/// How somebody sits who has come by this edge.
pub(super) fn manner(may_write: bool, echo: bool) -> Manner {
    Manner { may_write, echo, counts_updates: false }
}

impl Conversation for Talk {
    fn began(&mut self) {
        let document = self.sitting.document().id.as_str();
        tracing::info!(document, user_id = &*self.user, "a socket connected");
    }

    fn hear(&mut self, payload: Payload) -> Result<Option<Work>, End> {
        let Payload::Binary(bytes) = payload else { return Err(End::MALFORMED) };
        let messages = frame::read(&bytes).map_err(|_malformed| {
            self.documents.metrics.documents.refused.increment(1);
            End::MALFORMED
        })?;
        let mut works: Vec<Work> = self.pace.as_mut().and_then(Pace::wait).into_iter().collect();
        works.extend(messages.into_iter().filter_map(|message| self.sitting.hear(message)));
        Ok(one_after_the_other(works))
    }

    fn poll_next(&mut self, context: &mut Context<'_>, busy: bool) -> Poll<Next> {
        loop {
            match self.sitting.poll(context, busy) {
                Poll::Ready(Turn::Say(frame)) => return Poll::Ready(Next::Say(Payload::Binary(frame))),
                Poll::Ready(Turn::Do(work)) => return Poll::Ready(Next::Do(work)),
                Poll::Ready(Turn::End(end)) => return Poll::Ready(Next::Do(async move { Err(end) }.boxed())),
                Poll::Ready(Turn::Settled(_) | Turn::Stateless(_)) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Whoever is here is told of every change.
    fn is_idle(&self) -> bool {
        false
    }

    /// Its clients take a connection for dead on which no message came for 30 s, and pings are none.
    fn pinged(&mut self) {
        self.sitting.say(frame::keep_alive());
    }

    fn ended(&mut self, end: End) {
        let document = self.sitting.document().id.as_str();
        tracing::info!(document, user_id = &*self.user, reason = end.reason, "a socket disconnected");
    }
}

/// All of these, as one.
pub(super) fn one_after_the_other(mut works: Vec<Work>) -> Option<Work> {
    if works.len() < 2 {
        return works.pop();
    }
    let all = async move {
        for work in works {
            work.await?;
        }
        Ok(())
    };
    Some(all.boxed())
}
