//! Documents in a bucket, a bucket that is away, and two nodes on one.

use std::{net::SocketAddr, time::Instant};

use syncline_testkit::{TestServer, call, within};

use crate::{
    folder::Folder,
    s3_server::S3Server,
    support::{Peer, metric, metric_is, outage, request, start, state, text},
};

const CONFLICTS: &str = "syncline_document_save_conflicts_total";
const UNSAVED: &str = "syncline_documents_unsaved";

/// A node that keeps its documents in that bucket, and its journal in that folder.
fn node(s3: &S3Server, folder: &Folder) -> TestServer {
    node_with(s3, folder, "0.05")
}

fn node_with(s3: &S3Server, folder: &Folder, debounce: &str) -> TestServer {
    let settings = s3.settings();
    let mut settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.extend([("DATA_DIR", folder.path()), ("DOCUMENT_DEBOUNCE_SECONDS", debounce)]);
    start(&settings)
}

/// Waits until `/readyz` says that of the store: editing goes on without it, so the node is ready in any case.
async fn ready(address: SocketAddr, wanted: &str) {
    within("what /readyz says", async {
        loop {
            let answer = call(address, "GET", "/readyz", &[], "").await;
            assert_eq!(answer.status, 200);
            if answer.json()["dependencies"]["document_store"] == wanted {
                return;
            }
        }
    })
    .await;
}

/// What another node of the same bucket would read.
async fn stored(s3: &S3Server, document: &str) -> Option<String> {
    let folder = Folder::new();
    let server = node(s3, &folder);
    text(server.address(), document).await
}

#[tokio::test]
async fn a_document_is_an_object_of_its_own_name() {
    let s3 = S3Server::start();
    let folder = Folder::new();
    let server = node(&s3, &folder);
    for name in ["plain", "a/b c"] {
        let mut ada = Peer::join(server.address(), &name.replace(' ', "%20")).await;
        ada.write(0, name).await;
        ada.saved().await;
    }
    assert_eq!(s3.objects(), ["a%2Fb%20c.bin", "plain.bin"]);
    assert_eq!(stored(&s3, "a/b%20c").await.as_deref(), Some("a/b c"));
    assert_eq!(request(server.address(), "DELETE", &state("plain"), "write").await.status, 204);
    assert_eq!(s3.objects(), ["a%2Fb%20c.bin"]);
}

#[tokio::test]
async fn editing_goes_on_while_the_bucket_is_away() {
    let mut s3 = S3Server::start();
    let folder = Folder::new();
    let server = node(&s3, &folder);
    let address = server.address();
    let (mut ada, mut bob) = (Peer::join(address, "d").await, Peer::join(address, "d").await);
    ada.write(0, "before").await;
    ada.saved().await;
    ready(address, "up").await;
    s3.kill();
    let killed = Instant::now();
    ada.write_kept(6, ", while it was away").await;
    ready(address, "down").await;
    assert_eq!(metric(address, UNSAVED).await, 1.0);
    bob.until("before, while it was away").await;
    bob.write_kept(0, "still ").await;
    ada.until("still before, while it was away").await;
    // What is open can be seen; what is not cannot be read, and nothing comes of that.
    assert_eq!(text(address, "d").await.as_deref(), Some("still before, while it was away"));
    let unread = request(address, "GET", &state("other"), "read").await;
    assert_eq!((unread.status, unread.header("retry-after")), (503, Some("1")));
    // It cannot be deleted, and stays as it is.
    assert_eq!(request(address, "DELETE", &state("d"), "write").await.status, 503);
    assert_eq!(text(address, "d").await.as_deref(), Some("still before, while it was away"));
    ada.write_kept(0, "and ").await;
    while killed.elapsed() < outage() {
        ada.write_kept(0, "x").await;
    }
    let written = ada.text();
    s3.restart();
    ready(address, "up").await;
    ada.saved().await;
    assert_eq!(metric(address, UNSAVED).await, 0.0);
    assert!(written.ends_with("and still before, while it was away"));
    assert_eq!(stored(&s3, "d").await, Some(written));
}

/// The bucket is away for all of a process's life, and for the first of the next one's.
#[tokio::test]
async fn what_was_never_saved_is_when_the_bucket_is_back() {
    let mut s3 = S3Server::start();
    let folder = Folder::new();
    let server = node(&s3, &folder);
    let mut ada = Peer::join(server.address(), "d").await;
    s3.kill();
    ada.write_kept(0, "kept here").await;
    metric_is(server.address(), UNSAVED, 1.0).await;
    server.stop().await;
    s3.restart();
    assert_eq!(s3.objects(), [""; 0]);
    let server = node(&s3, &folder);
    metric_is(server.address(), "syncline_document_saves_total", 1.0).await;
    assert_eq!(s3.objects(), ["d.bin"]);
    assert_eq!(stored(&s3, "d").await.as_deref(), Some("kept here"));
}

/// Without anything between them but the bucket.
#[tokio::test]
async fn two_nodes_do_not_overwrite_each_other() {
    let s3 = S3Server::start();
    let folders = [Folder::new(), Folder::new()];
    let nodes = [node(&s3, &folders[0]), node(&s3, &folders[1])];
    let [one, other] = [nodes[0].address(), nodes[1].address()];
    let (mut ada, mut bob) = (Peer::join(one, "d").await, Peer::join(other, "d").await);
    ada.write(0, "[ada]").await;
    ada.saved().await;
    bob.write(0, "[bob]").await;
    bob.saved().await;
    assert_eq!(metric(other, CONFLICTS).await, 1.0);
    // Bob is told of what was there.
    while !bob.text().contains("[ada]") {
        let said = bob.said().await;
        bob.take(&said).await;
    }
    ada.write(0, "[more]").await;
    ada.saved().await;
    while !ada.text().contains("[bob]") {
        let said = ada.said().await;
        ada.take(&said).await;
    }
    assert_eq!(metric(one, CONFLICTS).await, 1.0);
    let kept = stored(&s3, "d").await.unwrap();
    assert_eq!(kept, ada.text());
    for part in ["[ada]", "[bob]", "[more]"] {
        assert_eq!(kept.matches(part).count(), 1, "{kept}");
    }
}
