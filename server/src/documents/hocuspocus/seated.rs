//! One document on a connection: the place at it, under which key, and until when.
//!
//! What is heard and said there is `sitting`'s. Here it gets its key, and what goes wrong with it ends it and nothing else.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::frame;
use crate::{
    auth::instant_of,
    documents::{
        frame::{Message, keep_alive},
        sitting::{Sitting, Turn},
    },
    ws::{End, Work},
};

/// How long before a token expires a new one is asked for; of one that lives shorter, in the middle of its time.
const ASK_BEFORE: Duration = Duration::from_secs(30);

/// The longest text for the others, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// A document that somebody has.
pub(super) struct Seated {
    key: Box<str>,
    sitting: Sitting,
    times: Option<Times>,
    /// Whether its client is of a version that surely knows how a document is closed.
    pub(super) knows_close: bool,
}

/// When a token's time comes.
struct Times {
    /// When a new one is asked for; nothing once that is done.
    ask_at: Option<Instant>,
    ends_at: Instant,
}

/// What comes next.
pub(super) enum Step {
    /// This is said.
    Say(Bytes),
    /// This is done first.
    Do(Work),
    /// It ends here.
    End(End),
}

impl Times {
    fn until(expires_at: u64) -> Self {
        let (now, ends_at) = (Instant::now(), instant_of(expires_at));
        let left = ends_at.saturating_duration_since(now);
        Self { ask_at: Some(ends_at - ASK_BEFORE.min(left / 2)), ends_at }
    }
}

impl Seated {
    /// `expires_at` is in seconds since 1970.
    pub(super) fn new(key: &str, sitting: Sitting, expires_at: Option<u64>, knows_close: bool) -> Self {
        Self { key: key.into(), sitting, times: expires_at.map(Times::until), knows_close }
    }

    pub(super) fn document(&self) -> &str {
        self.sitting.document().id.as_str()
    }

    /// Has come with another token.
    pub(super) fn renewed(&mut self, may_write: bool, expires_at: Option<u64>) {
        self.sitting.may_write(may_write);
        self.times = expires_at.map(Times::until);
    }

    /// Comes in; nothing is heard before.
    pub(super) fn enter(&mut self) -> Option<Work> {
        let enter = self.sitting.enter()?;
        Some(self.contained(enter))
    }

    pub(super) fn hear(&mut self, message: Message<'_>) -> Option<Work> {
        let work = self.sitting.hear(message)?;
        Some(self.contained(work))
    }

    /// Says a text to the others.
    pub(super) fn tell_others(&mut self, text: &str) -> Option<Work> {
        if text.len() > MAX_TEXT {
            self.sitting.answers().end(End::TOO_LARGE);
            return None;
        }
        let work = self.sitting.tell_others(text)?;
        Some(self.contained(work))
    }

    /// Says nothing, so that something is said.
    pub(super) fn keep_alive(&self) {
        self.sitting.say(keep_alive());
    }

    /// Work that ends this one and not the connection, should it fail.
    fn contained(&self, work: Work) -> Work {
        let answers = self.sitting.answers();
        let contained = async move {
            if let Err(end) = work.await {
                answers.end(end);
            }
            Ok(())
        };
        contained.boxed()
    }

    /// When it is time to look at its token.
    pub(super) fn due(&self) -> Option<Instant> {
        let times = self.times.as_ref()?;
        Some(times.ask_at.unwrap_or(times.ends_at))
    }

    /// Does what is due by now.
    pub(super) fn look_at_token(&mut self, now: Instant) -> Option<Step> {
        let times = self.times.as_mut()?;
        if times.ends_at <= now {
            return Some(Step::End(End::EXPIRED));
        }
        times.ask_at.take_if(|at| *at <= now).map(|_| Step::Say(frame::token_wanted(&self.key)))
    }

    /// What is next; nothing to do and no end while the connection is `busy`.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, busy: bool) -> Poll<Step> {
        self.sitting.poll(context, busy).map(|turn| match turn {
            Turn::Say(message) => Step::Say(frame::message(&self.key, &message)),
            Turn::Stateless(text) => Step::Say(frame::stateless(&self.key, &text)),
            Turn::Settled(is_kept) => Step::Say(frame::sync_status(&self.key, is_kept)),
            Turn::Do(work) => Step::Do(self.contained(work)),
            Turn::End(end) => Step::End(end),
        })
    }
}
