//! A server for each test, and an SSE client that shows every byte.

use std::net::SocketAddr;

use serde_json::{Value, json};
use syncline_testkit::{Answer, TestServer, call, within};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpSocket, TcpStream},
};

/// A header of requests.
pub(crate) type Header<'a> = (&'a str, &'a str);

/// Starts a server with these settings; events are off, as no handler is linked here.
pub(crate) fn start(settings: &[Header<'_>]) -> TestServer {
    TestServer::configured(&[&[("EVENTS", "off")], settings].concat(), |builder| builder)
}

pub(crate) fn path(room: &str) -> String {
    format!("/api/rooms/{room}")
}

pub(crate) async fn get(address: SocketAddr, room: &str, headers: &[Header<'_>]) -> Answer {
    call(address, "GET", &path(room), headers, "").await
}

pub(crate) async fn delete(address: SocketAddr, room: &str) -> Answer {
    call(address, "DELETE", &path(room), &[], "").await
}

/// A PUT of that body, as JSON.
pub(crate) async fn put_body(address: SocketAddr, room: &str, body: impl AsRef<[u8]>) -> Answer {
    call(address, "PUT", &path(room), &[("content-type", "application/json")], body).await
}

/// A PUT that has to succeed; the record.
pub(crate) async fn put(address: SocketAddr, room: &str, state: Value) -> Value {
    let answer = put_body(address, room, json!({ "state": state }).to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The code of an error, whose body has to be just that and a message.
pub(crate) fn code(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
    let body = answer.json();
    let fields: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(fields.len(), 2, "{body}");
    assert!(!body["message"].as_str().expect("a message").is_empty());
    body["error"].as_str().expect("a code").to_owned()
}

/// The value of a metric, by its whole name with labels.
pub(crate) async fn metric(address: SocketAddr, name: &str) -> f64 {
    let text = call(address, "GET", "/metrics", &[], "").await.body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no metric `{name}` in {text}"))
}

/// What is on a stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    /// An event: its name, its id and its data.
    Event { name: String, id: Option<String>, data: Value },
    /// A comment.
    Comment(String),
}

/// An open stream.
pub(crate) struct Sse {
    pub(crate) status: u16,
    pub(crate) head: String,
    reader: BufReader<TcpStream>,
    text: String,
    last: u64,
}

impl Sse {
    /// Opens a room's stream, which has to be there.
    pub(crate) async fn open(address: SocketAddr, room: &str) -> Self {
        let stream = Self::open_with(address, room, &[]).await;
        assert_eq!(stream.status, 200, "{}", stream.head);
        stream
    }

    /// Opens a room's stream with these headers.
    pub(crate) async fn open_with(address: SocketAddr, room: &str, headers: &[Header<'_>]) -> Self {
        let stream = within("a connection", TcpStream::connect(address)).await.expect("it listens");
        Self::over(stream, address, room, "HTTP/1.1", headers).await
    }

    /// Opens a stream whose receive buffer is small. With one of 2 KiB a reader that pauses is taken for one that does not read.
    pub(crate) async fn open_narrow(address: SocketAddr, room: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(65_536).unwrap();
        let stream = within("a connection", socket.connect(address)).await.expect("it listens");
        Self::over(stream, address, room, "HTTP/1.1", &[]).await
    }

    pub(crate) async fn over(
        mut stream: TcpStream,
        address: SocketAddr,
        room: &str,
        version: &str,
        headers: &[Header<'_>],
    ) -> Self {
        let mut request = format!("GET /api/rooms/{room}/stream {version}\r\nhost: {address}\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).await.expect("sent");
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = within("the head", reader.read_line(&mut head)).await.expect("a line");
            assert!(read > 0, "the connection ended in {head:?}");
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Self { status, head: head.to_lowercase(), reader, text: String::new(), last: 0 }
    }

    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(found, value)| (found == name).then_some(value))
    }

    /// The next item, or nothing once the stream has ended as it should.
    pub(crate) async fn item(&mut self) -> Option<Item> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let item = parse(block);
                self.text = rest.to_owned();
                return Some(item);
            }
            let chunk = within("more of the stream", self.chunk()).await?;
            self.text.push_str(&chunk);
        }
    }

    async fn chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.reader.read_line(&mut size).await.expect("a chunk");
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size, not a broken connection");
        let mut chunk = vec![0; size + 2];
        self.reader.read_exact(&mut chunk).await.expect("a whole chunk");
        chunk.truncate(size);
        (size > 0).then(|| String::from_utf8(chunk).expect("text"))
    }

    /// The next event's id and data; comments are passed over, however many there are.
    pub(crate) async fn event(&mut self) -> (Option<String>, Value) {
        let event = async {
            loop {
                match self.item().await.expect("the stream goes on") {
                    Item::Event { name, id, data } => {
                        assert_eq!(name, "state");
                        return (id, data);
                    }
                    Item::Comment(text) => assert_eq!(text, " heartbeat"),
                }
            }
        };
        within("an event", event).await
    }

    /// The version of the next event, which is newer than the one before.
    pub(crate) async fn version(&mut self) -> u64 {
        let (id, data) = self.event().await;
        let version = data["version"].as_u64().expect("a version");
        assert_eq!(id, (version > 0).then(|| version.to_string()));
        assert!(version == 0 || version > self.last, "{version} after {}", self.last);
        self.last = self.last.max(version);
        version
    }

    /// Reads until that version; says which were seen.
    pub(crate) async fn until(&mut self, last: u64) -> Vec<u64> {
        let mut seen: Vec<u64> = Vec::new();
        while seen.last() != Some(&last) {
            seen.push(self.version().await);
        }
        seen
    }

    /// Reads to the end, which has to come.
    pub(crate) async fn ended(mut self) {
        within("the end of the stream", async { while self.item().await.is_some() {} }).await;
    }
}

fn parse(block: &str) -> Item {
    if let Some(comment) = block.strip_prefix(':') {
        return Item::Comment(comment.to_owned());
    }
    let field = |name: &str| {
        let mut lines = block.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(found, value)| (found == name).then(|| value.to_owned()))
    };
    let data = field("data").unwrap_or_else(|| panic!("no data in {block:?}"));
    let data = serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error} in {data:?}"));
    Item::Event { name: field("event").expect("a name"), id: field("id"), data }
}
