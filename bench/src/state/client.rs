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
    /// The next text.
    pub(super) async fn text(&mut self) -> anyhow::Result<String> {
        loop {
            let taken = match frame::parse(&mut self.buffer)? {
                Some(read) => {
                    let text = match read.opcode {
                        Opcode::Text => Some(String::from_utf8(read.payload.to_vec())?),
                        Opcode::Ping => None,
                        other => bail!("{other:?} instead of a text"),
                    };
                    Some((read.used, text))
                }
                None => None,
            };
            match taken {
                Some((used, text)) => {
                    self.buffer.drain(..used);
                    match text {
                        Some(text) => return Ok(text),
                        None => self.pong().await?,
                    }
                }
                None if self.stream.read_buf(&mut self.buffer).await? == 0 => bail!("the connection ended"),
                None => {}
            }
        }
    }

    /// Says a text.
    pub(super) async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        let mut frame = Vec::with_capacity(text.len() + 16);
        frame::encode(&mut frame, Opcode::Text, Some([0; 4]), text.as_bytes());
        Ok(self.stream.write_all(&frame).await?)
    }

    async fn pong(&mut self) -> anyhow::Result<()> {
        let mut pong = Vec::new();
        frame::encode(&mut pong, Opcode::Pong, Some([0; 4]), b"");
        Ok(self.stream.write_all(&pong).await?)
    }
}
