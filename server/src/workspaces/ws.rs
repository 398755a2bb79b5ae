//! The WebSocket edge: one client's conversation about one workspace.
//!
//! Pings, bounds and the end are `ws`'s; who may come in is `http`'s; what comes of an op is the owner's.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use automerge::ChangeHash;
use futures_util::FutureExt as _;
use syncline::{Session, SyncError, SyncResult};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    Workspaces, codes,
    live::{Presence, Workspace},
    messages::{self, Heard, Op, Refusal},
    owner::{Ask, Done, Reply, What},
    stamp::Stamp,
    webhook::{self, Event},
};
use crate::{
    auth::Access,
    clock::micros_now,
    error::Locale,
    net::ClientAddress,
    ws::{Conversation, End, Next, Payload, Seen, Watcher, Work},
};

/// How many ops of one socket may be under way; it is not listened to further until there are fewer.
const MAX_UNDER_WAY: usize = 64;

/// How many messages in a row may be refused for the rate before the socket is closed.
const MAX_REFUSED: usize = 100;

/// Who talks, and how.
pub(super) struct Client {
    pub(super) session: Arc<Session>,
    pub(super) session_id: Arc<str>,
    pub(super) access: Access,
    pub(super) locale: Locale,
    pub(super) address: ClientAddress,
    /// The heads that it has, if it has been here before.
    pub(super) heads: Option<Vec<ChangeHash>>,
    /// Whether it wants to be told who is there.
    pub(super) presence: bool,
}

/// One client's conversation.
pub(super) struct Talk {
    workspaces: Arc<Workspaces>,
    workspace: Arc<Workspace>,
    user: Arc<str>,
    client: Client,
    watcher: Watcher<Utf8Bytes>,
    shared: Arc<Shared>,
    under_way: Arc<Semaphore>,
    refused: usize,
    presence: Option<Presence>,
}

/// What others change too.
#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    /// Answers that wait: at most one for each op under way, and one to what was heard last.
    answers: VecDeque<Utf8Bytes>,
    /// The state to begin with, and where in the feed it is.
    state: Option<(Utf8Bytes, u64)>,
    waker: Option<Waker>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn answer(&self, text: Utf8Bytes) {
        self.change(|state| state.answers.push_back(text));
    }
}

impl Talk {
    pub(super) fn new(workspaces: Arc<Workspaces>, workspace: Arc<Workspace>, client: Client) -> Self {
        Self {
            watcher: workspace.feed.watch(client.presence),
            user: client.session.user_id.as_str().into(),
            workspaces,
            workspace,
            client,
            shared: Arc::default(),
            under_way: Arc::new(Semaphore::new(MAX_UNDER_WAY)),
            refused: 0,
            presence: None,
        }
    }

    fn tell_webhook(&self, event: impl FnOnce(webhook::Presence) -> Event) {
        if let Some(webhooks) = &self.workspaces.webhooks {
            let (user_id, session_id) = (Arc::clone(&self.user), Some(Arc::clone(&self.client.session_id)));
            webhooks.tell(&self.workspace.id, event(webhook::Presence { user_id, session_id }));
        }
    }

    fn teller(&self) -> Teller {
        Teller {
            workspaces: Arc::clone(&self.workspaces),
            shared: Arc::clone(&self.shared),
            locale: self.client.locale,
        }
    }

    /// The next state to begin with, or what this client has missed.
    fn fetch(&mut self) -> Work {
        let heads = self.client.heads.take();
        let (workspace, teller) = (Arc::clone(&self.workspace), self.teller());
        let work = async move {
            let read = workspace.read(move |mut reading| {
                let since = heads.and_then(|heads| reading.document.since(&heads));
                let text = match since {
                    Some(touched) => messages::resume(&touched, &reading.document.heads()),
                    None => reading.init(),
                };
                (text, reading.position)
            });
            match read.await {
                Ok(state) => {
                    teller.workspaces.metrics.workspaces.inits.increment(1);
                    teller.shared.change(|shared| shared.state = Some(state));
                    Ok(())
                }
                Err(error) => {
                    teller.workspaces.metrics.error(error.code());
                    Err(End::FAILED)
                }
            }
        };
        work.boxed()
    }

    fn op(&self, op: Op) -> Option<Work> {
        let Op { id, edit, timestamp } = op;
        let (user, region) = (Arc::clone(&self.user), Arc::clone(&self.workspaces.region));
        let mut stamp = Stamp::new(user, id.clone(), micros_now(), region);
        stamp.shown = timestamp;
        let (workspace, under_way) = (Arc::clone(&self.workspace), Arc::clone(&self.under_way));
        let (teller, what) = (self.teller(), What::Edit(edit));
        let Ok(permit) = Arc::clone(&under_way).try_acquire_owned() else {
            let work = async move {
                let permit = under_way.acquire_owned().await.map_err(|_| End::FAILED)?;
                let ask = Ask { what, stamp, reply: teller.reply(id, permit) };
                workspace.ask(ask).await.map_err(|_| End::FAILED)
            };
            return Some(work.boxed());
        };
        let ask = self.workspace.try_ask(Ask { what, stamp, reply: teller.reply(id, permit) }).err()?;
        Some(async move { workspace.ask(*ask).await.map_err(|_| End::FAILED) }.boxed())
    }
}

/// Tells the client, from wherever.
struct Teller {
    workspaces: Arc<Workspaces>,
    shared: Arc<Shared>,
    locale: Locale,
}

impl Teller {
    fn error(&self, error: &SyncError, id: Option<&str>) {
        self.workspaces.metrics.error(error.code());
        let (code, message) = self.workspaces.errors.plain(error, self.locale);
        self.shared.answer(messages::error(&code, &message, error, id));
    }

    /// Tells what came of an op. What everybody is told of it is in the feed by then.
    fn reply(self, id: Option<Arc<str>>, permit: OwnedSemaphorePermit) -> Reply {
        Box::new(move |result: SyncResult<Done>| {
            match (&result, &id) {
                (Ok(done), Some(id)) => self.shared.answer(messages::ack(id, &done.heads)),
                (Ok(_), None) => {}
                (Err(error), id) => self.error(error, id.as_deref()),
            }
            drop(permit);
        })
    }
}

impl Conversation for Talk {
    fn began(&mut self) {
        let (workspace, user_id) = (self.workspace.id.as_str(), &*self.user);
        tracing::info!(workspace, user_id, session = &*self.client.session_id, "a socket connected");
        self.presence = Some(self.workspace.enter(Arc::clone(&self.user)));
        self.tell_webhook(Event::Connected);
    }

    fn hear(&mut self, payload: Payload) -> Result<Option<Work>, End> {
        if let Err(retry) = self.workspaces.limited(self.client.address, &self.user) {
            self.refused += 1;
            if self.refused > MAX_REFUSED {
                return Err(End::ABUSE);
            }
            let id = match &payload {
                Payload::Text(text) => messages::id_in(text),
                Payload::Binary(_) => None,
            };
            self.teller().error(&retry, id.as_deref());
            return Ok(None);
        }
        self.refused = 0;
        let heard = match &payload {
            Payload::Text(text) => messages::read(text, self.workspaces.limits),
            Payload::Binary(_) => Err(Refusal::binary()),
        };
        match heard {
            Ok(Heard::Ping) => self.shared.answer(messages::pong()),
            Ok(Heard::Op(op)) if self.client.access.write => return Ok(self.op(op)),
            Ok(Heard::Op(op)) => {
                self.teller().error(&codes::PERMISSION_DENIED.into(), op.id.as_deref());
            }
            Err(Refusal { id, error }) => self.teller().error(&error, id.as_deref()),
        }
        Ok(None)
    }

    /// What everybody is told comes before the answers: an answer to an op follows what is told of it.
    fn poll_next(&mut self, context: &mut Context<'_>, busy: bool) -> Poll<Next> {
        let say = |text| Poll::Ready(Next::Say(Payload::Text(text)));
        if let Some((text, position)) = self.shared.lock().state.take() {
            self.watcher.has_state(position);
            return say(text);
        }
        let seen = self.watcher.poll(context.waker());
        let mut shared = self.shared.lock();
        shared.waker = Some(context.waker().clone());
        match seen {
            Poll::Ready(Seen::Frame(text)) => say(text),
            Poll::Ready(Seen::Behind) if busy => Poll::Pending,
            Poll::Ready(Seen::Behind) => {
                drop(shared);
                Poll::Ready(Next::Do(self.fetch()))
            }
            Poll::Pending => shared.answers.pop_front().map_or(Poll::Pending, say),
        }
    }

    /// Whoever is here is told of every change.
    fn is_idle(&self) -> bool {
        false
    }

    fn ended(&mut self, end: End) {
        self.presence = None;
        self.tell_webhook(Event::Disconnected);
        let (workspace, user_id) = (self.workspace.id.as_str(), &*self.user);
        let (session, reason) = (&*self.client.session_id, end.reason);
        tracing::info!(workspace, user_id, session, reason, "a socket disconnected");
    }
}
