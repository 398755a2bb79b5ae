//! The WebSocket edge: `/ws`, `/ws/games/{id}` and `/ws/snapshots/{kind}/{id}`.
//!
//! What one client is told and asks for. Pings, bounds and the end are `ws`'s; who may come in is `http`'s.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_util::FutureExt as _;
use indexmap::IndexMap;
use syncline::{Session, SyncError};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    Snapshots, codes,
    messages::{self, Command},
    news::Held,
    topic::Topic,
    topics::{Seen, Watch},
};
use crate::{
    clock::millis_now,
    error::Locale,
    net::ClientAddress,
    ws::{Conversation, End, Next, Payload, Work},
};

/// How many topics one socket may watch.
const MAX_TOPICS: usize = 50;

/// How many messages in a row may be refused for the rate before the socket is closed.
const MAX_REFUSED: usize = 100;

/// One client's conversation.
pub(super) struct Talk {
    snapshots: Arc<Snapshots>,
    viewer: Arc<Session>,
    locale: Locale,
    address: ClientAddress,
    /// The topic that the URL names: without it the socket has no use.
    fixed: Option<Topic>,
    shared: Arc<Shared>,
    /// When the change was that is being told of.
    telling: Option<u64>,
    refused: usize,
}

/// What work that goes on by itself changes too.
#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    /// Answers that wait. Each is to something heard, and nothing is heard while one waits to be written.
    answers: VecDeque<Utf8Bytes>,
    watches: IndexMap<Topic, Watch<Held>>,
    /// Whose access is to be looked at.
    look: Vec<Topic>,
    waker: Option<Waker>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, text: Utf8Bytes) {
        let mut state = self.lock();
        state.answers.push_back(text);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Talk {
    pub(super) fn new(
        snapshots: Arc<Snapshots>,
        viewer: Arc<Session>,
        locale: Locale,
        address: ClientAddress,
        fixed: Option<Watch<Held>>,
    ) -> Self {
        let topic = fixed.as_ref().map(|watch| watch.channel.topic.clone());
        let watches = topic.clone().into_iter().zip(fixed).collect();
        let shared = Arc::new(Shared(Mutex::new(State { watches, ..State::default() })));
        Self { snapshots, viewer, locale, address, fixed: topic, shared, telling: None, refused: 0 }
    }

    fn game_id(&self) -> &str {
        self.fixed.as_ref().map_or("", Topic::id)
    }

    fn error(&self, error: &SyncError, topic: Option<&Topic>) -> Utf8Bytes {
        self.snapshots.metrics.error(error.code());
        let (code, message) = self.snapshots.errors.plain(error, self.locale);
        tracing::info!(
            game_id = topic.map_or("", Topic::id),
            user_id = self.viewer.user_id,
            reason = code,
            "a socket was told an error"
        );
        messages::error(&code, &message, topic)
    }

    fn subscribe(&self, topic: Topic) -> Option<Work> {
        let state = self.shared.lock();
        if state.watches.contains_key(&topic) {
            drop(state);
            self.shared.answer(messages::ack("subscribe", &topic));
            return None;
        }
        let is_full = state.watches.len() >= MAX_TOPICS;
        drop(state);
        if is_full {
            let error = codes::TOPIC_LIMIT.with("max", MAX_TOPICS);
            self.shared.answer(self.error(&error, Some(&topic)));
            return None;
        }
        let talk = self.clone_for_work();
        let work = async move {
            let watched = talk.snapshots.watch(&topic, &talk.viewer).await;
            let answer = match watched {
                Ok(watch) => {
                    talk.shared.lock().watches.insert(topic.clone(), watch);
                    messages::ack("subscribe", &topic)
                }
                Err(error) => talk.error(&error, Some(&topic)),
            };
            talk.shared.answer(answer);
            Ok(())
        };
        Some(work.boxed())
    }

    fn unsubscribe(&self, topic: &Topic) {
        let left = self.shared.lock().watches.shift_remove(topic);
        drop(left);
        self.shared.answer(messages::ack("unsubscribe", topic));
    }

    /// Looks whether the viewer may still watch these.
    fn look(&self, topics: Vec<Topic>) -> Work {
        let talk = self.clone_for_work();
        let work = async move {
            for topic in topics {
                let Some(source) = talk.snapshots.sources.get(topic.kind()) else { continue };
                if source.may_watch(topic.id(), &talk.viewer).await {
                    continue;
                }
                if talk.fixed.as_ref() == Some(&topic) {
                    return Err(End::WITHDRAWN);
                }
                let left = talk.shared.lock().watches.shift_remove(&topic);
                drop(left);
                talk.shared.answer(talk.error(&codes::FORBIDDEN.into(), Some(&topic)));
            }
            Ok(())
        };
        work.boxed()
    }

    fn clone_for_work(&self) -> Self {
        Self {
            snapshots: Arc::clone(&self.snapshots),
            viewer: Arc::clone(&self.viewer),
            locale: self.locale,
            address: self.address,
            fixed: self.fixed.clone(),
            shared: Arc::clone(&self.shared),
            telling: None,
            refused: 0,
        }
    }

    fn poll_watches(&mut self, waker: &Waker) -> Poll<Utf8Bytes> {
        let mut state = self.shared.lock();
        let State { watches, look, .. } = &mut *state;
        let mut refusal = None;
        for (topic, watch) in &*watches {
            while let Poll::Ready(seen) = watch.poll(waker) {
                match seen {
                    Seen::Snapshot(frame) => {
                        self.telling = frame.changed_at;
                        return Poll::Ready(frame.text);
                    }
                    Seen::Look => look.push(topic.clone()),
                    Seen::Refusal(error) => {
                        refusal = Some((error, topic.clone()));
                        break;
                    }
                }
            }
            if refusal.is_some() {
                break;
            }
        }
        drop(state);
        match refusal {
            Some((error, topic)) => Poll::Ready(self.error(&error, Some(&topic))),
            None => Poll::Pending,
        }
    }
}

impl Conversation for Talk {
    fn began(&mut self) {
        let (game_id, user_id) = (self.game_id(), &*self.viewer.user_id);
        tracing::info!(game_id, user_id, reason = "authorized", "a socket connected");
    }

    fn hear(&mut self, payload: Payload) -> Result<Option<Work>, End> {
        if let Err(retry) = self.snapshots.limits.check_address(self.address) {
            self.refused += 1;
            if self.refused > MAX_REFUSED {
                return Err(End::ABUSE);
            }
            let error = syncline::codes::RATE_LIMITED.with("seconds", retry.0);
            self.shared.answer(self.error(&error, None));
            return Ok(None);
        }
        self.refused = 0;
        let command = match &payload {
            Payload::Text(text) => Command::read(text),
            Payload::Binary(_) => None,
        };
        match command {
            Some(Command::Subscribe(topic)) => return Ok(self.subscribe(topic)),
            Some(Command::Unsubscribe(topic)) => self.unsubscribe(&topic),
            Some(Command::Ping) => self.shared.answer(messages::pong()),
            None => self.shared.answer(self.error(&codes::BAD_REQUEST.into(), None)),
        }
        Ok(None)
    }

    fn poll_next(&mut self, context: &mut Context<'_>, busy: bool) -> Poll<Next> {
        let mut state = self.shared.lock();
        if let Some(answer) = state.answers.pop_front() {
            self.telling = None;
            return Poll::Ready(Next::Say(Payload::Text(answer)));
        }
        state.waker = Some(context.waker().clone());
        drop(state);
        if let Poll::Ready(text) = self.poll_watches(context.waker()) {
            return Poll::Ready(Next::Say(Payload::Text(text)));
        }
        let look = if busy { Vec::new() } else { std::mem::take(&mut self.shared.lock().look) };
        if look.is_empty() { Poll::Pending } else { Poll::Ready(Next::Do(self.look(look))) }
    }

    fn said(&mut self) {
        if let Some(changed_at) = self.telling.take() {
            let took = millis_now().saturating_sub(changed_at);
            self.snapshots.counts().delivery_seconds.record(took as f64 / 1000.0);
        }
    }

    fn is_idle(&self) -> bool {
        self.shared.lock().watches.is_empty()
    }

    fn pinged(&mut self) {
        let mut state = self.shared.lock();
        state.look = state.watches.keys().cloned().collect();
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn ended(&mut self, end: End) {
        let (game_id, user_id) = (self.game_id(), &*self.viewer.user_id);
        tracing::info!(game_id, user_id, reason = end.reason, "a socket disconnected");
    }
}
