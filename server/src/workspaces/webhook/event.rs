//! What is told: events as they wait on disk, how updates become one, and the body that is sent. Free of IO.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock;

/// How many keys an event lists, and how many heads.
const MAX_LISTED: usize = 1_000;

/// How many users an event lists.
const MAX_USERS: usize = 100;

/// What happened in a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Event {
    /// Its document was changed.
    #[serde(rename = "doc.updated")]
    Updated(Updated),
    /// Somebody's socket came.
    #[serde(rename = "client.connected")]
    Connected(Presence),
    /// Somebody's socket went.
    #[serde(rename = "client.disconnected")]
    Disconnected(Presence),
}

/// Changes of a document: one, or many that became one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Updated {
    /// Who made them, in the order of the last that each made.
    user_ids: Vec<Arc<str>>,
    /// What they changed, in the order of the first change of each.
    keys: Vec<Arc<str>>,
    /// Where the document was after the last.
    heads: Vec<Arc<str>>,
    /// How many they are.
    updates: u64,
    /// Which of the lists above lack something.
    truncated: Vec<List>,
}

/// A list of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum List {
    UserIds,
    Keys,
    Heads,
}

/// Whose socket came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Presence {
    /// The user.
    pub(crate) user_id: Arc<str>,
    /// Which of their sockets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) session_id: Option<Arc<str>>,
}

impl Event {
    /// So many changes of a document: by these users, the last of them last, of these keys, after which it is at these
    /// heads.
    pub(crate) fn updated(
        updates: u64,
        user_ids: impl IntoIterator<Item = Arc<str>>,
        keys: impl IntoIterator<Item = Arc<str>>,
        heads: impl IntoIterator<Item = Arc<str>>,
    ) -> Self {
        let none = Updated {
            user_ids: Vec::new(),
            keys: Vec::new(),
            heads: Vec::new(),
            updates: 0,
            truncated: Vec::new(),
        };
        let these = Updated {
            user_ids: user_ids.into_iter().collect(),
            keys: keys.into_iter().collect(),
            heads: heads.into_iter().collect(),
            updates,
            truncated: Vec::new(),
        };
        let mut listed = HashSet::new();
        let mut all = none;
        all.add(these, &mut listed);
        Self::Updated(all)
    }
}

impl Updated {
    /// Adds later changes. `listed` are the keys that are in the list.
    fn add(&mut self, later: Self, listed: &mut HashSet<Arc<str>>) {
        let Self { user_ids, keys, mut heads, updates, truncated } = later;
        for user in user_ids {
            self.user_ids.retain(|known| *known != user);
            self.user_ids.push(user);
        }
        let mut cut: Vec<List> = truncated;
        cut.extend(self.truncated.iter().filter(|list| **list != List::Heads));
        if self.user_ids.len() > MAX_USERS {
            self.user_ids.drain(..self.user_ids.len() - MAX_USERS);
            cut.push(List::UserIds);
        }
        for key in keys {
            if listed.contains(&key) {
                continue;
            }
            if self.keys.len() == MAX_LISTED {
                cut.push(List::Keys);
                break;
            }
            listed.insert(Arc::clone(&key));
            self.keys.push(key);
        }
        if heads.len() > MAX_LISTED {
            heads.truncate(MAX_LISTED);
            cut.push(List::Heads);
        }
        self.heads = heads;
        self.updates = self.updates.saturating_add(updates);
        cut.sort_unstable();
        cut.dedup();
        self.truncated = cut;
    }
}

/// An event as it waits on disk; one that many became has the ids of the first and the last of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    first: Uuid,
    pub(super) last: Uuid,
    /// When it happened, the last of it, in milliseconds since 1970.
    pub(super) at: u64,
    pub(super) event: Event,
}

impl Stored {
    pub(super) fn new(event: Event, at: u64) -> Self {
        let id = Uuid::now_v7();
        Self { first: id, last: id, at, event }
    }

    pub(super) fn is_update(&self) -> bool {
        matches!(self.event, Event::Updated(_))
    }

    /// What is written to disk.
    pub(super) fn to_bytes(&self) -> Bytes {
        // Strings and numbers: there is nothing that could not be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// About how much it takes.
    pub(super) fn size(&self) -> usize {
        let texts = |texts: &[Arc<str>]| texts.iter().map(|text| text.len() + 16).sum::<usize>();
        match &self.event {
            Event::Updated(all) => 256 + texts(&all.user_ids) + texts(&all.keys) + texts(&all.heads),
            Event::Connected(who) | Event::Disconnected(who) => 256 + who.user_id.len(),
        }
    }

    /// The id of its message. What became one in any other way has another: a receiver that drops what it had once
    /// loses nothing.
    pub(super) fn message_id(&self) -> String {
        if self.first == self.last {
            return format!("msg_{}", self.last.simple());
        }
        format!("msg_{}_{}", self.first.simple(), self.last.simple())
    }

    /// The body of its message, the same each time.
    pub(super) fn body(&self, workspace: &str) -> Bytes {
        let (r#type, data) = match &self.event {
            Event::Updated(all) => {
                let user_id = all.user_ids.last().map(|user| &**user);
                ("doc.updated", Data::Updated { workspace_id: workspace, user_id, all })
            }
            Event::Connected(who) => ("client.connected", Data::Presence { workspace_id: workspace, who }),
            Event::Disconnected(who) => {
                ("client.disconnected", Data::Presence { workspace_id: workspace, who })
            }
        };
        let body = Body { r#type, timestamp: clock::rfc3339(self.at), data };
        serde_json::to_vec(&body).unwrap_or_default().into()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Updated {
        workspace_id: &'a str,
        user_id: Option<&'a str>,
        #[serde(flatten)]
        all: &'a Updated,
    },
    Presence {
        workspace_id: &'a str,
        #[serde(flatten)]
        who: &'a Presence,
    },
}

/// Events that become one: updates, or a single event of another kind.
pub(super) struct Run {
    all: Stored,
    listed: HashSet<Arc<str>>,
}

impl Run {
    pub(super) fn begin(first: Stored) -> Self {
        let listed = match &first.event {
            Event::Updated(all) => all.keys.iter().cloned().collect(),
            _ => HashSet::new(),
        };
        Self { all: first, listed }
    }

    /// Whether it may grow.
    pub(super) fn is_update(&self) -> bool {
        self.all.is_update()
    }

    /// The id of the last event in it.
    pub(super) fn last(&self) -> Uuid {
        self.all.last
    }

    /// Adds the next event, or gives it back because it stays on its own.
    pub(super) fn add(&mut self, next: Stored) -> Option<Stored> {
        match (&mut self.all.event, next) {
            (Event::Updated(all), Stored { last, at, event: Event::Updated(later), .. }) => {
                all.add(later, &mut self.listed);
                self.all.last = last;
                // A clock that was set back makes nothing older.
                self.all.at = self.all.at.max(at);
                None
            }
            (_, next) => Some(next),
        }
    }

    pub(super) fn end(self) -> Stored {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn update(users: &[&str], keys: &[String], head: &str, at: u64) -> Stored {
        let keys = keys.iter().map(|key| key.as_str().into());
        let users = users.iter().map(|user| (*user).into());
        Stored::new(Event::updated(1, users, keys, [head.into()]), at)
    }

    fn joined(all: impl IntoIterator<Item = Stored>) -> Stored {
        let mut all = all.into_iter();
        let mut run = Run::begin(all.next().unwrap());
        for next in all {
            assert_eq!(run.add(next), None);
        }
        run.end()
    }

    fn data(stored: &Stored) -> Value {
        serde_json::from_slice::<Value>(&stored.body("w")).unwrap()["data"].take()
    }

    fn keys(numbers: std::ops::Range<usize>) -> Vec<String> {
        numbers.map(|number| format!("k{number}")).collect()
    }

    #[test]
    fn bodies() {
        let texts = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let all = joined([
            update(&["ada"], &texts(&["b", "a"]), "h1", 1_769_025_600_000),
            update(&["bob"], &texts(&["c"]), "h2", 1_769_025_600_001),
            update(&["ada"], &texts(&["a"]), "h3", 1_769_025_600_002),
        ]);
        let body: Value = serde_json::from_slice(&all.body("w-1")).unwrap();
        let expected = json!({
            "type": "doc.updated",
            "timestamp": "2026-01-21T20:00:00.002Z",
            "data": {
                "workspace_id": "w-1",
                "user_id": "ada",
                "user_ids": ["bob", "ada"],
                "keys": ["b", "a", "c"],
                "heads": ["h3"],
                "updates": 3,
                "truncated": [],
            },
        });
        assert_eq!(body, expected);
        for (session_id, event) in [(None, "client.connected"), (Some("s1"), "client.disconnected")] {
            let who = Presence { user_id: "ada".into(), session_id: session_id.map(Into::into) };
            let event_of = if session_id.is_none() { Event::Connected } else { Event::Disconnected };
            let body: Value =
                serde_json::from_slice(&Stored::new(event_of(who), 1_769_025_600_000).body("w-1")).unwrap();
            let mut expected = json!({
                "type": event,
                "timestamp": "2026-01-21T20:00:00.000Z",
                "data": { "workspace_id": "w-1", "user_id": "ada" },
            });
            if let Some(session_id) = session_id {
                expected["data"]["session_id"] = session_id.into();
            }
            assert_eq!(body, expected);
        }
        let nobody = update(&[], &texts(&["a"]), "h", 0);
        assert_eq!(data(&nobody)["user_id"], Value::Null);
    }

    #[test]
    fn lists_are_bounded_and_say_so() {
        let one = update(&[], &keys(0..1_000), "h", 0);
        assert_eq!(data(&one)["truncated"], json!([]));
        let all = joined([one, update(&["ada"], &keys(500..1_001), "h", 0)]);
        assert_eq!(data(&all)["keys"].as_array().unwrap().len(), 1_000);
        assert_eq!(data(&all)["truncated"], json!(["keys"]));
        assert_eq!(data(&all)["updates"], 2);
        let users: Vec<String> = (0..101).map(|number| format!("u{number}")).collect();
        let all = joined(users.iter().map(|user| update(&[user], &[], "h", 0)));
        let shown = data(&all);
        assert_eq!(shown["user_ids"].as_array().unwrap().len(), 100);
        assert_eq!((&shown["user_id"], &shown["user_ids"][0]), (&json!("u100"), &json!("u1")));
        assert_eq!(shown["truncated"], json!(["user_ids"]));
        let heads = (0..1_001).map(|number| number.to_string().into());
        let many = Stored::new(Event::updated(1, [], [], heads), 0);
        assert_eq!(data(&many)["truncated"], json!(["heads"]));
        let fewer = joined([many, update(&[], &[], "h", 0)]);
        assert_eq!(data(&fewer)["truncated"], json!([]), "the heads are all there again");
    }

    #[test]
    fn a_message_is_named_by_what_is_in_it() {
        let (one, two, three) =
            (update(&[], &[], "1", 0), update(&[], &[], "2", 0), update(&[], &[], "3", 0));
        let all = joined([one.clone(), two.clone(), three.clone()]);
        let again = joined([one.clone(), joined([two.clone(), three])]);
        assert_eq!(all, again);
        let ids: HashSet<String> =
            [&one, &two, &all, &joined([one.clone(), two.clone()])].map(Stored::message_id).into();
        assert_eq!(ids.len(), 4);
        assert!(ids.iter().all(|id| !id.contains('.') && id.len() <= 128), "{ids:?}");
    }

    fn any_update() -> impl Strategy<Value = Stored> {
        let users = prop::collection::vec(0..150_usize, 0..120);
        let keys = prop::collection::vec(0..1_500_usize, 0..700);
        (users, keys).prop_map(|(users, keys)| {
            let users = users.into_iter().map(|user| user.to_string().into());
            let keys = keys.into_iter().map(|key| key.to_string().into());
            Stored::new(Event::updated(1, users, keys, ["h".into()]), 0)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn however_updates_become_one_it_is_the_same(all in prop::collection::vec(any_update(), 2..6), at in 1..5_usize) {
            let at = at.min(all.len() - 1);
            let whole = joined(all.clone());
            let (left, right) = all.split_at(at);
            let halves = joined([joined(left.to_vec()), joined(right.to_vec())]);
            prop_assert_eq!(&whole, &halves);
            prop_assert_eq!(whole.body("w"), halves.body("w"));
            let read: Stored = serde_json::from_slice(&whole.to_bytes()).unwrap();
            prop_assert_eq!(read, whole);
        }
    }
}
