//! A process that is killed under load, again and again: nothing that a second client has seen is missing after it.
//!
//! A few rounds; `cargo xtask drills` runs many. What else a crash leaves behind is in `kept`.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use tokio::{sync::mpsc, task::JoinHandle};
use yrs::{Doc, ReadTxn as _, StateVector, Transact as _, block::ClientID};

use crate::{
    folder::Folder,
    process::Process,
    support::{Peer, Said},
    yjs::{apply, marker, state, sync_message},
};

const DOCUMENTS: [&str; 2] = ["killed/0", "killed/1"];

const WRITERS: usize = 4;

/// How many updates watchers see between two kills, at the least.
const BETWEEN: usize = 150;

/// Snapshots are written while it is killed, too.
const DEBOUNCE: &str = "0.03";

fn kills() -> u64 {
    let kills = std::env::var("DRILL_DOCUMENT_KILLS");
    kills.map_or(3, |kills| kills.parse().expect("DRILL_DOCUMENT_KILLS: a number"))
}

/// What a writer was told is in the journal: its client id, and its clock by then.
type Acknowledged = (ClientID, u32);

/// Writes one thing after the other, each when the one before is in the journal, until the connection ends.
async fn write(address: SocketAddr, document: &str) -> Acknowledged {
    let mut peer = Peer::join(address, document).await;
    let client = peer.doc.client_id();
    let mut acknowledged = 0;
    for number in 0.. {
        let text = peer.text();
        let length = u32::try_from(text.len()).expect("a short text");
        let update = match number % 5 {
            4 if length > 500 => peer.erase_unsent(length / 3, 40),
            _ => peer.write_unsent(length / 2, &format!("{number} ")),
        };
        let clock = peer.doc.transact().state_vector().get(&client);
        peer.try_send(sync_message(2, &update)).await;
        peer.try_send(marker(number)).await;
        loop {
            match peer.next().await {
                Ok(Said::Journaled(marker)) if marker == number => break,
                Ok(Said::Update(update)) => peer.apply(&update),
                Ok(_) => {}
                Err(_) => return (client, acknowledged),
            }
        }
        acknowledged = clock;
    }
    unreachable!("it writes until the connection ends")
}

/// Takes whatever comes, and tells of each update, until the connection ends; what it has by then.
async fn watch(address: SocketAddr, document: &str, told: mpsc::UnboundedSender<()>) -> Vec<u8> {
    let mut peer = Peer::join(address, document).await;
    while let Ok(said) = peer.next().await {
        if let Said::Update(update) = said {
            peer.apply(&update);
            let _nobody_waits = told.send(());
        }
    }
    peer.state()
}

/// All that one document has to have.
#[derive(Default)]
struct Due {
    /// What watchers have seen.
    seen: Doc,
    /// What writers were told is kept.
    acknowledged: Vec<Acknowledged>,
}

impl Due {
    fn check(&self, document: &Doc, round: u64) {
        let has = state(document);
        let clocks = document.transact().state_vector();
        for (client, clock) in &self.acknowledged {
            let there = clocks.get(client);
            assert!(there >= *clock, "round {round}: {client:?} was told of {clock}, and {there} is there");
        }
        let seen = self.seen.transact().encode_state_as_update_v1(&StateVector::default());
        apply(document, &seen);
        assert!(has == state(document), "round {round}: something that was seen is missing");
    }
}

#[tokio::test]
async fn what_a_second_client_has_seen_outlives_a_kill_under_load() {
    let folder = Folder::new();
    let settings = [
        ("DATA_DIR", folder.path()),
        ("DOCUMENT_DEBOUNCE_SECONDS", DEBOUNCE),
        ("DOCUMENT_MAX_DEBOUNCE_SECONDS", DEBOUNCE),
    ];
    let mut due: BTreeMap<&str, Due> = DOCUMENTS.map(|document| (document, Due::default())).into();
    for round in 1..=kills() {
        let process = Process::start(&settings);
        let address = process.address;
        for (document, due) in &due {
            due.check(&Peer::join(address, document).await.doc, round);
        }
        let (told, mut updates) = mpsc::unbounded_channel();
        let spawn_writer = |document| (0..WRITERS).map(move |_| tokio::spawn(write(address, document)));
        let spawn_watcher = |document| tokio::spawn(watch(address, document, told.clone()));
        let watchers: Vec<(&str, JoinHandle<Vec<u8>>)> =
            DOCUMENTS.map(|document| (document, spawn_watcher(document))).into();
        let writers: Vec<(&str, JoinHandle<Acknowledged>)> = DOCUMENTS
            .iter()
            .flat_map(|document| spawn_writer(document).map(|task| (*document, task)))
            .collect();
        for _ in 0..BETWEEN {
            syncline_testkit::within("an update", updates.recv()).await.expect("watchers live");
        }
        // At another moment of a commit and of a save each time.
        tokio::time::sleep(Duration::from_micros(round * 977 % 20_000)).await;
        process.kill();
        for (document, watcher) in watchers {
            let seen = watcher.await.expect("it watches until the end");
            apply(&due[document].seen, &seen);
        }
        for (document, writer) in writers {
            let acknowledged = writer.await.expect("it writes until the end");
            due.get_mut(document).expect("one of them").acknowledged.push(acknowledged);
        }
    }
    let process = Process::start(&settings);
    for (document, due) in &due {
        let last = Peer::join(process.address, document).await;
        due.check(&last.doc, kills() + 1);
        assert!(!last.text().is_empty());
    }
}
