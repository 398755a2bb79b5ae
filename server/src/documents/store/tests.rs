//! The suite on each store, and what each does that the others do not: the folder survives, the bucket fails.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    Place, Saved, Store, StoreError,
    contract::{LARGE, id, keeps, save, shares, text},
};
use crate::{config::Config, folder::Folder, s3_server::S3Server};

/// The store that settings lead to.
fn store<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Store {
    let pairs: Vec<(&str, &str)> = settings.into_iter().collect();
    let config = Config::from_pairs(&pairs).expect("the settings");
    Store::from_config(&config).expect("a store")
}

fn in_folder(folder: &Folder) -> Store {
    store([("DATA_DIR", folder.path())])
}

fn in_bucket(server: &S3Server, further: &[(&str, &str)]) -> Store {
    let settings = server.settings();
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    // The last one of a name counts.
    store(settings.chain(further.iter().copied()))
}

/// The settings that lead to a bucket there.
fn to(url: &str) -> [(&str, &str); 4] {
    [
        ("S3_BUCKET", "documents"),
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
    ]
}

/// What a failed request is told as.
async fn failure(store: &Store) -> String {
    match store.load(&id("a")).await {
        Err(StoreError::Failed(why)) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn in_memory() {
    let store = store([("DATA_DIR", "off")]);
    assert!(matches!(store.place, Place::Memory));
    keeps(&store).await;
    shares(&store).await;
}

#[tokio::test]
async fn in_files() {
    let folder = Folder::new();
    let store = in_folder(&folder);
    assert!(matches!(store.place, Place::Folder(_)));
    keeps(&store).await;
}

#[tokio::test]
async fn in_a_bucket() {
    let server = S3Server::start();
    let store = in_bucket(&server, &[]);
    assert!(matches!(store.place, Place::Bucket { .. }));
    keeps(&store).await;
    shares(&store).await;
}

#[tokio::test]
async fn the_prefix_is_before_each_key() {
    let server = S3Server::start();
    let store = in_bucket(&server, &[("S3_PREFIX", "some/docs/")]);
    save(&store, &id("../a"), "one", None).await;
    assert_eq!(server.objects(), ["some/docs/..%2Fa.bin"]);
    assert_eq!(in_bucket(&server, &[]).load(&id("../a")).await, Ok(None));
}

#[tokio::test]
async fn files_are_there_after_a_restart_and_what_was_half_written_is_not() {
    let folder = Folder::new();
    let long = id(&"Ä".repeat(128));
    save(&in_folder(&folder), &id("Notes/1"), "one", None).await;
    save(&in_folder(&folder), &long, "long", None).await;
    let documents = std::path::Path::new(folder.path()).join("documents");
    let half = documents.join("%4Eotes%2F1.bin#1");
    std::fs::write(&half, "half").expect("a file");
    let store = in_folder(&folder);
    assert_eq!(text(&store, &id("Notes/1")).await.as_deref(), Some("one"));
    assert_eq!(text(&store, &long).await.as_deref(), Some("long"));
    assert!(!half.exists());
    let files = std::fs::read_dir(documents).expect("the folder").count();
    assert_eq!(files, 2);
}

/// A save that nobody waits for any more, as when its document's owner ends, must not undo a later one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_that_was_given_up_does_not_come_after_the_next() {
    let folder = Folder::new();
    let store = in_folder(&folder);
    for round in 0..50 {
        let id = id(&format!("document {round}"));
        let large = Bytes::from(vec![b'x'; LARGE]);
        let mut given_up = Box::pin(store.save(&id, large, None));
        let is_done = given_up.as_mut().now_or_never().is_some();
        assert!(!is_done, "it has begun, and no more");
        drop(given_up);
        let later = store.save(&id, Bytes::from_static(b"later"), None);
        assert!(matches!(later.await, Ok(Saved::Done(_))));
        assert_eq!(text(&store, &id).await.as_deref(), Some("later"));
    }
}

#[tokio::test]
async fn the_bucket_goes_away_and_comes_back_with_what_it_had() {
    let mut server = S3Server::start();
    let store = in_bucket(&server, &[]);
    let first = save(&store, &id("a"), "one", None).await;
    server.kill();
    assert!(failure(&store).await.contains("refused"), "{}", failure(&store).await);
    let lost = store.save(&id("a"), Bytes::from_static(b"two"), Some(&first)).await;
    assert!(matches!(lost, Err(StoreError::Failed(_))), "{lost:?}");
    assert!(matches!(store.delete(&id("a")).await, Err(StoreError::Failed(_))));
    server.restart();
    assert_eq!(text(&store, &id("a")).await.as_deref(), Some("one"));
    save(&store, &id("a"), "two", Some(&first)).await;
    assert_eq!(text(&store, &id("a")).await.as_deref(), Some("two"));
}

/// It takes connections and requests, and says nothing.
#[tokio::test]
async fn a_bucket_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let listens = tokio::spawn(async move {
        let mut sockets = Vec::new();
        loop {
            let (mut socket, _) = silent.accept().await.expect("a connection");
            sockets.push(tokio::spawn(async move {
                let mut request = [0; 4096];
                while socket.read(&mut request).await.is_ok_and(|read| read > 0) {}
            }));
        }
    });
    let at_most = Duration::from_millis(100);
    let store = store(to(&url)).within_at_most(at_most);
    assert_eq!(store.load(&id("a")).await, Err(StoreError::Deadline(at_most)));
    // A MiB has a second more.
    let half = Bytes::from(vec![0; 1 << 18]);
    let saved = store.save(&id("a"), half, None).await;
    assert_eq!(saved, Err(StoreError::Deadline(at_most + Duration::from_millis(250))));
    assert_eq!(store.delete(&id("a")).await, Err(StoreError::Deadline(at_most)));
    listens.abort();
}

/// Without a deadline of its own this store would wait for ever.
#[test]
fn a_store_from_the_settings_has_a_deadline() {
    let store = store([("S3_BUCKET", "documents")]);
    assert!(matches!(store.place, Place::Bucket { patience, .. } if patience == super::PATIENCE));
}

#[tokio::test]
async fn whom_the_bucket_does_not_let_in_is_told_so() {
    let server = S3Server::start();
    let wrong = in_bucket(&server, &[("AWS_SECRET_ACCESS_KEY", "a wrong key")]);
    assert_eq!(failure(&wrong).await, "the bucket answered 403: SignatureDoesNotMatch");
    let unknown = in_bucket(&server, &[("AWS_ACCESS_KEY_ID", "nobody")]);
    let why = failure(&unknown).await;
    assert!(why.starts_with("the bucket answered 4"), "{why}");
    let saved = wrong.save(&id("a"), Bytes::from_static(b"one"), None).await;
    assert!(matches!(saved, Err(StoreError::Failed(_))), "{saved:?}");
    assert!(server.objects().is_empty());
}

/// It would look like a bucket without documents, and all of them empty.
#[tokio::test]
async fn a_bucket_that_is_missing_has_no_absent_documents() {
    // The test server says of a missing bucket that the object is missing; S3 says this.
    const ANSWER: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 41\r\nconnection: close\r\n\r\n\
                          <Error><Code>NoSuchBucket</Code></Error>\n";
    let bucket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", bucket.local_addr().expect("an address"));
    let answers = tokio::spawn(async move {
        let (mut socket, _) = bucket.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(socket.read_u8().await.expect("a request"));
        }
        socket.write_all(ANSWER.as_bytes()).await.expect("answered");
    });
    let store = store(to(&url));
    assert_eq!(failure(&store).await, "the bucket answered 404: NoSuchBucket");
    answers.await.expect("answered");
}

/// Nothing else in the process has said which TLS there is.
#[tokio::test]
async fn a_bucket_over_tls() {
    let plain = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", plain.local_addr().expect("an address"));
    let greeted = tokio::spawn(async move {
        let (mut socket, _) = plain.accept().await.expect("a connection");
        let mut first = [0; 3];
        socket.read_exact(&mut first).await.expect("a greeting");
        first
    });
    assert!(store(to(&url)).load(&id("a")).await.is_err());
    // A TLS handshake, in a record of version 3.
    assert_eq!(greeted.await.expect("a connection")[..2], [22, 3]);
}
