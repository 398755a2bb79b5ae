//! One plain WebSocket from its upgrade to its end.
//!
//! One task for each. It reads when nothing is being written or worked on, so that whoever does not read is not listened
//! to either.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _, future::poll_fn};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncReadExt as _,
    time::{Instant, Sleep},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::CapacityError,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

use super::{Bounds, Conversation, End, Next, Payload, Work, connections::Place};
use crate::{
    auth::instant_of,
    observe::{Level, Metrics, WsMetrics},
};

/// How long a client may take to answer a ping.
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// How long one message may take to be written.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// How long the two sides' parting may take.
const PART_WITHIN: Duration = Duration::from_secs(2);

/// What a connection reads into, in bytes, for as long as it lives; a longer message has room made for it. A client that says
/// little should not hold much.
const READ_BUFFER: usize = 1024;

/// How much is read at a time of what nobody listens to any more.
const DISCARD_BUFFER: usize = 16 * 1024;

/// How many payloads are said before it is listened again.
const SAID_IN_A_ROW: usize = 16;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Runs a connection to its end.
pub(super) async fn run(
    upgrade: OnUpgrade,
    place: Place,
    expires_at: Option<u64>,
    conversation: impl Conversation,
    bounds: Bounds,
    metrics: &Metrics,
) {
    // The answer to the upgrade has to be written, to somebody who may not read it.
    let Ok(Ok(upgraded)) = tokio::time::timeout(WRITE_WITHIN, upgrade).await else { return };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(bounds.message))
        .max_frame_size(Some(bounds.message));
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let metrics = metrics.ws(place.connection.system);
    metrics.connects.increment(1);
    let _open = Level::up(&metrics.active);
    let now = Instant::now();
    let expiry = expires_at.map(|at| Box::pin(tokio::time::sleep_until(instant_of(at))));
    let timer = Box::pin(tokio::time::sleep_until(now + bounds.ping_every));
    let mut run = Run {
        socket,
        place,
        metrics,
        expiry,
        timer,
        bounds,
        heard_at: now,
        ping_at: now + bounds.ping_every,
        pong_due: None,
    };
    let mut conversation = conversation;
    conversation.began();
    let end = run.talk(&mut conversation).await;
    metrics.disconnected(end.reason);
    conversation.ended(end);
    drop(conversation);
    run.part(end).await;
}

struct Run<'a> {
    socket: Socket,
    place: Place,
    metrics: &'a WsMetrics,
    expiry: Option<Pin<Box<Sleep>>>,
    /// Goes off at the next thing that has a time: a ping, a missing answer, idleness.
    timer: Pin<Box<Sleep>>,
    bounds: Bounds,
    /// When the client last said something.
    heard_at: Instant,
    ping_at: Instant,
    /// When the answer to a ping is overdue.
    pong_due: Option<Instant>,
}

impl Run<'_> {
    async fn talk(&mut self, conversation: &mut impl Conversation) -> End {
        match self.go_on(conversation).await {
            Err(end) => end,
            Ok(never) => match never {},
        }
    }

    async fn go_on(&mut self, conversation: &mut impl Conversation) -> Result<Infallible, End> {
        let mut work: Option<Work> = None;
        loop {
            for _ in 0..SAID_IN_A_ROW {
                let next = poll_fn(|context| conversation.poll_next(context, work.is_some()));
                let Some(next) = next.now_or_never() else { break };
                self.go_on_with(next, conversation, &mut work).await?;
            }
            let deadline = self.deadline(conversation.is_idle());
            if self.timer.deadline() != deadline {
                self.timer.as_mut().reset(deadline);
            }
            let busy = work.is_some();
            let ended = ended(&self.place, &mut self.expiry);
            tokio::select! {
                biased;
                end = ended => return Err(end),
                done = poll_fn(|context| poll_work(&mut work, context)), if busy => {
                    work = None;
                    done?;
                }
                message = self.socket.next(), if !busy => {
                    if let Some(payload) = self.heard(message)? {
                        work = conversation.hear(payload)?;
                        if let Some(user) = conversation.user() {
                            self.place.connection.user.get_or_init(|| user.into());
                        }
                    }
                }
                next = poll_fn(|context| conversation.poll_next(context, busy)) => {
                    self.go_on_with(next, conversation, &mut work).await?;
                }
                () = &mut self.timer => {
                    if self.due(conversation.is_idle(), busy).await? {
                        conversation.pinged();
                    }
                }
            }
        }
    }

    async fn go_on_with(
        &mut self,
        next: Next,
        conversation: &mut impl Conversation,
        work: &mut Option<Work>,
    ) -> Result<(), End> {
        match next {
            Next::Say(payload) => {
                self.say(payload).await?;
                conversation.said();
            }
            Next::Do(next) => *work = Some(next),
        }
        Ok(())
    }

    /// When something is due that has a time.
    fn deadline(&self, idle: bool) -> Instant {
        let idle_at = idle.then(|| self.heard_at + self.bounds.idle);
        let first = self.pong_due.map_or(self.ping_at, |due| due.min(self.ping_at));
        idle_at.map_or(first, |idle_at| idle_at.min(first))
    }

    /// Does what is due; says whether that was a ping.
    async fn due(&mut self, idle: bool, busy: bool) -> Result<bool, End> {
        let now = Instant::now();
        if busy {
            // Nobody listens, so an answer that is there already is not heard.
            self.pong_due = self.pong_due.map(|_| now + PONG_WITHIN);
            self.heard_at = now;
        }
        if self.pong_due.is_some_and(|due| due <= now) {
            self.metrics.heartbeat_failures.increment(1);
            return Err(End::HEARTBEAT);
        }
        if idle && self.heard_at + self.bounds.idle <= now {
            return Err(End::IDLE);
        }
        if self.ping_at > now {
            return Ok(false);
        }
        self.ping_at = now + self.bounds.ping_every;
        self.pong_due.get_or_insert(now + PONG_WITHIN);
        self.write(Message::Ping(Bytes::new())).await?;
        Ok(true)
    }

    async fn say(&mut self, payload: Payload) -> Result<(), End> {
        let written = self.write(match payload {
            Payload::Text(text) => Message::Text(text),
            Payload::Binary(bytes) => Message::Binary(bytes),
        });
        let written = written.await;
        match written {
            Ok(()) => self.metrics.broadcasts.increment(1),
            Err(_) => self.metrics.broadcast_failures.increment(1),
        }
        written
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        let ended = ended(&self.place, &mut self.expiry);
        tokio::select! {
            biased;
            end = ended => Err(end),
            written = tokio::time::timeout(WRITE_WITHIN, self.socket.send(message)) => match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(End::LOST),
                Err(_elapsed) => Err(End::STUCK),
            },
        }
    }

    /// What a message of the client's says, if it says anything.
    fn heard(&mut self, message: Option<Result<Message, Error>>) -> Result<Option<Payload>, End> {
        let payload = match message {
            Some(Ok(Message::Text(text))) => Payload::Text(text),
            Some(Ok(Message::Binary(bytes))) => Payload::Binary(bytes),
            Some(Ok(Message::Pong(_))) => {
                self.pong_due = None;
                self.place.connection.answered_ping();
                return Ok(None);
            }
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => return Ok(None),
            Some(Ok(Message::Close(_))) => return Err(End::CLIENT),
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => return Err(End::TOO_LARGE),
            Some(Err(Error::Utf8(_))) => return Err(End::NOT_UTF8),
            Some(Err(Error::Protocol(error))) => return Err(protocol_end(&error)),
            Some(Err(_)) | None => return Err(End::LOST),
        };
        self.heard_at = Instant::now();
        Ok(Some(payload))
    }

    /// Tells the client why, waits for its answer, and lets the connection go.
    async fn part(mut self, end: End) {
        let kill_switch = self.place.connection.kill_switch.clone();
        if end == End::STUCK {
            return kill_switch.kill();
        }
        let parting = async {
            if let Some(code) = end.code {
                let frame = CloseFrame { code: code.into(), reason: end.reason.into() };
                self.socket.send(Message::Close(Some(frame))).await?;
            }
            if end == End::TOO_LARGE {
                // Left unread, it would have the connection reset, and the reason with it.
                discard(self.socket.get_mut()).await?;
            }
            // The answer to a close of the client's goes out by reading on, too.
            while let Some(message) = self.socket.next().await {
                message?;
            }
            Ok::<_, Error>(())
        };
        // Boxed, so that a connection that goes on has no room for its end.
        let parting = Box::pin(parting);
        if end != End::LOST && tokio::time::timeout(PART_WITHIN, parting).await.is_err() {
            kill_switch.kill();
        }
    }
}

/// Reads what the client still sends, to its end.
async fn discard(stream: &mut TokioIo<Upgraded>) -> Result<(), Error> {
    let mut rest = vec![0; DISCARD_BUFFER];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

fn poll_work(work: &mut Option<Work>, context: &mut Context<'_>) -> Poll<Result<(), End>> {
    work.as_mut().map_or(Poll::Pending, |work| work.poll_unpin(context))
}

/// A connection that broke off is a violation of the protocol too, in the library's eyes.
fn protocol_end(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> End {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    match error {
        ProtocolError::ResetWithoutClosingHandshake => End::LOST,
        _ => End::PROTOCOL,
    }
}

/// Pends until something outside of what is said ends the connection.
async fn ended(place: &Place, expiry: &mut Option<Pin<Box<Sleep>>>) -> End {
    let expired = async {
        match expiry {
            Some(expiry) => expiry.as_mut().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = place.connection.stopping.notified() => End::SHUTDOWN,
        () = expired => End::EXPIRED,
    }
}
