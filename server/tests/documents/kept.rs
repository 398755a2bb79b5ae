//! What is kept, when it is saved, and what a process that ends leaves behind.

use std::path::Path;

use syncline_testkit::within;

use crate::{
    folder::Folder,
    process::Process,
    support::{Header, Peer, Said, metric, metric_is, start, text},
};

const SAVES: &str = "syncline_document_saves_total";
const OPEN: &str = "syncline_documents";

/// How many snapshots there are in a folder of data.
fn snapshots(data: &str) -> usize {
    let Ok(files) = std::fs::read_dir(Path::new(data).join("documents")) else { return 0 };
    // One that was being written when the process was killed has a `#` in its name, and is never read.
    files.filter(|file| !file.as_ref().unwrap().file_name().to_string_lossy().contains('#')).count()
}

/// Without a save in a test's time.
fn unsaved(folder: &Folder) -> [Header<'_>; 3] {
    let hour = "3600";
    [
        ("DATA_DIR", folder.path()),
        ("DOCUMENT_DEBOUNCE_SECONDS", hour),
        ("DOCUMENT_MAX_DEBOUNCE_SECONDS", hour),
    ]
}

#[tokio::test]
async fn what_was_told_is_there_after_a_crash() {
    let folder = Folder::new();
    let process = Process::start(&unsaved(&folder));
    let (mut ada, mut bob) = (Peer::join(process.address, "d").await, Peer::join(process.address, "d").await);
    for number in 0..50 {
        ada.write(0, &format!("{number} ")).await;
    }
    ada.erase(0, 3).await;
    let written = ada.text();
    bob.until(&written).await;
    // Bob has seen it, so that it is in the journal, whoever asks.
    assert_eq!(metric(process.address, SAVES).await, 0.0);
    process.kill();
    assert_eq!(snapshots(folder.path()), 0, "the journal alone has it");
    let process = Process::start(&unsaved(&folder));
    assert_eq!(text(process.address, "d").await.as_deref(), Some(written.as_str()));
    assert_eq!(Peer::join(process.address, "d").await.state(), ada.state());
}

#[tokio::test]
async fn what_a_crash_left_unsaved_is_saved_though_nobody_opens_it() {
    let folder = Folder::new();
    let process = Process::start(&unsaved(&folder));
    for number in 0..300 {
        let mut ada = Peer::come(process.address, &format!("d{number}"), "ada", "write").await;
        ada.write_kept(0, &format!("of d{number}")).await;
    }
    process.kill();
    assert_eq!(snapshots(folder.path()), 0);
    let process = Process::start(&unsaved(&folder));
    metric_is(process.address, SAVES, 300.0).await;
    assert_eq!(snapshots(folder.path()), 300);
    assert_eq!(text(process.address, "d299").await.as_deref(), Some("of d299"));
}

#[tokio::test]
async fn a_stop_saves_all_and_tells_everybody() {
    let folder = Folder::new();
    let process = Process::start(&unsaved(&folder));
    let mut ada = Peer::join(process.address, "d").await;
    ada.write(0, "written just before").await;
    ada.kept().await;
    let stopping = process.terminate();
    let (_, end) = tokio::join!(stopping, ada.closed());
    assert_eq!(end, Some(1001));
    assert_eq!(snapshots(folder.path()), 1);
    let journal = Folder::new();
    // The snapshot alone has it: the journal that another folder has is empty.
    let copied = Path::new(journal.path()).join("documents");
    std::fs::rename(Path::new(folder.path()).join("documents"), copied).unwrap();
    let server = start(&[("DATA_DIR", journal.path())]);
    assert_eq!(text(server.address(), "d").await.as_deref(), Some("written just before"));
}

#[tokio::test]
async fn a_document_is_saved_when_it_rests() {
    let folder = Folder::new();
    let server = start(&[("DATA_DIR", folder.path()), ("DOCUMENT_DEBOUNCE_SECONDS", "0.5")]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    for _ in 0..50 {
        ada.write_kept(0, "x").await;
    }
    assert_eq!(metric(address, SAVES).await, 0.0, "not while it changes");
    ada.saved().await;
    assert_eq!(metric(address, SAVES).await, 1.0, "once, for all of it");
    assert_eq!(snapshots(folder.path()), 1);
}

#[tokio::test]
async fn a_document_that_never_rests_is_saved_too() {
    let server = start(&[("DOCUMENT_DEBOUNCE_SECONDS", "3600"), ("DOCUMENT_MAX_DEBOUNCE_SECONDS", "0.3")]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    within("two saves", async {
        while metric(address, SAVES).await < 2.0 {
            ada.write_kept(0, "x").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_document_nobody_has_leaves_memory_and_comes_back() {
    let folder = Folder::new();
    let settings = [
        ("DATA_DIR", folder.path()),
        ("DOCUMENT_IDLE_SECONDS", "0.01"),
        ("DOCUMENT_DEBOUNCE_SECONDS", "0.01"),
    ];
    let server = start(&settings);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    ada.write_kept(0, "comes back").await;
    // Those that come and go at once leave nothing behind that would keep it.
    for _ in 0..30 {
        let path = format!("{}?token={}", crate::support::sync("d"), crate::support::token("p", "read"));
        drop(Peer::open(address, &path, &[]).await.unwrap());
    }
    assert_eq!(metric(address, OPEN).await, 1.0);
    drop(ada);
    metric_is(address, OPEN, 0.0).await;
    assert!(metric(address, SAVES).await >= 1.0);
    let mut ada = Peer::join(address, "d").await;
    assert_eq!(ada.text(), "comes back");
    ada.write_kept(0, "and ").await;
    assert_eq!(text(address, "d").await.as_deref(), Some("and comes back"));
}

/// Each save replaces the one before, and the journal holds what came since.
#[tokio::test]
async fn saves_and_the_journal_go_together() {
    let folder = Folder::new();
    let settings = [("DATA_DIR", folder.path()), ("DOCUMENT_DEBOUNCE_SECONDS", "0.01")];
    let mut written = String::new();
    for round in 0..3 {
        let process = Process::start(&settings);
        let mut ada = Peer::join(process.address, "d").await;
        assert_eq!(ada.text(), written, "round {round}");
        ada.write(0, &format!("saved in {round}, ")).await;
        ada.saved().await;
        ada.write_kept(0, &format!("perhaps not saved in {round}, ")).await;
        ada.erase(0, 1).await;
        ada.kept().await;
        written = ada.text();
        process.kill();
        assert_eq!(snapshots(folder.path()), 1);
    }
    let server = start(&settings);
    let mut late = Peer::join(server.address(), "d").await;
    assert_eq!(late.text(), written);
    assert!(!late.rest().await.iter().any(|said| matches!(said, Said::Update(_))));
}
