//! Who is in which workspace on the other nodes: what each node says, and for how long that counts.
//!
//! Nothing of it is kept: a node says who is there when that changes and every few seconds, and whoever is silent for
//! longer is forgotten, with all its users.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior},
};

use super::{
    Replication,
    nats::{Failed, Nats},
    subject,
};
use crate::workspaces::id::WorkspaceId;

/// How often a node says who is there.
const BEAT: Duration = Duration::from_secs(5);

/// For how long what a node said counts.
const SILENT: Duration = Duration::from_secs(15);

/// How often it is looked who has fallen silent.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many workspaces of other nodes are remembered.
const MAX_HEARD: usize = 100_000;

/// The form of messages.
const FORMAT: u8 = 1;

/// Users' ids.
type Users = BTreeSet<Arc<str>>;

/// What a node says of a workspace.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    version: u8,
    /// A name that each process has of its own: two nodes may be configured with the same id.
    node: Arc<str>,
    users: Users,
    /// Whether the others are to say who is there, too.
    asks: bool,
}

/// What is said, and what was heard.
pub(super) struct Voice {
    node: Arc<str>,
    heard: Mutex<Heard>,
    /// Where who is there has changed, and whether the others are asked.
    to_say: Mutex<HashMap<WorkspaceId, bool>>,
    wake: Notify,
}

/// What each node said last of a workspace, and when.
type Nodes = BTreeMap<Arc<str>, (Users, Instant)>;

/// What was heard.
#[derive(Default)]
struct Heard {
    workspaces: HashMap<WorkspaceId, Nodes>,
    /// How many nodes there are in all of them.
    count: usize,
}

impl Heard {
    /// A node says who is there; whether that is news.
    fn hear(&mut self, id: &WorkspaceId, node: Arc<str>, users: Users, now: Instant) -> bool {
        if users.is_empty() {
            return self.forget(id, |other, _| *other == node);
        }
        let is_known = self.workspaces.get(id).is_some_and(|nodes| nodes.contains_key(&node));
        if !is_known && self.count >= MAX_HEARD {
            return false;
        }
        self.count += usize::from(!is_known);
        let nodes = self.workspaces.entry(id.clone()).or_default();
        let before = nodes.insert(node, (users.clone(), now));
        before.is_none_or(|(before, _)| before != users)
    }

    /// Forgets nodes; whether there were any.
    fn forget(&mut self, id: &WorkspaceId, which: impl Fn(&Arc<str>, Instant) -> bool) -> bool {
        let Some(nodes) = self.workspaces.get_mut(id) else { return false };
        let before = nodes.len();
        nodes.retain(|node, (_, at)| !which(node, *at));
        let gone = before - nodes.len();
        self.count -= gone;
        if nodes.is_empty() {
            self.workspaces.remove(id);
        }
        gone > 0
    }

    /// Forgets whoever has been silent for too long; where there was somebody.
    fn expire(&mut self, now: Instant) -> Vec<WorkspaceId> {
        let is_silent = |at: Instant| now.duration_since(at) > SILENT;
        let with_silent =
            self.workspaces.iter().filter(|(_, nodes)| nodes.values().any(|(_, at)| is_silent(*at)));
        let ids: Vec<_> = with_silent.map(|(id, _)| id.clone()).collect();
        for id in &ids {
            self.forget(id, |_, at| is_silent(at));
        }
        ids
    }

    fn users(&self, id: &WorkspaceId) -> Users {
        let nodes = self.workspaces.get(id).into_iter().flat_map(BTreeMap::values);
        nodes.flat_map(|(users, _)| users.iter().cloned()).collect()
    }
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            node: uuid::Uuid::new_v4().simple().to_string().into(),
            heard: Mutex::default(),
            to_say: Mutex::default(),
            wake: Notify::new(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Replication {
    /// Who is in a workspace on other nodes.
    pub(in super::super) fn elsewhere(&self, id: &WorkspaceId) -> Users {
        lock(&self.presence.heard).users(id)
    }

    /// Who is in a workspace has changed here. `asks`: somebody came who wants to know who else is there.
    pub(in super::super) fn presence_changed(&self, id: &WorkspaceId, asks: bool) {
        // While NATS is away nothing is kept: all is said when it is back.
        if self.is_up() {
            *lock(&self.presence.to_say).entry(id.clone()).or_default() |= asks;
            self.presence.wake.notify_one();
        }
    }

    /// Says who is here and hears who is elsewhere, until something goes wrong.
    pub(super) async fn hear_presence(&self, nats: &Nats) -> Failed {
        lock(&self.presence.to_say).clear();
        let mut heard = match nats.listen(subject::ALL_PRESENCE).await {
            Ok(heard) => heard,
            Err(failed) => return failed,
        };
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_first = true;
        loop {
            let said = tokio::select! {
                message = heard.next() => match message {
                    Some(message) => { self.heard(&message.subject, &message.payload); Ok(()) }
                    None => return Failed::new("no presence", "it ended"),
                },
                () = self.presence.wake.notified() => {
                    let to_say = std::mem::take(&mut *lock(&self.presence.to_say));
                    self.say_all(nats, to_say.into_iter().map(|(id, asks)| (id, asks, true))).await
                }
                _ = beats.tick() => {
                    let asks = std::mem::take(&mut is_first);
                    let all = self.live().map_or_else(Vec::new, |live| live.all());
                    self.say_all(nats, all.into_iter().map(|workspace| (workspace.id.clone(), asks, false))).await
                }
            };
            if let Err(failed) = said {
                return failed;
            }
        }
    }

    async fn say_all(
        &self,
        nats: &Nats,
        workspaces: impl Iterator<Item = (WorkspaceId, bool, bool)>,
    ) -> Result<(), Failed> {
        for (id, asks, even_nobody) in workspaces {
            let here = self.live().and_then(|live| live.get(&id)).map(|workspace| workspace.users_here());
            let mut users: Users = here.unwrap_or_default();
            if users.is_empty() && !even_nobody {
                continue;
            }
            let body = loop {
                let said = Said { version: FORMAT, node: Arc::clone(&self.presence.node), users, asks };
                let body = serde_json::to_vec(&said).unwrap_or_default();
                if body.len() <= nats.max_body() {
                    break body;
                }
                // Of so many not all are shown elsewhere.
                let half = said.users.len() / 2;
                users = said.users.into_iter().take(half).collect();
            };
            nats.say(subject::presence(&id), body.into()).await?;
        }
        Ok(())
    }

    fn heard(&self, subject: &str, body: &[u8]) {
        let said = serde_json::from_slice::<Said>(body).ok().filter(|said| said.version == FORMAT);
        let (Some(id), Some(said)) = (subject::of_presence(subject), said) else {
            return self.malformed("who is there", "it cannot be read");
        };
        if said.node == self.presence.node {
            return;
        }
        let is_news = lock(&self.presence.heard).hear(&id, said.node, said.users, Instant::now());
        let Some(workspace) = self.live().and_then(|live| live.get(&id)) else { return };
        if is_news {
            workspace.tell_presence();
        }
        if said.asks {
            self.presence_changed(&id, false);
        }
    }

    /// Forgets who is silent, for as long as the server runs.
    pub(super) async fn expire_presence(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let gone = lock(&self.presence.heard).expire(Instant::now());
            for workspace in gone.iter().filter_map(|id| self.live()?.get(id)) {
                workspace.tell_presence();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(names: &[&str]) -> Users {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_silent_is_forgotten() {
        let (mut heard, id) = (Heard::default(), WorkspaceId::parse("w").unwrap());
        assert!(heard.hear(&id, "one".into(), users(&["ada"]), Instant::now()));
        assert!(heard.hear(&id, "two".into(), users(&["ada", "bob"]), Instant::now()));
        assert!(!heard.hear(&id, "two".into(), users(&["ada", "bob"]), Instant::now()), "that is no news");
        tokio::time::advance(SILENT).await;
        assert!(!heard.hear(&id, "one".into(), users(&["ada"]), Instant::now()));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(heard.users(&id), users(&["ada", "bob"]));
        assert_eq!(heard.expire(Instant::now()), std::slice::from_ref(&id));
        assert_eq!((heard.users(&id), heard.count), (users(&["ada"]), 1));
        assert!(heard.hear(&id, "one".into(), users(&[]), Instant::now()));
        assert_eq!((heard.workspaces.len(), heard.count), (0, 0));
        assert!(!heard.hear(&id, "one".into(), users(&[]), Instant::now()));
    }

    #[test]
    fn it_has_a_bound() {
        let mut heard = Heard::default();
        let now = Instant::now();
        for number in 0..=MAX_HEARD {
            let id = WorkspaceId::parse(&number.to_string()).unwrap();
            assert_eq!(heard.hear(&id, "one".into(), users(&["ada"]), now), number < MAX_HEARD);
        }
    }
}
