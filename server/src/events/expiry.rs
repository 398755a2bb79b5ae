//! Tokens that expire on live sockets: a warning with a grace period, then the end.
//!
//! One task for all sockets, woken when the next one is due.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use serde::Serialize;
use serde_json::value::to_raw_value;
use syncline::{codes, run::ErrorEnvelope};
use tokio::{sync::Notify, time::Instant};

use super::direct::Frame;
use super::member::{Member, OutboxError, SocketId, Standing};
use crate::{auth::instant_of, error::Errors, observe::Metrics};

/// The event that warns.
const EVENT: &str = "auth.expired";

/// Watches over sockets' tokens.
pub(crate) struct Expiry {
    due: Mutex<BTreeMap<(Instant, SocketId), Weak<Member>>>,
    changed: Notify,
    grace: Duration,
    errors: Arc<Errors>,
    metrics: Arc<Metrics>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Warning {
    #[serde(flatten)]
    envelope: ErrorEnvelope,
    grace_seconds: f64,
}

impl Expiry {
    pub(crate) fn new(grace: Duration, errors: Arc<Errors>, metrics: Arc<Metrics>) -> Self {
        Self { due: Mutex::default(), changed: Notify::new(), grace, errors, metrics }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Instant, SocketId), Weak<Member>>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a socket's token, or its new one. Anonymous sockets do not expire.
    pub(crate) fn watch(&self, member: &Arc<Member>) {
        self.forget(member);
        if let Some(at) = member.session().expires_at {
            self.schedule(member, instant_of(at));
        }
    }

    /// Watches a socket no more.
    pub(crate) fn forget(&self, member: &Member) {
        if let Some(at) = member.take_deadline() {
            self.lock().remove(&(at, member.id));
        }
    }

    fn schedule(&self, member: &Arc<Member>, at: Instant) {
        member.set_deadline(at);
        self.lock().insert((at, member.id), Arc::downgrade(member));
        self.changed.notify_one();
    }

    /// Runs for as long as the server does.
    pub(crate) async fn run(&self) {
        loop {
            let next = self.lock().first_key_value().map(|((at, _), _)| *at);
            match next {
                Some(at) => {
                    let _ = tokio::time::timeout_at(at, self.changed.notified()).await;
                }
                None => self.changed.notified().await,
            }
            while let Some(member) = self.pop_due() {
                self.act(&member);
            }
        }
    }

    fn pop_due(&self) -> Option<Arc<Member>> {
        let now = Instant::now();
        let mut due = self.lock();
        while let Some(first) = due.first_entry().filter(|first| first.key().0 <= now) {
            if let Some(member) = first.remove().upgrade() {
                member.take_deadline();
                return Some(member);
            }
        }
        None
    }

    fn act(&self, member: &Arc<Member>) {
        if member.change_standing(Standing::Open, Standing::Expired) {
            self.warn(member);
            self.schedule(member, Instant::now() + self.grace);
        } else if member.change_standing(Standing::Expired, Standing::Ended) {
            tracing::info!(socket = &*member.name, reason = "token expired", "a socket was dismissed");
            member.outbox.dismiss();
        }
    }

    fn warn(&self, member: &Member) {
        let warning = Warning {
            envelope: self.errors.envelope(&codes::AUTH_EXPIRED.into(), member.locale()),
            grace_seconds: self.grace.as_secs_f64(),
        };
        let Ok(payload) = to_raw_value(&warning) else { return };
        if member.outbox.emit(Frame::new(EVENT, &payload)) == Err(OutboxError::Full) {
            member.evict_slow_consumer(&self.metrics);
        }
    }
}
