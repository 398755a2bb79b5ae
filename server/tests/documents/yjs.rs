//! A client of Yjs as y-websocket is one, which shows all that it is told and sends whatever it is asked to.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use syncline_testkit::within;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::HeaderName},
};
use yrs::{
    Doc, GetString as _, ReadTxn as _, StateVector, Text as _, Transact as _, Update,
    updates::{decoder::Decode as _, encoder::Encode as _},
};

use crate::support::{Header, sync, token};

/// Why there is no socket: the status and code of the answer.
pub(crate) type Refusal = (u16, String);

/// An entry of awareness: a client id, its clock, its state.
pub(crate) type Entry = (u64, u64, String);

/// Above this are the numbers of markers of which only the journal matters.
const OWN: u64 = 1 << 48;

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Step1(Vec<u8>),
    Step2(Vec<u8>),
    Update(Vec<u8>),
    Awareness(Vec<Entry>),
    Denied(String),
    Journaled(u64),
    Saved(u64),
}

/// Numbers, bytes and texts as lib0 writes them.
pub(crate) fn number(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

pub(crate) fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&number(bytes.len() as u64), bytes].concat()
}

/// A sync message: 0 is step 1, 1 is step 2, 2 is an update.
pub(crate) fn sync_message(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&[0, kind], &prefixed(bytes)[..]].concat()
}

/// A message of awareness.
pub(crate) fn awareness_message(entries: &[(u64, u64, &str)]) -> Vec<u8> {
    let mut states = number(entries.len() as u64);
    for (client, clock, state) in entries {
        states.extend([number(*client), number(*clock), prefixed(state.as_bytes())].concat());
    }
    [&[1], &prefixed(&states)[..]].concat()
}

/// The marker of that number.
pub(crate) fn marker(marker: u64) -> Vec<u8> {
    [vec![64], number(marker)].concat()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let (first, rest) = self.0.split_first().expect("a number");
            self.0 = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return number;
            }
        }
        panic!("a number without an end")
    }

    fn bytes(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.number()).expect("a length");
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    fn text(&mut self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("a text")
    }
}

impl Said {
    fn read(frame: &[u8]) -> Self {
        let mut reader = Reader(frame);
        let said = match (reader.number(), frame[1]) {
            (0, _) => match reader.number() {
                0 => Self::Step1(reader.bytes().to_vec()),
                1 => Self::Step2(reader.bytes().to_vec()),
                2 => Self::Update(reader.bytes().to_vec()),
                other => panic!("a sync message {other}"),
            },
            (1, _) => {
                let states = reader.bytes();
                let mut states = Reader(states);
                let entries =
                    (0..states.number()).map(|_| (states.number(), states.number(), states.text())).collect();
                assert!(states.0.is_empty(), "{frame:?}");
                Self::Awareness(entries)
            }
            (2, _) => {
                assert_eq!(reader.number(), 0, "permission denied");
                Self::Denied(reader.text())
            }
            (64, kind) => {
                reader.number();
                let marker = reader.number();
                if kind == 1 { Self::Journaled(marker) } else { Self::Saved(marker) }
            }
            (other, _) => panic!("a message {other}"),
        };
        assert!(reader.0.is_empty(), "one message in one frame: {frame:?}");
        said
    }
}

/// Changes a copy by that update.
pub(crate) fn apply(doc: &Doc, update: &[u8]) {
    let update = Update::decode_v1(update).expect("an update");
    doc.transact_mut().apply_update(update).expect("it fits");
}

/// All of a copy.
pub(crate) fn state(doc: &Doc) -> Vec<u8> {
    doc.transact().encode_state_as_update_v1(&StateVector::default())
}

/// A client with its copy of a document.
pub(crate) struct Peer {
    socket: WebSocketStream<TcpStream>,
    pub(crate) doc: Doc,
    markers: u64,
}

impl Peer {
    /// Opens a socket with these headers, and says nothing.
    pub(crate) async fn open(
        address: SocketAddr,
        path: &str,
        headers: &[Header<'_>],
    ) -> Result<Self, Refusal> {
        let stream = within("a connection", TcpStream::connect(address)).await.expect("it listens");
        Self::over(stream, address, path, headers).await
    }

    /// Opens one whose receive buffer is small. With one of 2 KiB a reader that pauses is taken for one that does not read.
    pub(crate) async fn open_narrow(address: SocketAddr, path: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(65_536).unwrap();
        let stream = within("a connection", socket.connect(address)).await.expect("it listens");
        Self::over(stream, address, path, &[]).await.expect("it is accepted")
    }

    async fn over(
        stream: TcpStream,
        address: SocketAddr,
        path: &str,
        headers: &[Header<'_>],
    ) -> Result<Self, Refusal> {
        // A message does not wait for the one before it to be acknowledged.
        stream.set_nodelay(true).expect("a socket");
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            request.headers_mut().append(name, value.parse().expect("a value"));
        }
        match within("the upgrade", client_async(request, stream)).await {
            Ok((socket, _answer)) => Ok(Self { socket, doc: Doc::new(), markers: 0 }),
            Err(Error::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                let body: Value = serde_json::from_slice(body).expect("a JSON body");
                Err((answer.status().as_u16(), body["error"].as_str().expect("a code").to_owned()))
            }
            Err(error) => panic!("no upgrade: {error}"),
        }
    }

    /// Opens one as that user with these scopes, and hears the server's first step.
    pub(crate) async fn come(address: SocketAddr, document: &str, user: &str, scope: &str) -> Self {
        let path = format!("{}?token={}", sync(document), token(user, scope));
        let opened = Self::open(address, &path, &[]).await;
        let mut peer = opened.unwrap_or_else(|refusal| panic!("{document} is refused: {refusal:?}"));
        let first = peer.said().await;
        assert!(matches!(first, Said::Step1(_)), "{first:?}");
        peer
    }

    /// Opens one as a user who may read and write, and has all of the document.
    pub(crate) async fn join(address: SocketAddr, document: &str) -> Self {
        let mut peer = Self::come(address, document, "ada", "read write").await;
        peer.ask_for_all().await;
        peer
    }

    /// Asks for what it lacks, and waits until it has it.
    pub(crate) async fn ask_for_all(&mut self) {
        self.send(sync_message(0, &self.state_vector())).await;
        loop {
            let said = self.said().await;
            self.take(&said).await;
            if matches!(said, Said::Step2(_)) {
                return;
            }
        }
    }

    pub(crate) async fn send(&mut self, frame: Vec<u8>) {
        self.send_raw(Message::binary(frame)).await;
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        within("a message sent", self.socket.send(message)).await.expect("it is open");
    }

    /// Sends as long as it is listened to.
    pub(crate) async fn try_send(&mut self, frame: Vec<u8>) {
        let _perhaps_closed = within("a message sent", self.socket.send(Message::binary(frame))).await;
    }

    /// What is said next, or the close code that ends it.
    pub(crate) async fn next(&mut self) -> Result<Said, Option<u16>> {
        loop {
            match within("a message or the end", self.socket.next()).await {
                Some(Ok(Message::Binary(bytes))) => match Said::read(&bytes) {
                    Said::Saved(number) if number > OWN => {}
                    said => return Ok(said),
                },
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("no message of Yjs: {other:?}"),
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// What is said next.
    pub(crate) async fn said(&mut self) -> Said {
        self.next().await.unwrap_or_else(|code| panic!("it ended with {code:?}"))
    }

    /// The close code that ends it, or nothing if the connection just broke.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    /// Ends it as a page does that is left: without a word of Yjs.
    pub(crate) async fn close(mut self) {
        within("the close", self.socket.close(None)).await.expect("it is open");
        while self.next().await.is_ok() {}
    }

    /// Does with a message what a client does.
    pub(crate) async fn take(&mut self, said: &Said) {
        match said {
            Said::Step1(theirs) => {
                let theirs = StateVector::decode_v1(theirs).expect("a state vector");
                let missing = self.doc.transact().encode_state_as_update_v1(&theirs);
                self.send(sync_message(1, &missing)).await;
            }
            Said::Step2(update) | Said::Update(update) => self.apply(update),
            _ => {}
        }
    }

    pub(crate) fn apply(&self, update: &[u8]) {
        apply(&self.doc, update);
    }

    pub(crate) fn state_vector(&self) -> Vec<u8> {
        self.doc.transact().state_vector().encode_v1()
    }

    /// All of its copy.
    pub(crate) fn state(&self) -> Vec<u8> {
        state(&self.doc)
    }

    /// Changes the text, and keeps it to itself; the update.
    pub(crate) fn write_unsent(&self, at: u32, text: &str) -> Vec<u8> {
        let root = self.doc.get_or_insert_text("t");
        let mut transaction = self.doc.transact_mut();
        root.insert(&mut transaction, at, text);
        transaction.encode_update_v1()
    }

    /// Inserts that into the text, and sends it.
    pub(crate) async fn write(&mut self, at: u32, text: &str) {
        let update = self.write_unsent(at, text);
        self.send(sync_message(2, &update)).await;
    }

    /// Inserts that into the text, and waits until it is in the journal.
    pub(crate) async fn write_kept(&mut self, at: u32, text: &str) {
        self.write(at, text).await;
        self.kept().await;
    }

    /// Removes so many letters of the text, and keeps it to itself; the update.
    pub(crate) fn erase_unsent(&self, at: u32, length: u32) -> Vec<u8> {
        let root = self.doc.get_or_insert_text("t");
        let mut transaction = self.doc.transact_mut();
        root.remove_range(&mut transaction, at, length);
        transaction.encode_update_v1()
    }

    /// Removes so many letters of the text, and sends it.
    pub(crate) async fn erase(&mut self, at: u32, length: u32) {
        let update = self.erase_unsent(at, length);
        self.send(sync_message(2, &update)).await;
    }

    pub(crate) fn text(&self) -> String {
        let root = self.doc.get_or_insert_text("t");
        root.get_string(&self.doc.transact())
    }

    /// Takes what comes until the text is this.
    pub(crate) async fn until(&mut self, text: &str) {
        while self.text() != text {
            let said = self.said().await;
            self.take(&said).await;
        }
    }

    /// Waits until all that it has sent is in the journal; all that came before, taken.
    pub(crate) async fn kept(&mut self) -> Vec<Said> {
        self.markers += 1;
        let number = OWN + self.markers;
        self.send(marker(number)).await;
        self.until_said(&Said::Journaled(number)).await
    }

    /// Waits until all that it has sent is in the store.
    pub(crate) async fn saved(&mut self) {
        self.markers += 1;
        let number = self.markers;
        self.send(marker(number)).await;
        self.until_said(&Said::Saved(number)).await;
    }

    /// Takes what comes until this does; all that came before.
    pub(crate) async fn until_said(&mut self, wanted: &Said) -> Vec<Said> {
        let mut before = Vec::new();
        loop {
            let said = self.said().await;
            if said == *wanted {
                return before;
            }
            self.take(&said).await;
            before.push(said);
        }
    }

    /// All that was said up to now, besides of markers. Answers come before what everybody is told, so that one is asked
    /// for twice.
    pub(crate) async fn rest(&mut self) -> Vec<Said> {
        let mut rest = self.kept().await;
        rest.extend(self.kept().await);
        rest
    }
}
