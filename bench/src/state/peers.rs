//! Automerge clients of `bench hostile`: what bombs cost a node, and what an honest message does in a long history.

use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use automerge::sync::{Message, State, SyncDoc as _};
use automerge::transaction::Transactable as _;
use automerge::{AutoCommit, ROOT};
use aws_lc_rs::digest::{SHA256, digest};
use cbor4ii::core::Value;
use cbor4ii::core::dec::Decode as _;
use cbor4ii::core::enc::Encode as _;
use cbor4ii::core::utils::{BufWriter, SliceReader};
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::client::{Http, WebSocket};
use crate::load::Histogram;
use crate::load::frame::Opcode;
use crate::process::Running;
use crate::subject;

/// Ops of the history that may wait for their acknowledgement.
const UNDER_WAY: u64 = 64;

/// How often each bomb is sent, and how many honest messages are timed.
const ROUNDS: u64 = 20;

/// A number that a few bytes can say.
const QUINTILLION: [u8; 9] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f];

/// Sends bombs, and then honest messages into a history of so many changes.
pub(super) async fn run(node: &Running, changes: u64) -> anyhow::Result<()> {
    let document = history(node, changes).await?;
    for (what, bomb, code) in bombs()? {
        let (mut longest, mut shortest) = (Duration::ZERO, Duration::MAX);
        let before = peak_kib(node)?;
        for _ in 0..ROUNDS {
            let mut peer = Peer::join(node).await?;
            let began = Instant::now();
            peer.say("sync", &document, &bomb).await?;
            let closed = peer.closed().await?;
            longest = longest.max(began.elapsed());
            shortest = shortest.min(began.elapsed());
            ensure!(closed == code, "{what} is closed with {closed} and not with {code}");
        }
        let grown = peak_kib(node)?.saturating_sub(before) as f64 / 1024.0;
        println!("{what}: closed after {shortest:.1?} to {longest:.1?}, with {grown:.1} MiB at the peak");
    }
    honest(node, &document, changes).await
}

/// Writes a workspace with so many changes; its document's id.
async fn history(node: &Running, changes: u64) -> anyhow::Result<String> {
    let token = subject::token(0)?;
    let opened = Http::connect(node.address).await?.upgrade("/v1/sync/history", Some(&token)).await?;
    let mut socket = opened.map_err(|status| anyhow::anyhow!("a writer is refused: {status}"))?;
    let (mut sent, mut acked) = (0, 0);
    while acked < changes {
        while sent < changes.min(acked + UNDER_WAY) {
            let key = sent % 100;
            let op = format!(r#"{{"type":"op","id":"{sent}","payload":{{"key":"k{key}","value":{sent}}}}}"#);
            socket.send(&op).await?;
            sent += 1;
        }
        let text = socket.text().await?;
        ensure!(!text.starts_with(r#"{"type":"error""#), "{text}");
        acked += u64::from(text.starts_with(r#"{"type":"ack""#));
    }
    let mut http = Http::connect(node.address).await?;
    let (_, body) = http.call("GET", "/v1/workspaces/history", Some(&token), b"").await?;
    let body: serde_json::Value = serde_json::from_str(&body)?;
    let url = body["automerge_url"].as_str().and_then(|url| url.strip_prefix("automerge:"));
    Ok(url.context("a workspace without an Automerge document")?.to_owned())
}

/// Times one change a message, from its sending to the answer that says that the node has it.
async fn honest(node: &Running, document: &str, changes: u64) -> anyhow::Result<()> {
    let mut peer = Peer::join(node).await?;
    let (mut doc, mut state) = (AutoCommit::new(), State::new());
    let mut times = Histogram::new();
    let mut kind = "request";
    for round in 0..=ROUNDS {
        if round > 0 {
            doc.put(ROOT, "title", round)?;
        }
        let heads = doc.get_heads();
        let began = Instant::now();
        loop {
            if let Some(message) = doc.sync().generate_sync_message(&mut state) {
                peer.say(kind, document, &message.encode()).await?;
                kind = "sync";
            }
            let told = Message::decode(&peer.told().await?)?;
            doc.sync().receive_sync_message(&mut state, told)?;
            // The first round fetches the document.
            let is_in_step = state.their_heads.as_ref() == Some(&doc.get_heads());
            if is_in_step && (round == 0 || doc.get_heads() == heads) {
                break;
            }
        }
        if round > 0 {
            times.record(began.elapsed().as_micros() as u64);
        }
    }
    println!(
        "one change a message after {changes} changes: {:.1} ms (median), {:.1} ms (longest), to its answer",
        times.millis_at(0.5),
        times.millis_at(1.0)
    );
    Ok(())
}

/// Messages that would take gigabytes or hours, and what each is closed with.
fn bombs() -> anyhow::Result<Vec<(&'static str, Vec<u8>, u16)>> {
    let zeros = vec![0; 400 << 20];
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&zeros)?;
    let ops = body(&[&QUINTILLION[..], &[1]].concat());
    Ok(vec![
        ("a change that inflates to 400 MiB", of_one_change(2, &encoder.finish()?, &zeros), 1009),
        ("a change of a quintillion ops", of_one_change(1, &ops, &ops), 1009),
        ("a quintillion heads", [&[0x42][..], &QUINTILLION].concat(), 1009),
        ("a filter with four billion probes", filter(u32::MAX), 1002),
    ])
}

/// The body of a change with a column of actions that says this.
fn body(actions: &[u8]) -> Vec<u8> {
    let head = [&[0, 16][..], &[7; 16], &[1, 1, 0, 0, 0, 1, 0x42, actions.len() as u8]].concat();
    [&head, actions].concat()
}

/// A sync message with a change of that kind, whose checksum is that of `body`.
fn of_one_change(kind: u8, written: &[u8], body: &[u8]) -> Vec<u8> {
    let hash = digest(&SHA256, &[&[1][..], &leb(body.len()), body].concat());
    let chunk =
        [&[0x85, 0x6f, 0x4a, 0x83][..], &hash.as_ref()[..4], &[kind], &leb(written.len()), written].concat();
    [&[0x42, 0, 0, 0, 1][..], &leb(chunk.len()), &chunk].concat()
}

/// A sync message with a summary of one entry of ten bits that is asked so often.
fn filter(probes: u32) -> Vec<u8> {
    let filter = [&[1, 10][..], &leb(probes as usize), &[0, 0]].concat();
    [&[0x42, 0, 0, 1, 0, filter.len() as u8][..], &filter, &[0]].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The most memory that the node ever had.
fn peak_kib(node: &Running) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", node.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// An Automerge client.
struct Peer {
    socket: WebSocket,
    server: String,
}

impl Peer {
    async fn join(node: &Running) -> anyhow::Result<Self> {
        let path = format!("/v1/automerge?token={}", subject::token(1)?);
        let opened = Http::connect(node.address).await?.upgrade(&path, None).await?;
        let socket = opened.map_err(|status| anyhow::anyhow!("a peer is refused: {status}"))?;
        let mut peer = Self { socket, server: String::new() };
        peer.frame(&[("type", "join"), ("senderId", "bench")], None).await?;
        peer.server = match peer.next().await? {
            Ok(frame) => text(&frame, "senderId").context("a welcome without a name")?.to_owned(),
            Err(code) => bail!("a peer is closed with {code}"),
        };
        Ok(peer)
    }

    async fn say(&mut self, kind: &str, document: &str, data: &[u8]) -> anyhow::Result<()> {
        let server = self.server.clone();
        let texts = [("type", kind), ("senderId", "bench"), ("targetId", &server), ("documentId", document)];
        self.frame(&texts, Some(data)).await
    }

    async fn frame(&mut self, texts: &[(&str, &str)], data: Option<&[u8]>) -> anyhow::Result<()> {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut map: Vec<_> = texts.iter().map(|(key, value)| (text(key), text(value))).collect();
        map.extend(data.map(|data| (text("data"), Value::Bytes(data.to_vec()))));
        let mut writer = BufWriter::new(Vec::new());
        Value::Map(map).encode(&mut writer)?;
        self.socket.say(Opcode::Binary, writer.buffer()).await
    }

    /// The next frame, or the code that the connection is closed with.
    async fn next(&mut self) -> anyhow::Result<Result<Vec<(Value, Value)>, u16>> {
        match self.socket.next().await? {
            (Opcode::Binary, bytes) => match Value::decode(&mut SliceReader::new(&bytes))? {
                Value::Map(frame) => Ok(Ok(frame)),
                other => bail!("no frame: {other:?}"),
            },
            (Opcode::Close, bytes) => {
                let code = bytes.first_chunk().context("a close without a code")?;
                Ok(Err(u16::from_be_bytes(*code)))
            }
            (other, _) => bail!("{other:?} instead of a frame"),
        }
    }

    /// The data of the next frame.
    async fn told(&mut self) -> anyhow::Result<Vec<u8>> {
        match self.next().await? {
            Ok(frame) => match get(&frame, "data") {
                Some(Value::Bytes(data)) => Ok(data.clone()),
                _ => bail!("{frame:?} instead of a sync message"),
            },
            Err(code) => bail!("closed with {code}"),
        }
    }

    /// The code that it is closed with, past all that it is told before.
    async fn closed(&mut self) -> anyhow::Result<u16> {
        loop {
            if let Err(code) = self.next().await? {
                return Ok(code);
            }
        }
    }
}

fn get<'a>(frame: &'a [(Value, Value)], key: &str) -> Option<&'a Value> {
    frame.iter().find_map(|(name, value)| (*name == Value::Text(key.to_owned())).then_some(value))
}

fn text<'a>(frame: &'a [(Value, Value)], key: &str) -> Option<&'a str> {
    match get(frame, key) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}
