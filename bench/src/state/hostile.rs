//! `bench hostile`: what clients that mean harm cost a node, while a sound one goes on.
//!
//! Each attack says what became of it and what memory it left; a refusal that is not the one that it should be fails
//! the bench.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::client::Http;
use super::{node, peers};
use crate::load::Histogram;
use crate::process::Running;
use crate::subject;

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Connections that send a body of 1 MB in small pieces.
    #[arg(long, default_value_t = 200)]
    bodies: usize,
    /// Connections that send a head, letter by letter.
    #[arg(long, default_value_t = 2_000)]
    heads: usize,
    /// Rooms that are made.
    #[arg(long, default_value_t = 100_000)]
    rooms: usize,
    /// Tickets that are none.
    #[arg(long, default_value_t = 20_000)]
    tickets: usize,
    /// Changes of the workspace that Automerge clients send to.
    #[arg(long, default_value_t = 10_000)]
    changes: u64,
}

/// What became of an attack: how often each status, 0 for a connection that was closed.
type Answers = BTreeMap<u16, usize>;

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    // Small enough to be reached by the rooms.
    let node = node::start(&[("RECORDS_BYTES", "33554432"), ("WS_PER_ADDRESS", "100000")]).await?;
    let address = node.address;
    let most_memory = |what: &str, answers: &Answers, sound: &Histogram| {
        let memory = node.settled_memory_kib().unwrap_or_default() / 1024;
        let p99 = sound.millis_at(0.99);
        println!("{what}: {answers:?}; then {memory} MiB; a sound client's p99 {p99:.1} ms");
    };
    println!("a fresh node: {} MiB", node.settled_memory_kib().unwrap_or_default() / 1024);

    let (answers, sound) = beside(address, slow_bodies(address, options.bodies)).await?;
    most_memory("1 MB bodies, 1 KiB every 20 ms", &answers, &sound);
    ensure!(answers.keys().all(|status| *status == 413), "a body that is too large is refused: {answers:?}");

    let (answers, sound) = beside(address, slow_heads(address, options.heads)).await?;
    most_memory("heads, a letter every 200 ms", &answers, &sound);
    ensure!(answers.keys().all(|status| [0, 408].contains(status)), "slow heads are closed: {answers:?}");

    let (answers, sound) = beside(address, many_rooms(address, options.rooms)).await?;
    most_memory("rooms, each of another name", &answers, &sound);
    ensure!(
        answers.keys().all(|status| [200, 503].contains(status)),
        "the store is full at its bound: {answers:?}"
    );

    let (answers, sound) = beside(address, bad_tickets(address, options.tickets)).await?;
    most_memory("tickets that are none", &answers, &sound);
    ensure!(answers.keys().all(|status| *status == 401), "bad tickets are refused: {answers:?}");
    peers::run(&node, options.changes).await?;
    still_well(&node).await
}

/// Runs an attack to its end, and beside it a sound client that reads every 10 ms.
async fn beside(
    address: SocketAddr,
    attack: impl Future<Output = anyhow::Result<Answers>>,
) -> anyhow::Result<(Answers, Histogram)> {
    let mut histogram = Histogram::new();
    let mut http = Http::connect(address).await?;
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let mut attack = std::pin::pin!(attack);
    loop {
        let sound = async {
            let due = ticks.tick().await;
            let answer = http.call("GET", "/api/rooms/none", None, b"").await;
            (due, answer)
        };
        tokio::select! {
            answers = &mut attack => return Ok((answers?, histogram)),
            (due, answer) = sound => {
                ensure!(answer?.0 == 404, "a sound client is answered as it should be");
                histogram.record(due.elapsed().as_micros() as u64);
            }
        }
    }
}

/// Runs so many of a client at a time, and counts what becomes of them.
async fn all<F>(count: usize, at_a_time: usize, client: impl Fn(usize) -> F) -> anyhow::Result<Answers>
where
    F: Future<Output = anyhow::Result<u16>> + Send + 'static,
{
    let (mut answers, mut running) = (Answers::new(), JoinSet::new());
    for number in 0..count {
        running.spawn(client(number));
        if running.len() == at_a_time
            && let Some(answer) = running.join_next().await
        {
            *answers.entry(answer??).or_default() += 1;
        }
    }
    while let Some(answer) = running.join_next().await {
        *answers.entry(answer??).or_default() += 1;
    }
    Ok(answers)
}

async fn slow_bodies(address: SocketAddr, count: usize) -> anyhow::Result<Answers> {
    let token = subject::token(0)?;
    let client = move |_number| {
        let head = format!(
            "PUT /api/rooms/slow HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             authorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(head.as_bytes()).await?;
            let piece = format!("400\r\n{}\r\n", " ".repeat(1024));
            drip(&mut stream, std::iter::repeat_n(piece, 1024), Duration::from_millis(20)).await
        }
    };
    all(count, count, client).await
}

async fn slow_heads(address: SocketAddr, count: usize) -> anyhow::Result<Answers> {
    let client = move |_number| async move {
        let mut stream = TcpStream::connect(address).await?;
        let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: {}", "x".repeat(1000));
        let letters = head.chars().map(String::from).collect::<Vec<_>>();
        drip(&mut stream, letters, Duration::from_millis(200)).await
    };
    all(count, count, client).await
}

/// Sends piece by piece until there is an answer, whose status this is; 0 when the connection ends without one.
async fn drip(
    stream: &mut TcpStream,
    pieces: impl IntoIterator<Item = String>,
    pause: Duration,
) -> anyhow::Result<u16> {
    let mut answer = Vec::new();
    for piece in pieces {
        // A node that has had enough may close before it is read.
        let _closed = stream.write_all(piece.as_bytes()).await;
        match tokio::time::timeout(pause, stream.read_buf(&mut answer)).await {
            Err(_nothing_yet) => {}
            Ok(Ok(read)) if read > 0 => break,
            Ok(_) => return Ok(0),
        }
    }
    let text = String::from_utf8_lossy(&answer);
    Ok(text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0))
}

async fn many_rooms(address: SocketAddr, count: usize) -> anyhow::Result<Answers> {
    let token = subject::token(0)?;
    let mut answers = Answers::new();
    let mut http = Http::connect(address).await?;
    let body = format!(r#"{{"state":{{"fill":"{}"}}}}"#, "x".repeat(64));
    for number in 0..count {
        let path = format!("/api/rooms/room-{number}");
        let (status, _) = http.call("PUT", &path, Some(&token), body.as_bytes()).await?;
        *answers.entry(status).or_default() += 1;
    }
    Ok(answers)
}

async fn bad_tickets(address: SocketAddr, count: usize) -> anyhow::Result<Answers> {
    let token = subject::token(0)?;
    let client = move |number: usize| {
        let ticket = match number % 3 {
            0 => token.clone(),
            1 => "x".repeat(8_000),
            _ => format!("{}.{number}", token.rsplit_once('.').map_or("", |(head, _)| head)),
        };
        async move {
            let path = format!("/ws/games/none?token={ticket}");
            let upgraded = Http::connect(address).await?.upgrade(&path, None).await?;
            Ok(upgraded.err().unwrap_or(101))
        }
    };
    all(count, 64, client).await
}

/// What the node is like a while after all of it.
async fn still_well(node: &Running) -> anyhow::Result<()> {
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (status, _) = Http::connect(node.address).await?.call("GET", "/readyz", None, b"").await?;
    ensure!(status == 200, "the node is ready");
    println!("five seconds after: {} MiB", node.settled_memory_kib().unwrap_or_default() / 1024);
    Ok(())
}
