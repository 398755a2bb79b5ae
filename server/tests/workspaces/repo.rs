//! automerge-repo clients on the documents of workspaces, beside JSON clients.

use automerge::{ObjType, ROOT, ReadDoc as _, ScalarValue, transaction::Transactable as _};
use cbor4ii::core::Value as Cbor;
use serde_json::json;
use syncline_testkit::{TestServer, Token};

use crate::{
    repo_peer::{Peer, Replica, encode, frame, id_of, in_step},
    support::{Ws, data, history, metric_is, start},
};

const BOTH: &str = "read write";

/// A workspace `w` with a title, a JSON client in it, and its document's id.
async fn with_a_title() -> (TestServer, Ws, String) {
    let server = start(&[]);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    ada.set_acked("1", "title", "first").await;
    let id = id_of(server.address(), "w").await;
    (server, ada, id)
}

#[tokio::test]
async fn the_handshake() {
    let server = start(&[]);
    let address = server.address();
    let mut peer = Peer::join_as(address, "ada", BOTH).await;
    assert!(peer.server.starts_with("syncline-"), "{}", peer.server);
    let name = peer.server.clone();
    peer.join().await;
    assert_eq!(Peer::join_as(address, "bob", "read").await.server, name, "the same for everybody");

    let join = |versions: &[&str]| {
        let text = |text: &&str| Cbor::Text((*text).to_owned());
        encode(&Cbor::Map(vec![
            (text(&"type"), text(&"join")),
            (text(&"senderId"), text(&"p")),
            (text(&"peerMetadata"), Cbor::Map(vec![(text(&"isEphemeral"), Cbor::Bool(true))])),
            (text(&"supportedProtocolVersions"), Cbor::Array(versions.iter().map(text).collect())),
        ]))
    };
    let mut newer = Peer::open_as(address, "ada", BOTH).await;
    newer.send_raw(join(&["2", "1"])).await;
    assert_eq!(newer.frame().await.text("type"), "peer");
    let mut foreign = Peer::open_as(address, "ada", BOTH).await;
    foreign.send_raw(join(&["2"])).await;
    let (errors, code) = foreign.ended().await;
    assert!(errors[0].contains("unsupported protocol version"), "{errors:?}");
    assert_eq!(code, Some(1002));
}

#[tokio::test]
async fn who_may_come_in() {
    let server = start(&[]);
    let address = server.address();
    let open = |path: String| async move { Ws::open_with(address, &path, &[]).await };
    assert_eq!(open("/v1/automerge".into()).await.unwrap_err(), (401, "auth_required".to_owned()));
    let nothing = Token::of("ada").with("scope", "rooms:read").sign();
    let refused = open(format!("/v1/automerge?token={nothing}")).await.unwrap_err();
    assert_eq!(refused, (403, "auth_forbidden".to_owned()));
    let mut closed = open(format!("/v1/automerge?close=1&token={nothing}")).await.unwrap();
    assert_eq!(closed.closed().await, Some(4003));
    let mut closed = open("/v1/automerge?close=1&token=nonsense".into()).await.unwrap();
    assert_eq!(closed.closed().await, Some(4001));
    let bearer = format!("Bearer {}", Token::of("ada").with("scope", "read").sign());
    Ws::open_with(address, "/v1/automerge", &[("authorization", &bearer)]).await.expect("by header");
    let refused = syncline_testkit::call(address, "POST", "/v1/automerge", &[], "").await;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET")));
}

#[tokio::test]
async fn a_peer_reads_what_json_clients_write_at_once() {
    let (server, mut ada, id) = with_a_title().await;
    ada.set_acked("2", "list", json!([1, { "deep": [null, 2.5] }])).await;
    let mut peer = Peer::join_as(server.address(), "bob", BOTH).await;
    let mut replica = peer.fetch(&id).await;
    assert_eq!(replica.text("title").unwrap(), "first");
    let (_, list) = replica.doc.get(ROOT, "list").unwrap().unwrap();
    assert_eq!(replica.doc.length(&list), 2);
    for number in 3..20 {
        let title = format!("title {number}");
        ada.set_acked(&number.to_string(), "title", title.as_str()).await;
        peer.until(&mut replica, |replica| replica.text("title").as_ref() == Some(&title)).await;
    }
    // And it is there for those who look who is there.
    let present = crate::support::get(server.address(), "/v1/presence/w").await;
    assert_eq!(present.as_array().unwrap().len(), 2, "{present}");
}

#[tokio::test]
async fn what_a_peer_writes_is_told_by_key_and_kept() {
    let folder = std::env::temp_dir().join(format!("syncline-repo-{}", std::process::id()));
    let settings = [("DATA_DIR", folder.to_str().unwrap())];
    let server = start(&settings);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    ada.set_acked("1", "title", "first").await;
    let id = id_of(server.address(), "w").await;
    let mut peer = Peer::join_as(server.address(), "bob", BOTH).await;
    let mut replica = peer.fetch(&id).await;
    replica.doc.put(ROOT, "title", "by a peer").unwrap();
    replica.doc.put(ROOT, "n", 7).unwrap();
    replica.doc.commit();
    peer.push(&mut replica).await;
    let told = [ada.message().await, ada.message().await];
    let told = told.map(|told| (told["payload"]["key"].clone(), told["payload"]["value"].clone()));
    assert_eq!(told, [(json!("title"), json!("by a peer")), (json!("n"), json!(7))]);
    // One large enough to be compressed.
    let long = "many words ".repeat(1000);
    replica.doc.put(ROOT, "long", long.as_str()).unwrap();
    peer.push(&mut replica).await;
    assert_eq!(ada.message().await["payload"]["value"], long);
    let entries = history(server.address(), "w").await;
    assert_eq!((entries.len(), &entries[1]["keys"]), (3, &json!(["title", "n"])));
    assert_eq!((&entries[0]["user_id"], &entries[2]["user_id"]), (&json!(null), &json!("ada")));
    server.stop().await;
    let server = start(&settings);
    let expected = json!({ "title": "by a peer", "n": 7, "long": long });
    assert_eq!(data(server.address(), "w").await, expected);
    server.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn two_peers_converge_with_texts_and_counters() {
    let (server, _ada, id) = with_a_title().await;
    let address = server.address();
    let mut one = Peer::join_as(address, "bob", BOTH).await;
    let mut two = Peer::join_as(address, "cy", BOTH).await;
    let mut ones = one.fetch(&id).await;
    let text = ones.doc.put_object(ROOT, "text", ObjType::Text).unwrap();
    ones.doc.splice_text(&text, 0, 0, "hello").unwrap();
    ones.doc.put(ROOT, "count", ScalarValue::counter(1)).unwrap();
    one.push(&mut ones).await;
    let mut twos = two.fetch(&id).await;
    // Both at the same time.
    ones.doc.splice_text(&text, 0, 0, "oh ").unwrap();
    ones.doc.increment(ROOT, "count", 10).unwrap();
    twos.doc.splice_text(&text, 5, 0, " world").unwrap();
    twos.doc.increment(ROOT, "count", 100).unwrap();
    one.tell(&mut ones).await;
    two.tell(&mut twos).await;
    let all =
        |replica: &mut Replica| replica.text("text").as_deref() == Some("oh hello world") && in_step(replica);
    // Either may be asked for what it has taken for known, and only then is the other told of it.
    tokio::join!(one.until(&mut ones, all), two.until(&mut twos, all));
    assert_eq!(ones.heads(), twos.heads());
    let expected = json!({ "title": "first", "text": "oh hello world", "count": 111 });
    assert_eq!(data(address, "w").await, expected);
}

#[tokio::test]
async fn values_that_json_has_no_word_for() {
    let (server, mut ada, id) = with_a_title().await;
    let mut peer = Peer::join_as(server.address(), "bob", BOTH).await;
    let mut replica = peer.fetch(&id).await;
    replica.doc.put(ROOT, "bytes", ScalarValue::Bytes(vec![1, 2, 255])).unwrap();
    replica.doc.put(ROOT, "time", ScalarValue::Timestamp(1_700_000_000_000)).unwrap();
    replica.doc.put(ROOT, "nothing", ()).unwrap();
    replica.doc.put(ROOT, "infinite", f64::INFINITY).unwrap();
    let text = replica.doc.put_object(ROOT, "text", ObjType::Text).unwrap();
    replica.doc.splice_text(&text, 0, 0, "grün 👋").unwrap();
    peer.push(&mut replica).await;
    let mut told = serde_json::Map::new();
    while told.len() < 5 {
        let message = ada.message().await;
        told.insert(
            message["payload"]["key"].as_str().unwrap().to_owned(),
            message["payload"]["value"].clone(),
        );
    }
    let expected = json!({
        "bytes": "AQL/", "time": 1_700_000_000_000_i64, "nothing": null, "infinite": null, "text": "grün 👋",
    });
    assert_eq!(serde_json::Value::Object(told), expected);
}

#[tokio::test]
async fn a_peer_that_comes_back_is_told_what_it_missed_alone() {
    let (server, mut ada, id) = with_a_title().await;
    for number in 0..100 {
        ada.set_acked(&format!("before {number}"), &format!("k{number}"), "x".repeat(500)).await;
    }
    let mut peer = Peer::join_as(server.address(), "bob", BOTH).await;
    let mut replica = peer.fetch(&id).await;
    peer.push(&mut replica).await;
    drop(peer);
    // As a client keeps it.
    replica.state = automerge::sync::State::decode(&replica.state.encode()).unwrap();
    replica.doc.put(ROOT, "offline", true).unwrap();
    let offline = replica.heads()[0];
    ada.set_acked("after", "title", "meanwhile").await;
    let mut peer = Peer::join_as(server.address(), "bob", BOTH).await;
    let mut heard = 0;
    peer.tell(&mut replica).await;
    while !in_step(&mut replica) {
        heard += peer.hear(&mut replica).await.encode().len();
    }
    assert_eq!(replica.text("title").unwrap(), "meanwhile");
    assert!(heard < 2000, "{heard} bytes");
    let entries = history(server.address(), "w").await;
    assert!(entries.iter().any(|entry| entry["hash"] == offline.to_string()));
    assert_eq!(data(server.address(), "w").await["offline"], true);
}

#[tokio::test]
async fn documents_that_are_not_to_be_had() {
    let (server, _ada, id) = with_a_title().await;
    let address = server.address();
    let (_bob, _) = Ws::join(address, "empty", "bob").await;
    let empty = id_of(address, "empty").await;
    let elsewhere = Token::of("cy").with("scope", "admin").with("workspaces", json!(["v*"])).sign();
    let writes_only = Token::of("cy").with("scope", "write").sign();
    let admin = Token::of("cy").with("scope", "admin").sign();
    let too_long = "x".repeat(65);
    for (token, id) in [
        (&admin, "4NMNnkMhL8jXrdJ9jamS58PAVdXu"),
        (&admin, empty.as_str()),
        (&admin, ""),
        (&admin, "../w"),
        (&admin, &too_long),
        (&elsewhere, &id),
        (&writes_only, &id),
    ] {
        let mut peer = Peer::open(address, "p", token).await;
        peer.join().await;
        let mut replica = Replica::of(id);
        replica.doc.put(ROOT, "created", true).unwrap();
        peer.tell(&mut replica).await;
        let frame = peer.frame().await;
        assert_eq!((frame.text("type"), frame.text("documentId")), ("doc-unavailable", id));
        // And the connection goes on.
        peer.join().await;
    }
    assert_eq!(data(address, "w").await, json!({ "title": "first" }));
    assert_eq!(data(address, "empty").await, json!({}));
}

#[tokio::test]
async fn who_may_only_read_changes_nothing_and_reads_on() {
    let (server, mut ada, id) = with_a_title().await;
    let mut peer = Peer::join_as(server.address(), "bob", "read").await;
    let mut replica = peer.fetch(&id).await;
    // A client that does not heed that nothing is taken from it.
    assert!(replica.state.peer_read_only, "it was told");
    replica.state.peer_read_only = false;
    replica.doc.put(ROOT, "title", "forbidden").unwrap();
    peer.send_changes(&mut replica).await;
    let refused = peer.frame().await;
    assert_eq!(refused.text("type"), "error");
    assert!(refused.text("message").starts_with("permission_denied: "), "{refused:?}");
    assert!(ada.is_quiet().await);
    assert_eq!(data(server.address(), "w").await, json!({ "title": "first" }));
    ada.set_acked("2", "other", "second").await;
    peer.until(&mut replica, |replica| replica.text("other").is_some()).await;
    assert_eq!(history(server.address(), "w").await.len(), 2);
}

#[tokio::test]
async fn nobody_writes_in_anothers_name() {
    let (server, mut ada, id) = with_a_title().await;
    let mut peer = Peer::join_as(server.address(), "bob", BOTH).await;
    let mut replica = peer.fetch(&id).await;
    let forged = r#"{"syncline":1,"user":"ada","at":1,"region":"local"}"#;
    replica.doc.put(ROOT, "title", "forged").unwrap();
    let options = automerge::transaction::CommitOptions::default().with_message(forged);
    replica.doc.commit_with(options);
    peer.send_changes(&mut replica).await;
    let (errors, code) = peer.ended().await;
    assert!(errors[0].contains("another's name"), "{errors:?}");
    assert_eq!(code, Some(1008));
    assert!(ada.is_quiet().await);
    assert_eq!(data(server.address(), "w").await, json!({ "title": "first" }));
    // What is said otherwise is the author's.
    let mut peer = Peer::join_as(server.address(), "bob", BOTH).await;
    let mut replica = peer.fetch(&id).await;
    replica.doc.put(ROOT, "title", "honest").unwrap();
    replica.doc.commit_with(automerge::transaction::CommitOptions::default().with_message("why"));
    peer.push(&mut replica).await;
    assert_eq!(history(server.address(), "w").await[0]["message"], "why");
    metric_is(server.address(), "ws_disconnect_total{system=\"automerge\",reason=\"abuse\"}", 1.0).await;
}

#[tokio::test]
async fn a_full_workspace_takes_no_more_from_peers_and_is_read_on() {
    let server = start(&[("WORKSPACE_BYTES", "20000")]);
    let (mut ada, _) = Ws::join(server.address(), "w", "ada").await;
    ada.set_acked("1", "k", 1).await;
    let id = id_of(server.address(), "w").await;
    let mut peer = Peer::join_as(server.address(), "bob", BOTH).await;
    let mut replica = peer.fetch(&id).await;
    replica.doc.put(ROOT, "large", "x".repeat(30_000)).unwrap();
    peer.push(&mut replica).await;
    assert_eq!(ada.message().await["payload"]["key"], "large");
    replica.doc.put(ROOT, "more", 1).unwrap();
    peer.send_changes(&mut replica).await;
    let refused = peer.frame().await;
    assert!(refused.text("message").starts_with("workspace_full: "), "{refused:?}");
    peer.until(&mut replica, |replica| replica.state.peer_read_only).await;
    assert!(ada.is_quiet().await && data(server.address(), "w").await["more"].is_null());
}

#[tokio::test]
async fn what_is_ephemeral_goes_to_the_others_alone() {
    let (server, _ada, id) = with_a_title().await;
    let address = server.address();
    let mut peers = Vec::new();
    for (user, scope) in [("bob", BOTH), ("cy", "read"), ("di", BOTH)] {
        let mut peer = Peer::join_as(address, user, scope).await;
        peer.fetch(&id).await;
        peers.push(peer);
    }
    // Connected, but not to this document.
    let mut stranger = Peer::join_as(address, "eve", BOTH).await;
    let ephemeral = |peer: &Peer, sender: &str, count: i128| {
        let text = |text: &str| Cbor::Text(text.to_owned());
        encode(&Cbor::Map(vec![
            (text("type"), text("ephemeral")),
            (text("senderId"), text(sender)),
            (text("targetId"), text(&peer.server)),
            (text("documentId"), text(&id)),
            (text("sessionId"), text("session")),
            (text("count"), Cbor::Integer(count)),
            (text("data"), Cbor::Bytes(vec![count as u8])),
        ]))
    };
    let said = ephemeral(&stranger, "peer-eve", 1);
    stranger.send_raw(said).await;
    let said = ephemeral(&peers[0], "peer-di", 2);
    peers[0].send_raw(said).await;
    let said = ephemeral(&peers[1], "peer-cy", 3);
    peers[1].send_raw(said).await;
    for listener in [0, 2] {
        let heard = peers[listener].frame().await;
        assert_eq!((heard.text("type"), heard.text("senderId")), ("ephemeral", "peer-cy"));
        assert_eq!((heard.count(), heard.data(), heard.text("sessionId")), (3, &[3][..], "session"));
        assert_eq!(heard.text("targetId"), peers[listener].name);
    }
    // Nothing came back to whoever said it: the next thing it hears is an answer.
    peers[1].join().await;
    stranger.join().await;
    let large = frame(
        &[
            ("type", "ephemeral"),
            ("senderId", "peer-cy"),
            ("targetId", &peers[1].server),
            ("documentId", &id),
        ],
        None,
    );
    peers[1].send_raw(large).await;
    assert_eq!(peers[1].frame().await.text("type"), "error");
}
