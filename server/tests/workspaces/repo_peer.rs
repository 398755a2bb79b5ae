//! A hand-written automerge-repo client: it knows the protocol and Automerge's own sync, and nothing of the server.

use std::net::SocketAddr;

use automerge::{
    AutoCommit, ChangeHash, ReadDoc as _,
    sync::{Message, State, SyncDoc as _},
};
use cbor4ii::core::{
    Value,
    dec::Decode as _,
    enc::Encode as _,
    utils::{BufWriter, SliceReader},
};
use futures_util::{SinkExt as _, StreamExt as _};
use syncline_testkit::within;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message as Raw, client::IntoClientRequest as _},
};

use crate::support::{get, token};

/// A frame, as its map.
#[derive(Debug)]
pub(crate) struct Frame(Vec<(Value, Value)>);

impl Frame {
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find_map(|(name, value)| (*name == Value::Text(key.to_owned())).then_some(value))
    }

    /// A text of it.
    pub(crate) fn text(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Value::Text(text)) => text,
            other => panic!("`{key}` is no text but {other:?}"),
        }
    }

    /// The bytes of its `data`.
    pub(crate) fn data(&self) -> &[u8] {
        match self.get("data") {
            Some(Value::Bytes(bytes)) => bytes,
            other => panic!("no data but {other:?}"),
        }
    }

    /// Its number.
    pub(crate) fn count(&self) -> i128 {
        match self.get("count") {
            Some(Value::Integer(count)) => *count,
            other => panic!("no count but {other:?}"),
        }
    }
}

/// A frame of these texts, with data if there is any.
pub(crate) fn frame(texts: &[(&str, &str)], data: Option<&[u8]>) -> Vec<u8> {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut map: Vec<_> = texts.iter().map(|(key, value)| (text(key), text(value))).collect();
    map.extend(data.map(|data| (text("data"), Value::Bytes(data.to_vec()))));
    encode(&Value::Map(map))
}

/// A value as CBOR.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut writer = BufWriter::new(Vec::new());
    value.encode(&mut writer).expect("it is written");
    writer.into_inner()
}

/// A document as a client has it, and how far it is with the server.
#[derive(Default)]
pub(crate) struct Replica {
    pub(crate) doc: AutoCommit,
    pub(crate) state: State,
    pub(crate) id: String,
}

impl Replica {
    /// One that has nothing yet.
    pub(crate) fn of(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    pub(crate) fn heads(&mut self) -> Vec<ChangeHash> {
        self.doc.get_heads()
    }

    /// A text at a key of the root.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let (value, id) = self.doc.get(automerge::ROOT, key).expect("it is readable")?;
        Some(match value {
            automerge::Value::Object(_) => self.doc.text(id).expect("a text"),
            automerge::Value::Scalar(scalar) => scalar.as_str().expect("a text").to_owned(),
        })
    }
}

/// The id of a workspace's Automerge document.
pub(crate) async fn id_of(address: SocketAddr, workspace: &str) -> String {
    let url = get(address, &format!("/v1/workspaces/{workspace}")).await["automerge_url"].clone();
    url.as_str().and_then(|url| url.strip_prefix("automerge:")).expect("an url").to_owned()
}

/// A connected client.
pub(crate) struct Peer {
    socket: WebSocketStream<TcpStream>,
    pub(crate) name: String,
    pub(crate) server: String,
}

impl Peer {
    /// Opens a WebSocket with a token, and says nothing yet.
    pub(crate) async fn open(address: SocketAddr, name: &str, token: &str) -> Self {
        let stream = within("a connection", TcpStream::connect(address)).await.expect("it listens");
        stream.set_nodelay(true).expect("it is open");
        let request = format!("ws://{address}/v1/automerge?token={token}").into_client_request().unwrap();
        let (socket, _) = within("the upgrade", client_async(request, stream)).await.expect("an upgrade");
        Self { socket, name: name.to_owned(), server: String::new() }
    }

    /// Opens one as a user with these scopes.
    pub(crate) async fn open_as(address: SocketAddr, user: &str, scope: &str) -> Self {
        Self::open(address, &format!("peer-{user}"), &token(user, scope)).await
    }

    /// Joins too.
    pub(crate) async fn join_as(address: SocketAddr, user: &str, scope: &str) -> Self {
        let mut peer = Self::open_as(address, user, scope).await;
        peer.join().await;
        peer
    }

    pub(crate) async fn join(&mut self) {
        let join = frame(&[("type", "join"), ("senderId", &self.name)], None);
        self.send_raw(join).await;
        let welcome = self.frame().await;
        assert_eq!((welcome.text("type"), welcome.text("targetId")), ("peer", self.name.as_str()));
        assert_eq!(welcome.text("selectedProtocolVersion"), "1");
        self.server = welcome.text("senderId").to_owned();
    }

    pub(crate) async fn send_raw(&mut self, bytes: Vec<u8>) {
        within("a frame sent", self.socket.send(Raw::binary(bytes))).await.expect("it is open");
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        within("a text sent", self.socket.send(Raw::text(text))).await.expect("it is open");
    }

    /// Says something about a document.
    pub(crate) async fn say(&mut self, kind: &str, id: &str, data: &[u8]) {
        let texts =
            [("type", kind), ("senderId", &*self.name), ("targetId", &*self.server), ("documentId", id)];
        self.send_raw(frame(&texts, Some(data))).await;
    }

    /// The next frame, or the close code that ends it.
    pub(crate) async fn next(&mut self) -> Result<Frame, Option<u16>> {
        loop {
            match within("a frame or the end", self.socket.next()).await {
                Some(Ok(Raw::Binary(bytes))) => match Value::decode(&mut SliceReader::new(&bytes)) {
                    Ok(Value::Map(map)) => return Ok(Frame(map)),
                    other => panic!("no frame: {other:?}"),
                },
                Some(Ok(Raw::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    pub(crate) async fn frame(&mut self) -> Frame {
        self.next().await.unwrap_or_else(|code| panic!("closed with {code:?}"))
    }

    /// What it is told until the end, and the code of that: the errors alone.
    pub(crate) async fn ended(&mut self) -> (Vec<String>, Option<u16>) {
        let mut errors = Vec::new();
        loop {
            match self.next().await {
                Ok(frame) if frame.text("type") == "error" => errors.push(frame.text("message").to_owned()),
                Ok(_) => {}
                Err(code) => return (errors, code),
            }
        }
    }

    /// Says what there is to say of a document, if anything.
    pub(crate) async fn tell(&mut self, replica: &mut Replica) {
        if let Some(message) = replica.doc.sync().generate_sync_message(&mut replica.state) {
            self.say("sync", &replica.id.clone(), &message.encode()).await;
        }
    }

    /// Sends what the server does not have. [`tell`](Self::tell) leaves out, as clients do, what a filter takes for known: one
    /// change in a hundred, until it is asked for.
    pub(crate) async fn send_changes(&mut self, replica: &mut Replica) {
        let told = replica.state.their_heads.clone().unwrap_or_default();
        let changes = replica.doc.get_changes(&told).into_iter().map(|change| change.raw_bytes().to_vec());
        let changes: Vec<_> = changes.collect();
        let message = replica.doc.sync().generate_sync_message(&mut replica.state);
        let mut message = message.expect("something to say");
        message.changes = changes.into();
        self.say("sync", &replica.id.clone(), &message.encode()).await;
    }

    /// Hears the next of a document, and answers; an error is not expected.
    pub(crate) async fn hear(&mut self, replica: &mut Replica) -> Message {
        let frame = self.frame().await;
        assert_eq!(
            (frame.text("type"), frame.text("documentId")),
            ("sync", replica.id.as_str()),
            "{frame:?}"
        );
        let message = Message::decode(frame.data()).expect("a sync message");
        let received = replica.doc.sync().receive_sync_message(&mut replica.state, message.clone());
        received.expect("a sound message");
        self.tell(replica).await;
        message
    }

    /// Talks about a document until `done`.
    pub(crate) async fn until(&mut self, replica: &mut Replica, done: impl Fn(&mut Replica) -> bool) {
        while !done(replica) {
            self.hear(replica).await;
        }
    }

    /// Asks for a document until it has what the server has.
    pub(crate) async fn fetch(&mut self, id: &str) -> Replica {
        let mut replica = Replica::of(id);
        let request = replica.doc.sync().generate_sync_message(&mut replica.state).expect("a request");
        self.say("request", id, &request.encode()).await;
        self.until(&mut replica, |replica| in_step(replica) && !replica.heads().is_empty()).await;
        replica
    }

    /// Sends what was changed and waits until the server has it.
    pub(crate) async fn push(&mut self, replica: &mut Replica) {
        self.tell(replica).await;
        self.until(replica, in_step).await;
    }
}

/// Whether the server has said that it has the same.
pub(crate) fn in_step(replica: &mut Replica) -> bool {
    let heads = replica.heads();
    replica.state.their_heads.as_ref() == Some(&heads)
}
