//! What becomes of a document when what is stored of it is larger than may be, gone, or no document.

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt as _, aws::AmazonS3Builder, path::Path};
use syncline_testkit::{TestServer, call, within};

use crate::{
    folder::Folder,
    process::Process,
    redis_server::RedisServer,
    s3_server::S3Server,
    support::{Header, Peer, Said, metric, metric_is, request, start, state, sync, text, token},
    yjs::sync_message,
};

const ORPHANS: &str = "syncline_document_orphans_total";
const UNSAVED: &str = "syncline_documents_unsaved";
const HOUR: &str = "3600";

/// The settings of a node that keeps its documents in that bucket, and its journal in that folder.
struct Settings(Vec<(&'static str, String)>);

impl Settings {
    fn of(s3: &S3Server, folder: &Folder, further: &[Header<'static>]) -> Self {
        let mut settings = s3.settings();
        settings.push(("DATA_DIR", folder.path().to_owned()));
        settings.extend(further.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self(settings)
    }

    fn pairs(&self) -> Vec<Header<'_>> {
        self.0.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    fn start(&self) -> TestServer {
        start(&self.pairs())
    }

    fn process(&self) -> Process {
        Process::start(&self.pairs())
    }
}

/// What another node of the same bucket reads.
async fn stored(s3: &S3Server, document: &str) -> Option<String> {
    let folder = Folder::new();
    let server = Settings::of(s3, &folder, &[]).start();
    text(server.address(), document).await
}

/// The bucket, for somebody who is no node.
fn bucket(s3: &S3Server) -> impl ObjectStore {
    let settings = s3.settings().into_iter();
    let builder = settings.fold(AmazonS3Builder::new().with_allow_http(true), |builder, (name, value)| {
        let name = if name == "S3_BUCKET" { "AWS_BUCKET" } else { name };
        builder.with_config(name.to_lowercase().parse().expect("a setting"), value)
    });
    builder.build().expect("a bucket")
}

/// Opens a document as somebody who has that of it, and says all that is lacked there.
async fn back_with(server: std::net::SocketAddr, document: &str, has: &Peer) -> Peer {
    let path = format!("{}?token={}", sync(document), token("ada", "read write"));
    let mut back = Peer::open(server, &path, &[]).await.unwrap();
    let first = back.said().await;
    assert!(matches!(first, Said::Step1(_)), "{first:?}");
    back.doc = has.doc.clone();
    back.take(&first).await;
    back
}

/// `DOCUMENT_BYTES` is for what clients send.
#[tokio::test]
async fn what_two_nodes_have_made_too_large_together_is_saved_and_read() {
    let s3 = S3Server::start();
    let folders = [Folder::new(), Folder::new(), Folder::new()];
    let further = [("DOCUMENT_BYTES", "5000"), ("DOCUMENT_DEBOUNCE_SECONDS", "0.05")];
    let nodes = [&folders[0], &folders[1]].map(|folder| Settings::of(&s3, folder, &further).start());
    let mut peers = [Peer::join(nodes[0].address(), "d").await, Peer::join(nodes[1].address(), "d").await];
    for (peer, letter) in peers.iter_mut().zip(["a", "b"]) {
        peer.write_kept(0, &letter.repeat(4_000)).await;
        within("a save", peer.saved()).await;
    }
    for node in &nodes[1..] {
        assert_eq!(metric(node.address(), UNSAVED).await, 0.0);
        assert_eq!(text(node.address(), "d").await.map(|text| text.len()), Some(8_000));
    }
    let third = Settings::of(&s3, &folders[2], &further).start();
    let address = third.address();
    assert_eq!(text(address, "d").await.map(|text| text.len()), Some(8_000));
    // There is no room in it, but for whoever has nothing new, and for what makes room.
    let mut eve = Peer::join(address, "d").await;
    eve.write(0, "more").await;
    assert_eq!(eve.closed().await, Some(1009));
    let mut ada = Peer::join(address, "d").await;
    ada.send(sync_message(1, &ada.state())).await;
    ada.erase(0, 6_000).await;
    ada.kept().await;
    ada.write_kept(0, "room again").await;
    ada.saved().await;
    assert_eq!(stored(&s3, "d").await.map(|text| text.len()), Some(2_010));
    assert_eq!(request(address, "DELETE", &state("d"), "write").await.status, 204);
    assert_eq!(s3.objects(), [""; 0]);
}

#[tokio::test]
async fn another_nodes_document_is_taken_whatever_its_size() {
    let redis = RedisServer::start();
    let node = |bytes| start(&[("REDIS_URL", redis.url().as_str()), ("DOCUMENT_BYTES", bytes)]);
    let nodes = [node("5000"), node("1000")];
    for node in &nodes {
        within("Redis", async {
            while call(node.address(), "GET", "/readyz", &[], "").await.json()["dependencies"]["redis"]
                != "up"
            {}
        })
        .await;
    }
    let mut ada = Peer::join(nodes[0].address(), "d").await;
    ada.write_kept(0, &"a".repeat(4_000)).await;
    let mut bob = Peer::join(nodes[1].address(), "d").await;
    within("what the other has", bob.until(&ada.text())).await;
    within("a save", bob.saved()).await;
    bob.write(0, "more").await;
    assert_eq!(bob.closed().await, Some(1009));
}

/// What the journal has is on top of what was saved, and that is gone. Whoever still has it brings it back, and then all is there.
#[tokio::test]
async fn changes_outlast_the_loss_of_what_they_stand_on() {
    let s3 = S3Server::start();
    let folder = Folder::new();
    let saves = Settings::of(&s3, &folder, &[("DOCUMENT_DEBOUNCE_SECONDS", "0.05")]);
    let hour = [("DOCUMENT_DEBOUNCE_SECONDS", HOUR), ("DOCUMENT_MAX_DEBOUNCE_SECONDS", HOUR)];
    let process = saves.process();
    let mut has_base = Peer::join(process.address, "d").await;
    has_base.write(0, "base ").await;
    has_base.saved().await;
    process.kill();
    let process = Settings::of(&s3, &folder, &hour).process();
    Peer::join(process.address, "d").await.write_kept(5, "and more ").await;
    process.kill();
    bucket(&s3).delete(&Path::from("d.bin")).await.expect("deleted");

    let process = saves.process();
    metric_is(process.address, ORPHANS, 1.0).await;
    assert_eq!(text(process.address, "d").await, None, "what it can give, which is nothing");
    // Nor is an empty document made of it.
    assert_eq!(s3.objects(), [""; 0]);
    let mut new = Peer::join(process.address, "d").await;
    for word in ["new ", "very "] {
        // With the second save the journal was trimmed after the first.
        new.write(0, word).await;
        within("a save", new.saved()).await;
    }
    process.kill();

    let process = saves.process();
    metric_is(process.address, ORPHANS, 1.0).await;
    assert_eq!(text(process.address, "d").await.as_deref(), Some("very new "));
    assert_eq!(metric(process.address, "syncline_document_load_failures_total").await, 0.0);
    let mut ada = back_with(process.address, "d", &has_base).await;
    // It did not have that, so it is told.
    within("what it did not have", async {
        while !ada.text().contains("and more ") {
            let said = ada.said().await;
            ada.take(&said).await;
        }
    })
    .await;
    ada.ask_for_all().await;
    let whole = ada.text();
    assert!(whole.contains("base and more ") && whole.contains("very new "), "{whole}");
    ada.saved().await;
    assert_eq!(stored(&s3, "d").await.as_deref(), Some(whole.as_str()));
    process.kill();
    let process = saves.process();
    assert_eq!(text(process.address, "d").await.as_deref(), Some(whole.as_str()));
    assert_eq!(metric(process.address, ORPHANS).await, 0.0);
}

#[tokio::test]
async fn a_document_that_is_not_whole_can_be_deleted() {
    let s3 = S3Server::start();
    let folder = Folder::new();
    let saves = Settings::of(&s3, &folder, &[("DOCUMENT_DEBOUNCE_SECONDS", "0.05")]);
    let hour = [("DOCUMENT_DEBOUNCE_SECONDS", HOUR), ("DOCUMENT_MAX_DEBOUNCE_SECONDS", HOUR)];
    let server = saves.start();
    let mut ada = Peer::join(server.address(), "d").await;
    ada.write(0, "base ").await;
    ada.saved().await;
    server.stop().await;
    let process = Settings::of(&s3, &folder, &hour).process();
    Peer::join(process.address, "d").await.write_kept(5, "and more ").await;
    process.kill();
    bucket(&s3).delete(&Path::from("d.bin")).await.expect("deleted");
    let server = saves.start();
    assert_eq!(text(server.address(), "d").await, None);
    assert_eq!(request(server.address(), "DELETE", &state("d"), "write").await.status, 204);
    server.stop().await;
    let server = saves.start();
    let mut back = back_with(server.address(), "d", &ada).await;
    back.kept().await;
    assert_eq!(text(server.address(), "d").await.as_deref(), Some("base "));
    assert_eq!(metric(server.address(), ORPHANS).await, 0.0);
}

/// Who put it there may want it back.
#[tokio::test]
async fn what_is_no_document_is_not_overwritten() {
    let s3 = S3Server::start();
    let folder = Folder::new();
    let server = Settings::of(&s3, &folder, &[("DOCUMENT_DEBOUNCE_SECONDS", "0.05")]).start();
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    ada.write(0, "one ").await;
    ada.saved().await;
    let (bucket, key) = (bucket(&s3), Path::from("d.bin"));
    bucket.put(&key, Bytes::from_static(b"no document").into()).await.expect("put");
    ada.write_kept(4, "two ").await;
    metric_is(address, UNSAVED, 1.0).await;
    assert!(metric(address, "syncline_document_save_failures_total").await >= 1.0);
    ada.write_kept(8, "three").await;
    let there = bucket.get(&key).await.expect("an object").bytes().await.expect("its bytes");
    assert_eq!(&there[..], b"no document");
    bucket.delete(&key).await.expect("deleted");
    metric_is(address, UNSAVED, 0.0).await;
    ada.saved().await;
    assert_eq!(stored(&s3, "d").await.as_deref(), Some("one two three"));
}
