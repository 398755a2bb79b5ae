//! One automerge-repo client's conversation: who it says it is, which documents it wants, what it tells others.
//!
//! Pings, the size of messages and the end are `ws`'s; who may come in is `http`'s; what comes of a sync message is
//! `visit`'s.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use syncline::SyncError;

use super::{
    Visitor,
    frame::{Frame, Garbage, Said},
    gossip::Rumour,
    visit::Visit,
};
use crate::{
    workspaces::{Workspaces, codes},
    ws::{Conversation, End, Next, Payload, Work},
};

/// How many answers to what it was told of its own accord a peer may have owing. Those do not count against its rate.
const MAX_OWING: usize = 256;

/// One client's conversation.
pub(in crate::workspaces) struct Peer {
    visit: Arc<Visit>,
    /// How it calls itself, once it has.
    name: Option<Arc<str>>,
    /// How many answers it may be owing.
    owing: usize,
    /// Whose turn it is to be looked at first.
    turn: usize,
}

impl Peer {
    pub(in crate::workspaces) fn new(workspaces: Arc<Workspaces>, visitor: Visitor) -> Self {
        Self { visit: Arc::new(Visit::new(workspaces, visitor)), name: None, owing: 0, turn: 0 }
    }

    fn end(&self, reason: &'static str, end: Option<End>, to: &str) {
        let error: SyncError = codes::INVALID_OP.with("reason", reason);
        self.visit.refuse(&error, end, to);
    }

    fn join(&mut self, frame: &Frame<'_>) {
        match frame.kind {
            "join" if frame.is_foreign => {
                self.end("unsupported protocol version", Some(End::PROTOCOL), frame.sender);
            }
            "join" => {
                self.visit.say(Said::Peer, frame.sender);
                self.name = Some(frame.sender.into());
            }
            _ => self.end("a message before `join`", Some(End::PROTOCOL), frame.sender),
        }
    }

    /// Whether what was heard counts: it is no answer to something that this one was told.
    fn counts(&mut self) -> bool {
        let counts = self.owing == 0;
        self.owing = self.owing.saturating_sub(1);
        counts
    }

    /// Passes on what is ephemeral.
    fn pass_on(&mut self, frame: &Frame<'_>, bytes: &Bytes, name: &str) {
        if self.counts() {
            let Visit { workspaces, visitor, user, .. } = &*self.visit;
            // It may be lost, unlike all else.
            if workspaces.limited(visitor.address, user).is_err() {
                return;
            }
        }
        // Clients send all that they hear to everybody else they know, so also back to where it came from.
        if frame.sender != name {
            return;
        }
        let (Some(document), Some(session), Some(count), Some(data)) =
            (frame.document, frame.session, frame.count, frame.data)
        else {
            return self.end("an ephemeral message that is none", None, name);
        };
        if data.len() > self.visit.workspaces.peers.largest_rumour {
            return self.end("an ephemeral message that is too large", None, name);
        }
        if let Some(opened) = self.visit.desk().open.get(document) {
            let data = bytes.slice_ref(data);
            opened.listener.tell(Rumour { sender: name.into(), session: session.into(), count, data });
        }
    }

    /// What a document has for this one, if any has: the message, or that there is something to go on with.
    fn poll_documents(&mut self, context: &Context<'_>, name: &Arc<str>) -> Poll<Next> {
        let mut desk = self.visit.desk();
        let open = desk.open.len();
        for number in 0..open {
            let at = (self.turn + number) % open;
            let Some((id, opened)) = desk.open.get_index_mut(at) else { continue };
            if opened.watcher.poll(context.waker()).is_ready() {
                self.turn = at + 1;
                self.owing = MAX_OWING.min(self.owing + 1);
                let (visit, id, name) = (Arc::clone(&self.visit), id.clone(), Arc::clone(name));
                let work = async move {
                    visit.go_on(&id, None, &name).await;
                    Ok(())
                };
                return Poll::Ready(Next::Do(work.boxed()));
            }
            if let Poll::Ready(rumour) = opened.listener.poll(context.waker()) {
                self.turn = at + 1;
                self.owing = MAX_OWING.min(self.owing + 1);
                let Rumour { sender, session, count, data } = &*rumour;
                let said = Said::Ephemeral { document: id, session, count: *count, data };
                return Poll::Ready(Next::Say(Payload::Binary(said.write(sender, name).into())));
            }
        }
        Poll::Pending
    }
}

impl Conversation for Peer {
    fn began(&mut self) {
        let (user_id, session) = (&*self.visit.user, &*self.visit.visitor.session_id);
        tracing::info!(user_id, session, "an Automerge client connected");
    }

    fn hear(&mut self, payload: Payload) -> Result<Option<Work>, End> {
        let Payload::Binary(bytes) = payload else { return Err(End::PROTOCOL) };
        let frame = Frame::read(&bytes).map_err(|Garbage| End::PROTOCOL)?;
        let Some(name) = self.name.clone() else {
            self.join(&frame);
            return Ok(None);
        };
        if frame.kind == "ephemeral" {
            self.pass_on(&frame, &bytes, &name);
            return Ok(None);
        }
        let is_to_us = frame.target.is_none_or(|target| *target == *self.visit.workspaces.peers.name);
        if frame.sender != &*name || !is_to_us {
            self.end("another's `senderId` or `targetId`", Some(End::ABUSE), &name);
            return Ok(None);
        }
        match (frame.kind, frame.document, frame.data) {
            ("sync" | "request", Some(document), Some(data)) => {
                let (visit, counts) = (Arc::clone(&self.visit), self.counts());
                let (document, data) = (Box::<str>::from(document), bytes.slice_ref(data));
                let work = async move {
                    visit.hear(&document, data, counts, &name).await;
                    Ok(())
                };
                Ok(Some(work.boxed()))
            }
            ("join", ..) => {
                self.visit.say(Said::Peer, &name);
                Ok(None)
            }
            ("leave", ..) => Err(End::CLIENT),
            // Of no use to us, and no mistake.
            ("doc-unavailable" | "remote-subscription-change" | "remote-heads-changed" | "error", ..) => {
                Ok(None)
            }
            _ => {
                self.end("a message of an unknown type, or without what belongs to it", None, &name);
                Ok(None)
            }
        }
    }

    fn poll_next(&mut self, context: &mut Context<'_>, busy: bool) -> Poll<Next> {
        {
            let mut desk = self.visit.desk();
            if let Some(said) = desk.said.pop_front() {
                return Poll::Ready(Next::Say(Payload::Binary(said.into())));
            }
            if busy {
                return Poll::Pending;
            }
            if let Some(end) = desk.closing {
                return Poll::Ready(Next::Do(async move { Err(end) }.boxed()));
            }
        }
        match self.name.clone() {
            Some(name) => self.poll_documents(context, &name),
            None => Poll::Pending,
        }
    }

    /// Whoever has a document is told of every change.
    fn is_idle(&self) -> bool {
        self.visit.desk().open.is_empty()
    }

    fn ended(&mut self, end: End) {
        let (user_id, session) = (&*self.visit.user, &*self.visit.visitor.session_id);
        tracing::info!(user_id, session, reason = end.reason, "an Automerge client disconnected");
    }
}
