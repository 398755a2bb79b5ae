//! Owners on two nodes with a real NATS, and disks that fail.

use automerge::{ActorId, AutoCommit, ROOT, transaction::Transactable as _};
use bytes::Bytes;
use serde_json::{Value, json};
use syncline::Registry;
use syncline_testkit::within;

use super::*;
use crate::{
    config::NatsServers,
    journal::{Contents, LogId, MemoryJournal, Space},
    nats_server::{NatsServer, url},
    own_server::free_port,
    workspaces::{
        document::Edit,
        owner::{Outlets, What},
        stamp::Stamp,
    },
};

struct Node {
    journal: Arc<MemoryJournal>,
    live: Arc<Live>,
    replication: Arc<Replication>,
}

fn w() -> WorkspaceId {
    WorkspaceId::parse("w").unwrap()
}

impl Node {
    fn at(url: &str, keep: Duration) -> Self {
        let journal: Arc<MemoryJournal> = Arc::default();
        let metrics = Metrics::new(&Registry::none(), &[], &[]);
        let servers = NatsServers::parse(url).unwrap();
        let is_up = Arc::default();
        let replication =
            Replication::new(servers, "same".into(), keep, journal.clone(), Arc::clone(&metrics), is_up);
        let outlets = Outlets {
            webhooks: None,
            journal: journal.clone(),
            metrics,
            actor: ActorId::random(),
            max_bytes: 64 * 1024 * 1024,
            idle: Duration::from_secs(3600),
            replication: Some(Arc::clone(&replication)),
        };
        let live = Live::new(outlets, Handle::current());
        replication.start(&live, &Handle::current());
        Self { journal, live, replication }
    }

    async fn of(nats: &NatsServer) -> Self {
        let node = Self::at(&nats.url(), Duration::from_secs(3600));
        let mut link = node.replication.link.subscribe();
        within("NATS", link.wait_for(|link| matches!(link, Link::Up(_)))).await.unwrap();
        node
    }

    async fn set(&self, key: &str, value: impl Into<Value>) -> Result<(), &'static str> {
        let stamp = Stamp::new("ada".into(), None, 1, "local".into());
        let what = What::Edit(Edit::Set(key.into(), value.into()));
        let done = within("an answer", self.live.open(&w()).change(what, stamp)).await;
        done.map(|_| ()).map_err(|error| error.code().code())
    }

    async fn state(&self) -> Value {
        let workspace = self.live.open(&w());
        let state = workspace.read(|reading| reading.document.state());
        Value::Object(within("the state", state).await.expect("it is readable"))
    }

    async fn has(&self, wanted: Value) {
        within("what the other has", async {
            while self.state().await != wanted {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn log(&self, space: Space) -> Contents {
        self.journal.read(&LogId::new(space, "w"), 0, usize::MAX).await.unwrap()
    }

    /// Waits until all that was done here is published.
    async fn published(&self) {
        within("an empty queue", async {
            while !self.log(Space::Replication).await.entries.is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_change_and_its_place_in_the_queue_are_one() {
    let node = Node::at(&url(free_port()), Duration::from_secs(3600));
    node.journal.fail_next(1);
    node.set("a", 1).await.unwrap_err();
    for space in [Space::Workspaces, Space::Replication] {
        assert_eq!(node.log(space).await, Contents::default());
    }
    node.set("a", 2).await.unwrap();
    let (changes, queue) = (node.log(Space::Workspaces).await, node.log(Space::Replication).await);
    assert_eq!(changes.entries, queue.entries);
    assert_eq!((queue.entries.len(), node.replication.stats().queued), (1, 1));
}

#[tokio::test]
async fn a_merge_that_the_disk_does_not_take_is_not_lost() {
    let nats = NatsServer::start();
    let (one, other) = (Node::of(&nats).await, Node::of(&nats).await);
    assert_eq!(other.state().await, json!({}));
    for round in 1..4 {
        other.journal.fail_next(1);
        one.set("k", round).await.unwrap();
        other.has(json!({ "k": round })).await;
    }
    // Neither when it is opened, where it is not shown either.
    let third = Node::of(&nats).await;
    third.journal.fail_next(1);
    assert_eq!(third.state().await, json!({}));
    third.has(json!({ "k": 3 })).await;
    // And what is shown is on disk.
    assert_eq!(third.log(Space::Workspaces).await.entries.len(), 1);
    assert!(third.log(Space::Replication).await.entries.is_empty(), "what came is not sent back");
}

/// What no document can take stays in the stream for an hour and longer: it must not stop what comes with it.
#[tokio::test]
async fn a_change_that_cannot_be_made_is_left_out_when_a_workspace_is_opened() {
    let nats = NatsServer::start();
    let one = Node::of(&nats).await;
    one.set("k", 1).await.unwrap();
    let workspace = one.live.open(&w());
    let actor = workspace.read(|reading| {
        let all = reading.document.beyond(&[], &Default::default());
        wire::split(&all).unwrap()[0].actor_id().clone()
    });
    let mut forger = AutoCommit::new().with_actor(actor.await.unwrap());
    forger.put(ROOT, "k", "forged").unwrap();
    forger.commit();
    let forged = forger.get_changes(&[])[0].raw_bytes().to_vec();
    one.published().await;
    let link = one.replication.nats().unwrap();
    let sent = link.publish(subject::changes(&w()), wire::headers("x", "x", None), forged.into()).await;
    sent.unwrap().await.unwrap();
    one.set("l", 2).await.unwrap();
    one.published().await;
    let other = Node::of(&nats).await;
    other.has(json!({ "k": 1, "l": 2 })).await;
    other.set("m", 3).await.unwrap();
    one.has(json!({ "k": 1, "l": 2, "m": 3 })).await;
    assert!(other.replication.tally.malformed.load(Ordering::Relaxed) >= 1);
}

#[tokio::test]
async fn a_pointer_of_a_newer_version_is_left_alone() {
    let nats = NatsServer::start();
    let one = Node::of(&nats).await;
    let newer = Bytes::from_static(br#"{"version":2}"#);
    let context = async_nats::jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    let pointers = context.get_key_value("SYNCLINE_WORKSPACES").await.unwrap();
    pointers.put("w", newer.clone()).await.unwrap();
    one.set("k", "x".repeat(2 << 20)).await.unwrap();
    one.published().await;
    within("it settles", one.replication.jobs.settled()).await;
    assert_eq!(pointers.get("w").await.unwrap(), Some(newer));
    let other = Node::of(&nats).await;
    other.has(one.state().await).await;
}

/// However many compact at once: what is pointed to is always whole.
#[tokio::test]
async fn of_documents_that_are_made_at_once_one_is_pointed_to_and_has_all() {
    let nats = NatsServer::start();
    let nodes = [Node::of(&nats).await, Node::of(&nats).await];
    for round in 0..4 {
        let sets = nodes.iter().enumerate().map(async |(number, node)| {
            node.set(&format!("{round} {number}"), "x".repeat(700_000)).await.unwrap();
            node.replication.jobs.want(Job::Compact(w()));
        });
        futures_util::future::join_all(sets).await;
        for node in &nodes {
            node.published().await;
            within("it settles", node.replication.jobs.settled()).await;
        }
    }
    let link = nodes[0].replication.nats().unwrap();
    let documents = within("a document of all", async {
        loop {
            nodes[0].replication.jobs.want(Job::Compact(w()));
            within("it settles", nodes[0].replication.jobs.settled()).await;
            let pointer = link.pointed(&w()).await.unwrap().pointer.expect("there is one");
            let before = link.purge(&w(), pointer.document.from).await;
            before.unwrap();
            let documents: Vec<_> = pointer.old.iter().chain([&pointer.document]).cloned().collect();
            if documents.len() > 1 {
                return documents;
            }
        }
    })
    .await;
    // Each has all that the one before it had.
    let mut before = Vec::new();
    for document in documents {
        let bytes = link.get(&wire::ObjectName::parse(&document.object).unwrap()).await.unwrap().unwrap();
        let document = automerge::Automerge::load(&bytes).unwrap();
        assert!(before.iter().all(|head| document.get_change_meta_by_hash(head).is_some()));
        before = document.get_heads();
    }
    // Though the changes before it are gone.
    let fresh = Node::of(&nats).await;
    fresh.has(nodes[0].state().await).await;
}
