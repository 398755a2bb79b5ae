//! The WebSocket edge of Hocuspocus' clients: one connection, on which are many documents, each with a token of its own.
//!
//! ```text
//! frame --key, kind--> token --> a place at the document (sitting)
//!                      else  --> the place of that key, or nobody's
//! ```
//!
//! Whatever goes wrong with a document ends that and nothing else, so that whoever has many loses one; but if it is the
//! server's failing the connection ends, since then its client comes back by itself. Pings, bounds and the end are `ws`'s.

mod frame;
mod seated;

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use frame::{Frame, Said};
use futures_util::FutureExt as _;
use indexmap::IndexMap;
use seated::{Seated, Step};
use syncline::{Session, SyncError, SyncResult, codes as framework};
use tokio::time::{Instant, Sleep};

use super::{
    Documents, codes,
    id::DocumentId,
    pace::Pace,
    sitting::{Manner, Sitting},
    ws::one_after_the_other,
};
use crate::{
    auth::Access,
    error::Locale,
    net::ClientAddress,
    ws::{Conversation, End, Next, Payload, Work},
};

/// How many documents one connection may have.
const MAX_DOCUMENTS: usize = 64;

/// How often one connection may be refused a document.
const MAX_REFUSED: usize = 64;

/// How long one may talk without ever having shown a token that is good.
const TOKEN_WITHIN: Duration = Duration::from_secs(60);

/// The longest token, in bytes: as much as a header would hold.
const MAX_TOKEN: usize = 16 * 1024;

/// One client's connection.
pub(super) struct Hocuspocus {
    documents: Arc<Documents>,
    address: ClientAddress,
    locale: Locale,
    user: Option<Arc<str>>,
    /// By their keys.
    seated: IndexMap<Box<str>, Seated>,
    /// What is said besides.
    said: VecDeque<Bytes>,
    /// Whose turn it is to say something.
    turn: usize,
    refused: usize,
    pace: Option<Pace>,
    /// When it ends unless a token has come; nothing once one has.
    token_by: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Hocuspocus {
    pub(super) fn new(documents: Arc<Documents>, address: ClientAddress, locale: Locale) -> Self {
        let token_by = Instant::now() + TOKEN_WITHIN;
        Self {
            pace: documents.paces.then(Pace::new),
            documents,
            address,
            locale,
            user: None,
            seated: IndexMap::new(),
            said: VecDeque::new(),
            turn: 0,
            refused: 0,
            token_by: Some(token_by),
            timer: Box::pin(tokio::time::sleep_until(token_by)),
        }
    }

    fn hear_of(&mut self, key: &str, said: Said<'_>) -> Result<Option<Work>, End> {
        if let Said::Token(token, says_version) = said {
            return self.come(key, token, says_version);
        }
        // Whoever has not come with a token gets nothing: clients say what they have again once they have.
        let Some(seated) = self.seated.get_mut(key) else { return Ok(None) };
        match said {
            Said::Message(message) => Ok(seated.hear(message)),
            Said::Broadcast(text) => Ok(seated.tell_others(text)),
            Said::Close => {
                self.leave(key, End::CLIENT);
                Ok(None)
            }
            Said::Token(..) | Said::Nothing => Ok(None),
        }
    }

    /// Somebody comes for a document, or with a new token for one.
    fn come(&mut self, key: &str, token: &str, says_version: bool) -> Result<Option<Work>, End> {
        let (id, session, access) = match self.admit(key, token) {
            Ok(admitted) => admitted,
            Err(error) => return self.refuse(key, &error).map(|()| None),
        };
        self.token_by = None;
        self.said.push_back(frame::authenticated(key, access.write));
        if let Some(seated) = self.seated.get_mut(key) {
            seated.renewed(access.write, session.expires_at);
            return Ok(None);
        }
        let manner = Manner { may_write: access.write, echo: false, counts_updates: true };
        let open = self.documents.live.open(&id);
        let sitting = Sitting::new(open, manner, Arc::clone(&self.documents.on_the_way));
        let mut seated = Seated::new(key, sitting, session.expires_at, says_version);
        let entering = seated.enter();
        tracing::info!(document = id.as_str(), user_id = session.user_id, "somebody came over Hocuspocus");
        // The first one was counted as a request.
        let works = self.user.is_some().then(|| self.slow_down()).into_iter().chain(entering).collect();
        self.user.get_or_insert_with(|| session.user_id.into());
        self.seated.insert(key.into(), seated);
        Ok(one_after_the_other(works))
    }

    /// Who comes, for which document, and what they may do with it.
    fn admit(&self, key: &str, token: &str) -> SyncResult<(DocumentId, Session, Access)> {
        let session = match token.len() {
            0 => Err(framework::AUTH_REQUIRED.into()),
            1..=MAX_TOKEN => self.documents.session(token),
            _ => Err(framework::AUTH_INVALID.into()),
        }?;
        // Who may nothing learns nothing of names either.
        Access::of(&session)?;
        let invalid = || SyncError::from(codes::INVALID_DOCUMENT_ID);
        let id = DocumentId::new(frame::name_in(key)).ok_or_else(invalid)?;
        let access = Access::to(&session, "documents", id.as_str())?;
        if self.seated.len() >= MAX_DOCUMENTS && !self.seated.contains_key(key) {
            return Err(codes::LIMIT.with("max", MAX_DOCUMENTS));
        }
        Ok((id, session, access))
    }

    /// Says why that one does not have the document, or has it no more.
    fn refuse(&mut self, key: &str, error: &SyncError) -> Result<(), End> {
        self.documents.metrics.error(error.code());
        self.refused += 1;
        if self.refused > MAX_REFUSED {
            return Err(End::ABUSE);
        }
        let (code, message) = self.documents.errors.plain(error, self.locale);
        self.leave(key, End::UNAUTHENTICATED_FOR_GOOD);
        self.said.push_back(frame::permission_denied(key, &format!("{code}: {message}")));
        Ok(())
    }

    /// Waits until the address may open one more.
    fn slow_down(&self) -> Work {
        let (documents, address) = (Arc::clone(&self.documents), self.address);
        let allowed = async move {
            while let Err(retry) = documents.rates.check_address(address) {
                tokio::time::sleep(Duration::from_secs(retry.0.max(1))).await;
            }
            Ok(())
        };
        allowed.boxed()
    }

    fn leave(&mut self, key: &str, end: End) {
        if let Some(seated) = self.seated.shift_remove(key) {
            self.has_left(&seated, end);
        }
    }

    fn has_left(&self, seated: &Seated, end: End) {
        let user_id = self.user.as_deref().unwrap_or_default();
        tracing::info!(
            document = seated.document(),
            user_id,
            reason = end.reason,
            "somebody left over Hocuspocus"
        );
    }

    /// Ends one document, and says so to its client.
    fn close(&mut self, number: usize, end: End) {
        if let Some((key, seated)) = self.seated.shift_remove_index(number) {
            self.has_left(&seated, end);
            // This one every version understands.
            self.said.push_back(frame::permission_denied(&key, end.reason));
            if seated.knows_close {
                self.said.push_back(frame::close(&key, end.reason));
            }
        }
    }

    /// Does what has a time, once that has come.
    fn poll_times(&mut self, context: &mut Context<'_>) -> Result<(), End> {
        loop {
            let due = self.seated.values().filter_map(Seated::due).chain(self.token_by).min();
            let Some(due) = due else { return Ok(()) };
            if self.timer.deadline() != due {
                self.timer.as_mut().reset(due);
            }
            if self.timer.poll_unpin(context).is_pending() {
                return Ok(());
            }
            let now = Instant::now();
            if self.token_by.is_some_and(|by| by <= now) {
                return Err(End::UNAUTHENTICATED_FOR_GOOD);
            }
            for number in (0..self.seated.len()).rev() {
                match self.seated[number].look_at_token(now) {
                    Some(Step::Say(frame)) => self.said.push_back(frame),
                    Some(Step::End(end)) => self.close(number, end),
                    Some(Step::Do(_)) | None => {}
                }
            }
        }
    }
}

impl Conversation for Hocuspocus {
    fn hear(&mut self, payload: Payload) -> Result<Option<Work>, End> {
        let Payload::Binary(bytes) = payload else { return Err(End::MALFORMED) };
        let mut works: Vec<Work> = self.pace.as_mut().and_then(Pace::wait).into_iter().collect();
        match frame::read(&bytes) {
            Ok(Frame::Of(key, said)) => works.extend(self.hear_of(key, said)?),
            Ok(Frame::Ping) => self.said.push_back(frame::pong()),
            Ok(Frame::Pong) => {}
            Err(_malformed) => {
                self.documents.metrics.documents.refused.increment(1);
                return Err(End::MALFORMED);
            }
        }
        Ok(one_after_the_other(works))
    }

    fn poll_next(&mut self, context: &mut Context<'_>, busy: bool) -> Poll<Next> {
        let fails = |end| Poll::Ready(Next::Do(async move { Err(end) }.boxed()));
        let in_time = self.poll_times(context);
        if let Some(frame) = self.said.pop_front() {
            return Poll::Ready(Next::Say(Payload::Binary(frame)));
        }
        if let (Err(end), false) = (in_time, busy) {
            return fails(end);
        }
        let count = self.seated.len();
        for number in (self.turn..count).chain(0..self.turn.min(count)) {
            let Poll::Ready(step) = self.seated[number].poll(context, busy) else { continue };
            self.turn = number + 1;
            match step {
                Step::Say(frame) => return Poll::Ready(Next::Say(Payload::Binary(frame))),
                Step::Do(work) => return Poll::Ready(Next::Do(work)),
                // Its client comes back by itself only when the connection ends.
                Step::End(End::FAILED) => return fails(End::FAILED),
                Step::End(end) => {
                    self.close(number, end);
                    return match self.said.pop_front() {
                        Some(frame) => Poll::Ready(Next::Say(Payload::Binary(frame))),
                        None => Poll::Pending,
                    };
                }
            }
        }
        Poll::Pending
    }

    /// Whoever has a document is told of every change.
    fn is_idle(&self) -> bool {
        self.seated.is_empty()
    }

    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Its clients take a connection for dead on which no message came for 30 s, of whichever document, and pings are none.
    fn pinged(&mut self) {
        if let Some((_, seated)) = self.seated.first() {
            seated.keep_alive();
        }
    }

    fn ended(&mut self, end: End) {
        self.seated.values().for_each(|seated| self.has_left(seated, end));
    }
}
