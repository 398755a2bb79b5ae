//! Names of documents: stock clients send them as they are, and they may be anything.

use std::path::{Path, PathBuf};

use syncline_testkit::{Token, call};

use crate::{
    folder::Folder,
    support::{Peer, code, request, start, state, sync, text, token},
};

/// A name as a path has it, and as the document is called.
fn names() -> Vec<(String, String)> {
    let plain = |name: &str| (name.to_owned(), name.to_owned());
    let written = |path: &str, name: &str| (path.to_owned(), name.to_owned());
    vec![
        plain("plain"),
        plain("a/b/c"),
        plain("a//b"),
        plain("/absolute/etc/passwd"),
        plain("trailing/"),
        plain(".."),
        plain("../../escaped"),
        plain("a/../../../escaped"),
        plain("."),
        plain("%"),
        plain("100%"),
        plain("%zz"),
        written("%25", "%"),
        written("%252e%252e%252fescaped", "%2e%2e%2fescaped"),
        written("%2e%2e%2f%2e%2e%2fescaped", "../../escaped"),
        written("with%20space", "with space"),
        written("a%5Cb", "a\\b"),
        written("a%3Fb%23c", "a?b#c"),
        written("%C3%BC%F0%9F%98%80", "ü😀"),
        plain("a:b;c,d=e&f+g@h!i~j*k'l(m)"),
        plain("CON"),
        plain("Plain"),
        written(&"x".repeat(256), &"x".repeat(256)),
        written(&"%C3%BC".repeat(128), &"ü".repeat(128)),
    ]
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn each_name_is_one_document_and_one_file_in_its_folder() {
    let outer = Folder::new();
    let data = format!("{}/one/two/data", outer.path());
    let server = start(&[("DATA_DIR", data.as_str())]);
    let address = server.address();
    let mut distinct = Vec::new();
    for (path, name) in names() {
        let mut peer = Peer::join(address, &path).await;
        if !distinct.contains(&name) {
            peer.write(0, &name).await;
            peer.kept().await;
            distinct.push(name.clone());
        }
        assert_eq!(peer.text(), name, "`{path}` is another one");
        assert_eq!(text(address, &path).await, Some(name));
    }
    server.stop().await;
    let documents = Path::new(&data).join("documents");
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for file in files(Path::new(outer.path())) {
        if file.starts_with(&documents) { inside.push(file) } else { outside.push(file) }
    }
    assert_eq!(inside.len(), distinct.len(), "{inside:?}");
    for file in &inside {
        assert_eq!(file.parent(), Some(documents.as_path()), "{file:?}");
        assert_eq!(file.extension().and_then(|end| end.to_str()), Some("bin"), "{file:?}");
    }
    assert!(outside.iter().all(|file| file.starts_with(&data)), "{outside:?}");
    assert!(!outside.iter().any(|file| file.to_string_lossy().contains("escaped")), "{outside:?}");
    // And they are found again.
    let server = start(&[("DATA_DIR", data.as_str())]);
    for (path, name) in names() {
        assert_eq!(text(server.address(), &path).await, Some(name));
    }
}

#[tokio::test]
async fn what_is_no_name_is_refused_everywhere() {
    let server = start(&[]);
    let address = server.address();
    for name in [
        "x".repeat(257),
        "%C3%BC".repeat(129),
        "a%00b".to_owned(),
        "a%0Ab".to_owned(),
        "%7F".to_owned(),
        "%C2%85".to_owned(),
        "%FF".to_owned(),
        "a%C3".to_owned(),
    ] {
        let expected = (422, "invalid_document_id".to_owned());
        for close in ["", "&close=1"] {
            let path = format!("{}?token={}{close}", sync(&name), token("ada", "read write"));
            assert_eq!(Peer::open(address, &path, &[]).await.err(), Some(expected.clone()), "{name}");
        }
        for method in ["GET", "DELETE"] {
            let answer = request(address, method, &state(&name), "read write").await;
            assert_eq!((answer.status, code(&answer)), expected, "{method} {name}");
        }
        // Who may nothing learns nothing of names.
        let stranger = format!("Bearer {}", Token::of("eve").sign());
        let answer = call(address, "GET", &state(&name), &[("authorization", &stranger)], "").await;
        assert_eq!(answer.status, 403);
    }
}

#[tokio::test]
async fn the_refusal_of_a_name_is_in_the_readers_language() {
    let server = start(&[]);
    let token = Token::of("ada").with("scope", "read").with("locale", "nl").sign();
    let bearer = format!("Bearer {token}");
    let answer = call(server.address(), "GET", &state("%00"), &[("authorization", &bearer)], "").await;
    let english = request(server.address(), "GET", &state("%00"), "read").await;
    let message = |answer: &syncline_testkit::Answer| answer.json()["message"].as_str().unwrap().to_owned();
    assert_ne!(message(&answer), message(&english));
    assert!(message(&english).contains("256"), "{}", message(&english));
}
