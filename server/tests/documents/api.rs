//! The state of a document over HTTP, and its deletion.

use syncline_testkit::{call, within};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use yrs::{
    Array as _, Doc, Map as _, ReadTxn as _, StateVector, Text as _, Transact as _, XmlFragment as _,
    updates::decoder::Decode as _,
};

use crate::{
    folder::Folder,
    support::{Peer, code, metric, request, request_with, start, state, text, token},
    yjs::sync_message,
};

/// The body of a GET as it is: bytes.
async fn bytes(address: std::net::SocketAddr, document: &str) -> Vec<u8> {
    let bearer = token("reader", "read");
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {bearer}\r\nconnection: close\r\n\r\n",
        state(document)
    );
    within("an answer", async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let head = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
        let said = String::from_utf8(answer[..head].to_vec()).unwrap().to_lowercase();
        assert!(
            said.starts_with("http/1.1 200") && said.contains("content-type: application/octet-stream"),
            "{said}"
        );
        assert!(said.contains("cache-control: no-store"), "{said}");
        answer.split_off(head + 4)
    })
    .await
}

#[tokio::test]
async fn the_state_is_an_update_that_makes_the_document() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    ada.write(0, "hello world").await;
    ada.erase(5, 6).await;
    ada.kept().await;
    let copy = Doc::new();
    copy.transact_mut().apply_update(yrs::Update::decode_v1(&bytes(address, "d").await).unwrap()).unwrap();
    let all = |doc: &Doc| doc.transact().encode_state_as_update_v1(&StateVector::default());
    assert_eq!(all(&copy), ada.state());
}

#[tokio::test]
async fn as_json_each_root_is_what_it_holds() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    let (note, list, map, page) = (
        ada.doc.get_or_insert_text("note"),
        ada.doc.get_or_insert_array("list"),
        ada.doc.get_or_insert_map("map"),
        ada.doc.get_or_insert_xml_fragment("page"),
    );
    let update = {
        let mut transaction = ada.doc.transact_mut();
        note.insert(&mut transaction, 0, "text");
        list.push_back(&mut transaction, 1);
        list.push_back(&mut transaction, "two");
        map.insert(&mut transaction, "k", true);
        page.push_back(&mut transaction, yrs::XmlElementPrelim::empty("p"));
        transaction.encode_update_v1()
    };
    ada.send(sync_message(2, &update)).await;
    ada.kept().await;
    let answer =
        request_with(address, "GET", &state("d"), "read", &[("accept", "text/html, application/json;q=0.5")])
            .await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let expected =
        serde_json::json!({ "note": "text", "list": [1, "two"], "map": { "k": true }, "page": "<p></p>" });
    let seen = answer.json();
    for root in ["note", "list", "map", "page"] {
        assert_eq!(seen[root], expected[root], "{root} in {seen}");
    }
    // To look changes nothing.
    assert_eq!(Peer::join(address, "d").await.state(), ada.state());
}

#[tokio::test]
async fn what_never_was_is_not_found() {
    let server = start(&[]);
    let address = server.address();
    for method in ["GET", "HEAD"] {
        let answer = request(address, method, &state("never"), "read").await;
        assert_eq!(answer.status, 404, "{method}");
    }
    // Somebody who has come and written nothing has not made it.
    let _ada = Peer::join(address, "never").await;
    let answer = request(address, "GET", &state("never"), "read").await;
    assert_eq!((answer.status, code(&answer).as_str()), (404, "not_found"));
    assert_eq!(metric(address, "syncline_document_saves_total").await, 0.0);
}

#[tokio::test]
async fn a_head_has_no_body() {
    let server = start(&[]);
    let address = server.address();
    let mut ada = Peer::join(address, "d").await;
    ada.write_kept(0, "x").await;
    let answer = request(address, "HEAD", &state("d"), "read").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("content-length"), Some(ada.state().len().to_string().as_str()));
}

#[tokio::test]
async fn a_deleted_document_is_gone_for_good_and_no_other_is() {
    let folder = Folder::new();
    let kept = [("DATA_DIR", folder.path())];
    let server = start(&kept);
    let address = server.address();
    let mut peers = [Peer::join(address, "d").await, Peer::join(address, "d").await];
    peers[0].write_kept(0, "private").await;
    peers[1].until("private").await;
    let mut other = Peer::join(address, "d2").await;
    other.write_kept(0, "stays").await;
    let refused = request(address, "DELETE", &state("d"), "read").await;
    assert_eq!((refused.status, code(&refused).as_str()), (403, "auth_forbidden"));
    assert_eq!(text(address, "d").await.as_deref(), Some("private"));
    let deleted = request(address, "DELETE", &state("d"), "write").await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    for peer in &mut peers {
        assert_eq!(peer.closed().await, Some(4410));
    }
    assert_eq!(text(address, "d").await, None);
    assert_eq!(other.rest().await, []);
    // What never was is deleted as well.
    assert_eq!(request(address, "DELETE", &state("never"), "write").await.status, 204);
    server.stop().await;
    let server = start(&kept);
    let address = server.address();
    assert_eq!(text(address, "d").await, None);
    assert_eq!(text(address, "d2").await.as_deref(), Some("stays"));
    let mut again = Peer::join(address, "d").await;
    again.write_kept(0, "anew").await;
    assert_eq!(text(address, "d").await.as_deref(), Some("anew"));
    let json = [("accept", "application/json")];
    assert_eq!(call(address, "GET", &state("d"), &json, "").await.status, 401);
    let late = Peer::join(address, "d").await;
    assert_eq!(late.text(), "anew");
    drop(late);
}
