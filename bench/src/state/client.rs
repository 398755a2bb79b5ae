//! Clients of the state systems, as thin as can be: HTTP on a connection that is kept, and WebSockets.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::load::frame::{self, Opcode};

/// A connection for one request after the other.
pub(super) struct Http {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Http {
    pub(super) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(1024, stream), address })
    }

    /// Sends a request; its status and body.
    pub(super) async fn call(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> anyhow::Result<(u16, String)> {
        let length = body.len();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n",
            self.address
        );
        if let Some(token) = token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.write_all(&[head.as_bytes(), body].concat()).await?;
        let (status, length) = self.head().await?;
        let mut body = vec![0; length.context("an answer without a length")?];
        self.stream.read_exact(&mut body).await?;
        Ok((status, String::from_utf8(body)?))
    }

    /// Begins a stream of a room, which has to be there; what comes next is its events.
    pub(super) async fn stream(mut self, room: &str) -> anyhow::Result<BufReader<TcpStream>> {
        let head = format!("GET /api/rooms/{room}/stream HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        self.stream.write_all(head.as_bytes()).await?;
        match self.head().await? {
            (200, _) => Ok(self.stream),
            (status, _) => bail!("a stream is answered with {status}"),
        }
    }

    /// Becomes a WebSocket, or says which status there was instead.
    pub(super) async fn upgrade(
        mut self,
        path: &str,
        token: Option<&str>,
    ) -> anyhow::Result<Result<WebSocket, u16>> {
        let mut head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            self.address
        );
        if let Some(token) = token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        Ok(match self.head().await? {
            (101, _) => {
                Ok(WebSocket { buffer: self.stream.buffer().to_vec(), stream: self.stream.into_inner() })
            }
            (status, _) => Err(status),
        })
    }

    async fn head(&mut self) -> anyhow::Result<(u16, Option<usize>)> {
        let (mut status, mut length) = (None, None);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                bail!("the connection ended");
            }
            match line.trim_end() {
                "" => return Ok((status.context("no status")?, length)),
                line if status.is_none() => {
                    status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
                }
                line => {
                    let value = line.to_ascii_lowercase();
                    let value = value.strip_prefix("content-length: ").and_then(|value| value.parse().ok());
                    length = value.or(length);
                }
            }
        }
    }
}

/// A WebSocket.
pub(super) struct WebSocket {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl WebSocket {
    /// The next message, or the end as the node says it.
    pub(super) async fn next(&mut self) -> anyhow::Result<(Opcode, Vec<u8>)> {
        loop {
            let read = frame::parse(&mut self.buffer)?;
            match read.map(|read| (read.used, read.opcode, read.payload.to_vec())) {
                Some((used, opcode, payload)) => {
                    self.buffer.drain(..used);
                    match opcode {
                        Opcode::Ping => self.say(Opcode::Pong, b"").await?,
                        opcode => return Ok((opcode, payload)),
                    }
                }
                None if self.stream.read_buf(&mut self.buffer).await? == 0 => bail!("the connection ended"),
                None => {}
            }
        }
    }

    /// The next text.
    pub(super) async fn text(&mut self) -> anyhow::Result<String> {
        match self.next().await? {
            (Opcode::Text, text) => Ok(String::from_utf8(text)?),
            (other, _) => bail!("{other:?} instead of a text"),
        }
    }

    /// Says a text.
    pub(super) async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        self.say(Opcode::Text, text.as_bytes()).await
    }

    /// Says a message.
    pub(super) async fn say(&mut self, opcode: Opcode, payload: &[u8]) -> anyhow::Result<()> {
        let mut frame = Vec::with_capacity(payload.len() + 16);
        frame::encode(&mut frame, opcode, Some([0; 4]), payload);
        Ok(self.stream.write_all(&frame).await?)
    }
}
