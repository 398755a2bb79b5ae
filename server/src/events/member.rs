//! One connected socket: its session and what it takes to reach it.
//!
//! Which rooms it is in is kept with the rooms; how its packets are encoded is the socket edge's.

use std::sync::{
    Arc, Mutex, PoisonError, RwLock,
    atomic::{AtomicBool, AtomicU8, Ordering},
};

use syncline::Session;
use tokio::time::Instant;

use super::{direct::Frame, lanes::Lanes};
use crate::{error::Locale, net::ClientAddress, observe::Metrics};

/// A socket's id.
pub(crate) type SocketId = socketioxide::socket::Sid;

/// The way out to one socket.
pub(crate) trait Outbox: Send + Sync {
    /// Queues an event.
    fn emit(&self, frame: Frame) -> Result<(), OutboxError>;

    /// Whether nothing more could be queued now.
    fn is_full(&self) -> bool;

    /// Ends the connection at once; what is queued is lost.
    fn kill(&self);

    /// Whether there is one connection for as long as the socket lives, as there is not with long-polling.
    fn has_connection(&self) -> bool;

    /// Ends the connection once what is queued has gone out; the client sees it and comes back by itself.
    fn hang_up(&self);

    /// Tells the client to go and not to come back by itself, then ends the connection.
    fn dismiss(&self);
}

/// Why nothing could be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutboxError {
    /// The socket does not read as fast as it is written to.
    Full,
    /// The socket is gone.
    Closed,
}

/// Where a socket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It calls and receives.
    Open,
    /// Its token has expired: it may refresh it, and nothing else.
    Expired,
    /// It was evicted or dismissed and gets nothing more.
    Ended,
}

/// One connected socket.
pub(crate) struct Member {
    pub(crate) id: SocketId,
    /// Its id as text, for logs and for leaving itself out of a delivery.
    pub(crate) name: Arc<str>,
    pub(crate) address: ClientAddress,
    /// Whether it takes several events in one packet.
    pub(crate) batches: bool,
    pub(crate) outbox: Box<dyn Outbox>,
    pub(crate) lanes: Lanes,
    /// The key of limits per user: its id, or the address of somebody anonymous.
    limit_key: RwLock<Arc<str>>,
    session: RwLock<Arc<Session>>,
    locale: Mutex<Locale>,
    standing: AtomicU8,
    closed: AtomicBool,
    admitted: AtomicBool,
    /// When its token is looked at next.
    deadline: Mutex<Option<Instant>>,
}

impl Member {
    pub(crate) fn new(
        id: SocketId,
        session: Session,
        locale: Locale,
        address: ClientAddress,
        batches: bool,
        outbox: Box<dyn Outbox>,
    ) -> Self {
        Self {
            id,
            name: id.to_string().into(),
            address,
            batches,
            outbox,
            lanes: Lanes::default(),
            limit_key: RwLock::new(limit_key(&session, address)),
            session: RwLock::new(Arc::new(session)),
            locale: Mutex::new(locale),
            standing: AtomicU8::new(Standing::Open as u8),
            closed: AtomicBool::new(false),
            admitted: AtomicBool::new(false),
            deadline: Mutex::default(),
        }
    }

    pub(crate) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// To be called by the members' lock holder only, so that partitions follow.
    pub(super) fn set_session(&self, session: Arc<Session>) {
        *self.limit_key.write().unwrap_or_else(PoisonError::into_inner) = limit_key(&session, self.address);
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = session;
    }

    pub(crate) fn limit_key(&self) -> Arc<str> {
        Arc::clone(&self.limit_key.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn locale(&self) -> Locale {
        *self.locale.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_locale(&self, locale: Locale) {
        *self.locale.lock().unwrap_or_else(PoisonError::into_inner) = locale;
    }

    pub(crate) fn standing(&self) -> Standing {
        match self.standing.load(Ordering::Acquire) {
            standing if standing == Standing::Open as u8 => Standing::Open,
            standing if standing == Standing::Expired as u8 => Standing::Expired,
            _ => Standing::Ended,
        }
    }

    /// Moves from one standing to another; false if it was in neither.
    pub(crate) fn change_standing(&self, from: Standing, to: Standing) -> bool {
        self.standing.compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Ends it; false if it had ended before.
    pub(crate) fn end(&self) -> bool {
        self.standing.swap(Standing::Ended as u8, Ordering::AcqRel) != Standing::Ended as u8
    }

    pub(super) fn set_deadline(&self, at: Instant) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    pub(super) fn take_deadline(&self) -> Option<Instant> {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends a socket that does not read as fast as it is written to.
    pub(crate) fn evict_slow_consumer(&self, metrics: &Metrics) {
        if self.end() {
            metrics.slow_consumers.increment(1);
            tracing::warn!(socket = &*self.name, reason = "slow_consumer", "a socket was evicted");
            self.outbox.kill();
        }
    }

    /// True the first time it is asked.
    pub(super) fn admit_once(&self) -> bool {
        !self.admitted.load(Ordering::Acquire) && !self.admitted.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }
}

/// The key of limits per user.
pub(crate) fn limit_key(session: &Session, address: ClientAddress) -> Arc<str> {
    if session.is_anonymous() {
        // A space cannot begin a user's id in a way that matters here: nobody anonymous shares a user's bucket.
        format!(" {}", address.bucket()).into()
    } else {
        session.user_id.as_str().into()
    }
}
