//! A workspace's turn: its next message is tried once.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use http::StatusCode;
use tokio::time::Instant;

use super::{
    Done, Webhooks,
    event::Stored,
    outbox::{Head, Progress, Tidied},
    schedule::{Next, State, Turn},
    sender::Outcome,
};
use crate::journal::JournalError;

/// How often it is logged at most that attempts fail.
const WARN_EVERY: Duration = Duration::from_secs(60);

impl Webhooks {
    pub(super) async fn turn(&self, turn: Turn) -> Done {
        let Turn { workspace, state, tidies } = turn;
        let next = self.turn_of(&workspace, state, tidies).await;
        let next = next.unwrap_or_else(|error| self.journal_failed(&workspace, &error, state));
        Done::Turn(workspace, next)
    }

    /// The same is to be done again when the journal may have come to itself.
    fn journal_failed(&self, workspace: &Arc<str>, error: &JournalError, state: State) -> Next {
        tracing::error!(%workspace, %error, "the journal of the webhook failed");
        let again = Some(Instant::now() + self.pace.storage);
        Next::Later(State { not_before: again.max(state.not_before), ..state })
    }

    async fn turn_of(&self, workspace: &Arc<str>, state: State, tidies: bool) -> Result<Next, JournalError> {
        if tidies {
            let Tidied { overflowed, unreadable } = self.outbox.tidy(workspace, state.progress).await?;
            self.metrics.webhooks.unreadable.increment(unreadable);
            self.metrics.webhooks.overflowed.increment(overflowed);
            if overflowed + unreadable > 0 {
                tracing::warn!(%workspace, overflowed, unreadable, "events of the webhook were given up");
            }
        }
        if state.not_before.is_some_and(|time| time > Instant::now()) {
            return Ok(Next::Later(state));
        }
        match self.outbox.head(workspace, state.progress).await? {
            Head::Nothing => Ok(Next::Done),
            Head::Told(through) => {
                self.outbox.drop_through(workspace, through).await?;
                Ok(Next::Done)
            }
            Head::Unreadable(through) => {
                self.outbox.drop_through(workspace, through).await?;
                self.metrics.webhooks.unreadable.increment(1);
                tracing::error!(%workspace, "an event of the webhook cannot be read");
                Ok(Next::More(State::default()))
            }
            Head::Message { message, through, more } => {
                Ok(match self.attempt(workspace, &message, state).await {
                    Some(later) => Next::Later(later),
                    None => self.is_through(workspace, &message, through, more).await,
                })
            }
        }
    }

    /// A message needs no further attempt.
    async fn is_through(
        &self,
        workspace: &Arc<str>,
        message: &Stored,
        through: Option<u64>,
        more: bool,
    ) -> Next {
        let told = Some(message.last);
        let told = State { progress: Progress { told, tried: None }, ..State::default() };
        let Some(through) = through else { return Next::More(told) };
        match self.outbox.drop_through(workspace, through).await {
            Ok(()) if more => Next::More(State::default()),
            Ok(()) => Next::Done,
            Err(error) => self.journal_failed(workspace, &error, told),
        }
    }

    /// Tries a message; when to try again, unless it is told, or given up.
    async fn attempt(&self, workspace: &Arc<str>, message: &Stored, state: State) -> Option<State> {
        let metrics = &self.metrics.webhooks;
        let begun = Instant::now();
        let outcome = self.sender.send(&message.message_id(), message.body(workspace)).await;
        metrics.seconds.record(begun.elapsed());
        match &outcome {
            Outcome::Taken => metrics.success.increment(1),
            Outcome::Declined { .. } | Outcome::Unanswered(_) => metrics.failure.increment(1),
            Outcome::Refused(_) => metrics.refused.increment(1),
        }
        self.report(&outcome);
        let wish = match outcome {
            Outcome::Taken => return None,
            // The receiver wants no more. It is asked now and then whether it still means it, as a receiver that was
            // deployed wrongly may say so too.
            Outcome::Declined { status: StatusCode::GONE, .. } => Some(self.pace.longest_pause),
            Outcome::Declined { retry_after, .. } => retry_after,
            Outcome::Unanswered(_) | Outcome::Refused(_) => None,
        };
        let failed = state.failed.saturating_add(1);
        if self.pace.is_too_old(message.at, (self.clock)()) {
            metrics.expired.increment(1);
            tracing::warn!(%workspace, id = message.message_id(), failed, "an event of the webhook was given up");
            return None;
        }
        let pause = self.pace.pause(failed, wish, rand::random());
        Some(State {
            progress: Progress { tried: Some(message.last), ..state.progress },
            failed,
            not_before: Some(Instant::now() + pause),
            is_unanswered: matches!(outcome, Outcome::Unanswered(_)),
        })
    }

    /// Says, now and then and not of each attempt, that the receiver does not take what it is told, and that it does
    /// again.
    fn report(&self, outcome: &Outcome) {
        let why = match outcome {
            Outcome::Taken => {
                if self.fails.swap(false, Ordering::Relaxed) {
                    tracing::info!("the webhook's receiver takes events again");
                }
                None
            }
            Outcome::Declined { status, .. } => Some(format!("it answered {}", status.as_u16())),
            Outcome::Unanswered(why) | Outcome::Refused(why) => Some(why.clone()),
        };
        if let Some(why) = why
            && self.may_warn()
        {
            self.fails.store(true, Ordering::Relaxed);
            tracing::warn!(why, "the webhook's receiver does not take an event; it is tried again");
        }
        let is_away = matches!(outcome, Outcome::Unanswered(_));
        if self.is_away.swap(is_away, Ordering::Relaxed) && !is_away {
            let spread = self.pace.spread;
            let within = || Duration::from_secs_f64(spread.as_secs_f64() * rand::random::<f64>());
            self.schedule().is_back(Instant::now(), within);
        }
    }

    fn may_warn(&self) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let may = warned.is_none_or(|last| now.duration_since(last) >= WARN_EVERY);
        if may {
            *warned = Some(now);
        }
        may
    }
}
