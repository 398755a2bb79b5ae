//! A peer's documents and what is done about them: opened, told on, taken from. `peer` is how that is heard and said.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use automerge::Change;
use bytes::Bytes;
use indexmap::IndexMap;
use syncline::{ErrorCode, Session, SyncError, SyncResult, codes as framework};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    Peers,
    exchange::{Endless, Exchange, are_sound},
    frame::Said,
    gossip::Listener,
    message::{self, Unread},
};
use crate::{
    auth::Access,
    clock::micros_now,
    codes as shared,
    error::Locale,
    net::ClientAddress,
    workspaces::{
        Workspaces, codes,
        live::{Presence, Workspace},
        owner::{Origin, What},
        stamp::Stamp,
    },
    ws::{End, Watcher},
};

/// How many documents one connection may have.
const MAX_DOCUMENTS: usize = 256;

/// How many messages in a row may be refused before the connection is closed.
const MAX_REFUSED: usize = 100;

/// Who is connected.
pub(in crate::workspaces) struct Visitor {
    pub(in crate::workspaces) session: Arc<Session>,
    pub(in crate::workspaces) session_id: Arc<str>,
    pub(in crate::workspaces) locale: Locale,
    pub(in crate::workspaces) address: ClientAddress,
}

/// A connection's documents, and who asks.
pub(super) struct Visit {
    pub(super) workspaces: Arc<Workspaces>,
    pub(super) visitor: Visitor,
    pub(super) user: Arc<str>,
    desk: Mutex<Desk>,
}

/// What is open, and what is to be said.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) open: IndexMap<Box<str>, Opened>,
    /// Answers to what was heard last.
    pub(super) said: VecDeque<Vec<u8>>,
    /// That all is said, and then the connection ends.
    pub(super) closing: Option<End>,
    refused: usize,
}

/// A document that is open.
pub(super) struct Opened {
    workspace: Arc<Workspace>,
    access: Access,
    pub(super) watcher: Watcher<Utf8Bytes>,
    pub(super) listener: Listener,
    /// Gone while somebody works with it.
    exchange: Option<Exchange>,
    _presence: Presence,
}

/// Why something heard came to nothing: what is said of it, and whether that is the end.
struct Refusal(SyncError, Option<End>);

impl From<SyncError> for Refusal {
    fn from(error: SyncError) -> Self {
        Self(error, Some(End::FAILED))
    }
}

fn unsound(reason: &'static str, end: End) -> Refusal {
    Refusal(codes::INVALID_OP.with("reason", reason), Some(end))
}

/// Nobody closes the semaphores.
fn closed() -> SyncError {
    framework::INTERNAL.into()
}

impl Visit {
    pub(super) fn new(workspaces: Arc<Workspaces>, visitor: Visitor) -> Self {
        let user = visitor.session.user_id.as_str().into();
        Self { workspaces, visitor, user, desk: Mutex::default() }
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn peers(&self) -> &Peers {
        &self.workspaces.peers
    }

    pub(super) fn say(&self, said: Said<'_>, peer: &str) {
        let said = said.write(&self.peers().name, peer);
        self.desk().said.push_back(said);
    }

    /// Says what is wrong; the connection ends if there is an end, or when that goes on and on.
    pub(super) fn refuse(&self, error: &SyncError, end: Option<End>, peer: &str) {
        self.workspaces.metrics.error(error.code());
        let (code, message) = self.workspaces.errors.plain(error, self.visitor.locale);
        self.say(Said::Error(&format!("{code}: {message}")), peer);
        let mut desk = self.desk();
        desk.refused += 1;
        let too_often = (desk.refused > MAX_REFUSED).then_some(End::ABUSE);
        desk.closing = desk.closing.or(end).or(too_often);
    }

    pub(super) fn refuse_as(&self, code: ErrorCode, end: Option<End>, peer: &str) {
        self.refuse(&code.into(), end, peer);
    }

    /// Waits until the rates let this one say more: nothing of a sync may be left out.
    async fn slow_down(&self) {
        let rates = &self.workspaces.rates;
        let limited =
            || rates.check_address(self.visitor.address).and_then(|()| rates.check_workspaces(&self.user));
        while let Err(retry) = limited() {
            tokio::time::sleep(Duration::from_secs(retry.0.max(1))).await;
        }
    }

    /// Takes in a sync message and answers.
    pub(super) async fn hear(&self, id: &str, data: Bytes, counts: bool, peer: &str) {
        if counts {
            self.slow_down().await;
        }
        if !self.desk().open.contains_key(id) {
            match self.find(id).await {
                Ok(Some(opened)) => self.desk().open.insert(id.into(), opened),
                Ok(None) => return self.say(Said::Unavailable(id), peer),
                Err(error) => return self.refuse(&error, Some(End::FAILED), peer),
            };
        }
        self.go_on(id, Some(data), peer).await;
    }

    /// The document, if it is there and may be read.
    async fn find(&self, id: &str) -> SyncResult<Option<Opened>> {
        let is_id = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_id || self.desk().open.len() >= MAX_DOCUMENTS {
            return Ok(None);
        }
        let Some(workspace) = self.workspaces.live.find(id).await? else { return Ok(None) };
        let access = Access::to(&self.visitor.session, "workspaces", workspace.as_str())
            .ok()
            .filter(|access| access.read);
        let Some(access) = access else { return Ok(None) };
        let workspace = self.workspaces.live.open(&workspace);
        Ok(Some(Opened {
            access,
            watcher: workspace.feed.watch(false),
            listener: workspace.gossip.listen(),
            exchange: Some(Exchange::new(access.write)),
            _presence: workspace.enter(Arc::clone(&self.user)),
            workspace,
        }))
    }

    /// Goes on with a document: takes in what was heard, if anything was, and says what there is to say.
    pub(super) async fn go_on(&self, id: &str, heard: Option<Bytes>, peer: &str) {
        let taken =
            self.desk().open.get_mut(id).and_then(|opened| {
                Some((Arc::clone(&opened.workspace), opened.access, opened.exchange.take()?))
            });
        let Some((workspace, access, exchange)) = taken else { return };
        let was_heard = heard.is_some();
        match self.exchange(&workspace, access, exchange, heard, peer).await {
            Ok((exchange, position, answer)) => {
                if let Some(answer) = answer {
                    self.say(Said::Sync(id, &answer), peer);
                }
                let mut desk = self.desk();
                if was_heard && access.write {
                    desk.refused = 0;
                }
                if let Some(opened) = desk.open.get_mut(id) {
                    opened.watcher.has_state(position);
                    opened.exchange = Some(exchange);
                }
            }
            Err(Refusal(error, end)) => self.refuse(&error, end, peer),
        }
    }

    async fn exchange(
        &self,
        workspace: &Workspace,
        access: Access,
        mut exchange: Exchange,
        heard: Option<Bytes>,
        peer: &str,
    ) -> Result<(Exchange, u64, Option<Vec<u8>>), Refusal> {
        let message = match heard {
            Some(data) => Some(self.take(workspace, access, &mut exchange, data, peer).await?),
            None => None,
        };
        let _turn = self.peers().at_a_time.acquire().await.map_err(|_| closed())?;
        let copy = workspace.read(|reading| (reading.document.copy(), reading.position));
        let (mut document, position) = copy.await?;
        let answering = tokio::task::spawn_blocking(move || {
            let answer = exchange.answer(&mut document, message);
            answer.map(|answer| (exchange, answer))
        });
        match answering.await {
            Ok(Ok((exchange, answer))) => Ok((exchange, position, answer)),
            Ok(Err(_)) | Err(_) => Err(unsound("a sync message that cannot be answered", End::PROTOCOL)),
        }
    }

    /// Takes the changes out of a message and has them made.
    async fn take(
        &self,
        workspace: &Workspace,
        access: Access,
        exchange: &mut Exchange,
        data: Bytes,
        peer: &str,
    ) -> Result<(automerge::sync::Message, bool), Refusal> {
        let peers = self.peers();
        let turn = peers.at_a_time.acquire().await.map_err(|_| closed())?;
        let bounds = peers.bounds;
        let read = tokio::task::spawn_blocking(move || message::read(&data, bounds, access.write)).await;
        let incoming = match read {
            Ok(Ok(incoming)) => incoming,
            Ok(Err(Unread::TooLarge)) => {
                let error = shared::PAYLOAD_TOO_LARGE.with("max", bounds.bytes);
                return Err(Refusal(error, Some(End::TOO_LARGE)));
            }
            Ok(Err(Unread::Malformed)) | Err(_) => {
                return Err(unsound("no sync message", End::PROTOCOL));
            }
        };
        let units = peers.on_the_way.acquire_many(Peers::units(incoming.bytes)).await;
        let _on_the_way = units.map_err(|_| closed())?;
        drop(turn);
        let came = incoming.changes.len();
        if !access.write {
            if incoming.had_changes {
                self.refuse_as(codes::PERMISSION_DENIED, None, peer);
            }
            return Ok((incoming.message, false));
        }
        let changes = exchange.with_held(incoming.changes);
        if !changes.is_empty() {
            let missing = self.make(workspace, exchange, changes, peer).await?;
            let held = exchange.hold(missing, bounds.bytes, came);
            held.map_err(|Endless| unsound("changes whose origin never comes", End::ABUSE))?;
        }
        Ok((incoming.message, incoming.had_changes))
    }

    /// Has changes made; those of which something before them is missing.
    async fn make(
        &self,
        workspace: &Workspace,
        exchange: &mut Exchange,
        changes: Vec<Change>,
        peer: &str,
    ) -> Result<Vec<Change>, Refusal> {
        let turn = self.peers().at_a_time.acquire().await.map_err(|_| closed())?;
        let look = workspace.read(move |reading| (reading.document.admit(changes), reading.document.copy()));
        let (admitted, copy) = look.await?;
        let Some((ready, missing)) = admitted else {
            return Err(unsound("changes in another's name, or of ops that there never were", End::ABUSE));
        };
        if ready.is_empty() {
            return Ok(missing);
        }
        let trying = tokio::task::spawn_blocking(move || are_sound(copy, &ready).then_some(ready)).await;
        drop(turn);
        let Ok(Some(ready)) = trying else {
            return Err(unsound("changes that cannot be made", End::PROTOCOL));
        };
        let region = Arc::clone(&self.workspaces.region);
        let stamp = Stamp::new(Arc::clone(&self.user), None, micros_now(), region);
        match workspace.change(What::Merge(ready, Origin::Peer), stamp).await {
            Ok(_done) => Ok(missing),
            Err(error) if error.code() == codes::WORKSPACE_FULL => {
                exchange.take_no_more();
                self.refuse(&error, None, peer);
                Ok(Vec::new())
            }
            Err(error) if error.code() == codes::INVALID_OP => Err(Refusal(error, Some(End::PROTOCOL))),
            Err(error) => Err(error.into()),
        }
    }
}
