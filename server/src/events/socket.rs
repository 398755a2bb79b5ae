//! The Socket.IO edge: what a connected client sends, in order, and the acknowledgements.
//!
//! It turns packets into calls on dispatch, rooms and members; only what the wire looks like is decided here.

use std::{ops::Range, sync::Arc};

use futures_util::FutureExt as _;
use serde::Serialize;
use socketioxide::{
    extract::AckSender,
    handler::{FromMessageParts as _, MessageHandler, Value},
    socket::Socket,
};
use socketioxide_core::Str;
use syncline::{
    SyncError, SyncResult, codes,
    run::{Ack, ClientEvent, RequestError, SyncRequest, read_packet},
};

use super::{
    Events,
    abuse::Abuse,
    commands::{self, JoinedRooms, RefreshCommand, Refreshed, RoomCommand, Success},
    direct::DirectAdapter,
    dispatch::Caller,
    inbox::{Admitted, Inbox},
    member::{Member, OutboxError, Standing},
    outbox::outbox_error,
    rooms,
};
use crate::auth::verify;

/// A socket of the namespace `/`.
pub(crate) type Io = Socket<DirectAdapter>;

/// Listens to everything that one socket sends.
pub(crate) struct Listener {
    events: Arc<Events>,
    member: Arc<Member>,
    inbox: Arc<Inbox<Waiting>>,
    abuse: Abuse,
}

/// An event that waits in the inbox.
struct Waiting {
    said: Said,
    answer: Answer,
}

/// What a client sent.
struct Said {
    event: ClientEvent,
    text: Str,
    payload: Range<usize>,
}

/// What a client asks for with `sync`, if it is that.
type Request<'a> = Option<Result<SyncRequest<'a>, RequestError>>;

impl Said {
    fn payload(&self) -> &str {
        self.text.as_str().get(self.payload.clone()).unwrap_or("null")
    }

    fn request(&self) -> Request<'_> {
        (self.event == ClientEvent::Sync).then(|| SyncRequest::from_socket(self.payload()))
    }
}

impl MessageHandler<DirectAdapter, ()> for Listener {
    /// Runs in the order of arrival, before anything of the event's own runs: this is where order is kept.
    fn call(&self, socket: Arc<Io>, mut value: Value, ack_id: Option<i64>) {
        let Ok(ack) = AckSender::from_message_parts(&socket, &mut value, &ack_id);
        let answer = Answer {
            events: Arc::clone(&self.events),
            member: Arc::clone(&self.member),
            ack,
            heard: ack_id.is_some(),
        };
        self.events.admit(&self.member);
        match self.accept(value) {
            Ok(said) => self.take(Waiting { said, answer }),
            Err(error) => self.refuse(answer, error),
        }
    }
}

impl Listener {
    pub(crate) fn new(events: Arc<Events>, member: Arc<Member>) -> Self {
        let inbox = Arc::new(Inbox::new(events.limits.inbox));
        Self { events, member, inbox, abuse: Abuse::default() }
    }

    fn accept(&self, value: Value) -> SyncResult<Said> {
        let Value::Str(text, None) = value else { return Err(codes::INVALID_REQUEST.into()) };
        let (event, payload) = read_packet(&text, self.events.limits.packet)?;
        // The payload is a part of the text, or nothing: then it is not, and its range is empty.
        let start = (payload.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        let payload = if start < text.len() { start..start + payload.len() } else { 0..0 };
        Ok(Said { event, text, payload })
    }

    fn take(&self, waiting: Waiting) {
        match self.member.standing() {
            Standing::Ended => return,
            Standing::Expired if waiting.said.event != ClientEvent::RefreshToken => {
                return self.refuse(waiting.answer, codes::AUTH_EXPIRED.into());
            }
            Standing::Open | Standing::Expired => {}
        }
        if self.events.tasks.is_closed() {
            return self.refuse(waiting.answer, codes::SHUTTING_DOWN.into());
        }
        if waiting.said.event == ClientEvent::RefreshToken {
            // Not through the inbox: a socket whose token runs out may not have to wait behind its own requests.
            return match self.events.dispatch.check_address(self.member.address) {
                Ok(()) => drop(self.events.tasks.spawn(refresh_token(waiting))),
                Err(error) => self.refuse(waiting.answer, error),
            };
        }
        match self.inbox.push(waiting) {
            Admitted::Queued => self.events.metrics.inbox.increment(1),
            Admitted::Drain => {
                self.events.metrics.inbox.increment(1);
                self.drain_now();
            }
            Admitted::Full(waiting) => self.refuse(waiting.answer, codes::INBOX_FULL.into()),
        }
    }

    /// Drains the inbox here and now as far as that goes without waiting: most events need not, and a task of their own
    /// would have them wait behind everything that is to be written.
    fn drain_now(&self) {
        let draining = drain(Arc::clone(&self.events), Arc::clone(&self.inbox));
        let mut draining = Box::pin(self.events.tasks.track_future(draining));
        if (&mut draining).now_or_never().is_none() {
            tokio::spawn(draining);
        }
    }

    /// Refuses an event before it got a place.
    fn refuse(&self, answer: Answer, error: SyncError) {
        answer.error(&error);
        if self.abuse.refused() && self.member.end() {
            self.events.metrics.abusers.increment(1);
            tracing::warn!(socket = &*self.member.name, reason = "abuse", "a socket was disconnected");
            self.member.outbox.kill();
        }
    }
}

async fn drain(events: Arc<Events>, inbox: Arc<Inbox<Waiting>>) {
    while let Some(Waiting { said, answer }) = inbox.next() {
        events.metrics.inbox.decrement(1);
        let request = said.request();
        if !matches!(&request, Some(Ok(request)) if events.dispatch.is_concurrent(request)) {
            events.run(&said, request, answer).await;
            continue;
        }
        drop(request);
        inbox.step_aside();
        let (events, inbox) = (Arc::clone(&events), Arc::clone(&inbox));
        events.tasks.clone().spawn(async move {
            events.run(&said, said.request(), answer).await;
            inbox.done_beside();
        });
    }
}

impl Events {
    async fn run(&self, said: &Said, request: Request<'_>, answer: Answer) {
        let member = Arc::clone(&answer.member);
        if member.standing() == Standing::Expired {
            return answer.error(&codes::AUTH_EXPIRED.into());
        }
        if let Some(request) = request {
            return self.sync(&member, request, answer).await;
        }
        if let Err(error) = self.dispatch.check_address(member.address) {
            return answer.error(&error);
        }
        match said.event {
            ClientEvent::JoinRoom => {
                let joined = match commands::read::<RoomCommand>(said.payload()) {
                    Ok(command) => {
                        rooms::join(&self.members, &self.dispatch.policy, &member, &command.room).await
                    }
                    Err(error) => Err(error),
                };
                self.metrics.rooms.set(self.members.room_count() as f64);
                answer.result(joined.map(JoinedRooms::new));
            }
            ClientEvent::LeaveRoom => {
                let command = commands::read::<RoomCommand>(said.payload());
                let left = command.and_then(|command| rooms::leave(&self.members, &member, &command.room));
                self.metrics.rooms.set(self.members.room_count() as f64);
                answer.result(left.map(JoinedRooms::new));
            }
            ClientEvent::GetJoinedRooms => {
                answer.result(Ok(JoinedRooms::new(self.members.rooms_of(member.id))));
            }
            ClientEvent::UpdateLocation => {
                let location = commands::read_location(said.payload());
                answer.result(location.map(|location| {
                    self.members
                        .update_session(&member, |session| syncline::Session { location, ..session.clone() });
                    Success::new()
                }));
            }
            // Handled above and in `Listener::take`.
            ClientEvent::Sync | ClientEvent::RefreshToken => {}
        }
    }

    async fn sync(&self, member: &Member, request: Result<SyncRequest<'_>, RequestError>, answer: Answer) {
        let outcome = match request {
            Ok(request) => {
                let caller = Caller {
                    session: member.session(),
                    member: Some(member),
                    address: member.address,
                    locale: member.locale(),
                    request_id: Arc::clone(&member.name),
                };
                self.dispatch.run(&caller, &request).await
            }
            Err(error) => {
                tracing::debug!(%error, socket = &*member.name, "not a sync request");
                Err(codes::INVALID_REQUEST.into())
            }
        };
        match outcome {
            Ok(server_output) => answer.send(&Ack::new(&server_output)),
            // Dispatch has counted its errors by route and code.
            Err(error) => answer.error_counted(&error),
        }
    }
}

async fn refresh_token(Waiting { said, answer }: Waiting) {
    let (events, member) = (Arc::clone(&answer.events), Arc::clone(&answer.member));
    let refreshed = match commands::read::<RefreshCommand>(said.payload()) {
        Ok(command) => events.refresh(&member, &command.token).await,
        Err(error) => Err(error),
    };
    answer.result(refreshed.map(Refreshed::new));
}

impl Events {
    async fn refresh(&self, member: &Arc<Member>, token: &str) -> SyncResult<Option<u64>> {
        let mut fresh = verify(&self.tokens, token)?;
        if fresh.user_id != member.session().user_id {
            return Err(codes::AUTH_INVALID.into());
        }
        let expires_at = fresh.expires_at;
        if let Some(locale) = &fresh.locale {
            member.set_locale(self.errors.negotiate(&[locale, member.locale().as_str()]));
        }
        fresh.locale.get_or_insert_with(|| member.locale().as_str().to_owned());
        self.members
            .update_session(member, |old| syncline::Session { location: old.location.clone(), ..fresh });
        member.change_standing(Standing::Expired, Standing::Open);
        self.expiry.watch(member);
        // What the new token no longer allows is left.
        for room in self.members.rooms_of(member.id) {
            if !self.dispatch.policy.may_join(&member.session(), &room).await {
                self.members.leave(member.id, &room);
            }
        }
        Ok(expires_at)
    }
}

/// Where the answer to one event goes.
struct Answer {
    events: Arc<Events>,
    member: Arc<Member>,
    ack: AckSender<DirectAdapter>,
    /// Whether the client asked for an acknowledgement.
    heard: bool,
}

impl Answer {
    fn result<T: Serialize>(self, result: SyncResult<T>) {
        match result {
            Ok(success) => self.send(&success),
            Err(error) => self.error(&error),
        }
    }

    fn error(self, error: &SyncError) {
        self.events.metrics.error(error.code());
        self.error_counted(error);
    }

    fn error_counted(self, error: &SyncError) {
        if !self.heard {
            self.events.metrics.unheard_errors.increment(1);
            return;
        }
        let envelope = self.events.errors.envelope(error, self.member.locale());
        self.send(&envelope);
    }

    fn send<T: Serialize>(self, answer: &T) {
        if let Err(OutboxError::Full) = self.ack.send(answer).map_err(outbox_error) {
            self.member.evict_slow_consumer(&self.events.metrics);
        }
    }
}
