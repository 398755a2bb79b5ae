//! Both halves of an event's way without a network, for micro-benchmarks: what a member is sent is counted and goes nowhere.
//!
//! Only with the feature `measured`; it is no part of what is promised.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use syncline::{Session, SyncResult, run::SyncRequest};

use super::{
    Events,
    direct::Frame,
    dispatch::Caller,
    member::{Member, Outbox, OutboxError, SocketId},
};
use crate::{error::Locale, net::ClientAddress};

const ADDRESS: ClientAddress = ClientAddress(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST));

/// Counts events.
#[derive(Default)]
struct Counted(AtomicU64);

impl Outbox for Arc<Counted> {
    fn emit(&self, frame: Frame) -> Result<(), OutboxError> {
        self.0.fetch_add(u64::from(frame.events()), Ordering::Relaxed);
        Ok(())
    }

    fn is_full(&self) -> bool {
        false
    }

    fn kill(&self) {}

    fn has_connection(&self) -> bool {
        true
    }

    fn hang_up(&self) {}

    fn dismiss(&self) {}
}

/// The events of one server, with members that have no socket.
pub struct Measured {
    events: Arc<Events>,
    locale: Locale,
    counted: Arc<Counted>,
    members: Vec<Arc<Member>>,
}

impl Measured {
    pub(crate) fn new(events: Arc<Events>) -> Self {
        let locale = events.errors.negotiate(&[]);
        Self { events, locale, counted: Arc::default(), members: Vec::new() }
    }

    /// Adds a member to a room; `batch` as in its handshake.
    ///
    /// # Errors
    /// When it cannot join.
    pub fn join(&mut self, session: Session, room: &str, batch: bool) -> SyncResult<()> {
        let outbox = Box::new(Arc::clone(&self.counted));
        let member = Arc::new(Member::new(SocketId::new(), session, self.locale, ADDRESS, batch, outbox));
        self.events.members.add(Arc::clone(&member));
        self.events.members.join(member.id, room)?;
        self.members.push(member);
        Ok(())
    }

    /// Runs a request, as a socket sends it, in the name of the first member; returns before it is delivered.
    ///
    /// # Errors
    /// What its sender is answered.
    ///
    /// # Panics
    /// Without a member, and when it is no request.
    pub async fn dispatch(&self, request: &str) -> SyncResult<()> {
        let member = self.members.first().expect("a member");
        let request = SyncRequest::from_socket(request).expect("a request");
        let caller = Caller {
            session: member.session(),
            member: Some(member),
            address: ADDRESS,
            locale: self.locale,
            request_id: Arc::clone(&member.name),
        };
        self.events.dispatch.run(&caller, &request).await.map(drop)
    }

    /// Waits, on a runtime of one thread, until that many events were sent since it was asked last.
    pub async fn sent(&self, events: u64) {
        while self.counted.0.load(Ordering::Relaxed) < events {
            tokio::task::yield_now().await;
        }
        self.counted.0.store(0, Ordering::Relaxed);
    }
}
