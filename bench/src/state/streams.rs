//! `bench streams`: many open SSE streams on one node. What each takes in memory, what heartbeats cost, and how long a
//! write takes meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::client::Http;
use super::node;
use crate::load::Histogram;
use crate::process::cpu_of;
use crate::subject;

/// How many streams are opened at a time.
const AT_A_TIME: usize = 64;

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Streams; each takes an open file on either side.
    #[arg(long, default_value_t = 10_000)]
    streams: usize,
    /// Rooms that they are spread over.
    #[arg(long, default_value_t = 100)]
    rooms: usize,
    /// How long heartbeats are watched.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Writes that are timed while the streams are open.
    #[arg(long, default_value_t = 500)]
    writes: usize,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    let most = options.streams.to_string();
    let settings = [("SSE_PER_ADDRESS", most.as_str()), ("SSE_PER_ROOM", &most)];
    let node = node::start(&settings).await?;
    let before = node.settled_memory_kib();
    let began = Instant::now();
    let mut streams = open(options, node.address).await?;
    let took = began.elapsed().as_secs_f64();
    println!("{} streams of {} rooms, opened in {took:.1} s", options.streams, options.rooms);
    if let (Some(before), Some(after)) = (before, node.settled_memory_kib()) {
        let each = (after - before) as f64 / options.streams as f64;
        println!("memory: {each:.1} KiB a stream ({} MiB in all)", after / 1024);
    }
    let cpu = cpu_of(node.id());
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    if let (Some(before), Some(after)) = (cpu, cpu_of(node.id())) {
        let share = 100.0 * (after - before).as_secs_f64() / options.seconds as f64;
        println!("heartbeats every 15 s: {share:.1} % of a core over {} s", options.seconds);
    }
    let (answered, late) = writes(options, node.address, &mut streams).await?;
    let of = |histogram: &Histogram| [0.5, 0.99, 1.0].map(|quantile| histogram.millis_at(quantile));
    let [p50, p99, max] = of(&answered);
    println!("a PUT is answered: p50 {p50:.1} ms, p99 {p99:.1} ms, longest {max:.1} ms");
    let [p50, p99, max] = of(&late);
    let each = options.streams / options.rooms;
    println!(
        "and is on all {each} streams of its room: p50 {p50:.1} ms, p99 {p99:.1} ms, longest {max:.1} ms"
    );
    Ok(())
}

type Stream = BufReader<TcpStream>;

/// Opens the streams: the n-th is of room n modulo the number of rooms.
async fn open(options: &Options, address: std::net::SocketAddr) -> anyhow::Result<Vec<Stream>> {
    let mut opened: Vec<Option<Stream>> = (0..options.streams).map(|_| None).collect();
    let mut opening = JoinSet::new();
    for number in 0..options.streams {
        let room = format!("room-{}", number % options.rooms);
        opening
            .spawn(async move { anyhow::Ok((number, Http::connect(address).await?.stream(&room).await?)) });
        if opening.len() == AT_A_TIME
            && let Some(done) = opening.join_next().await
        {
            let (number, stream) = done??;
            opened[number] = Some(stream);
        }
    }
    while let Some(done) = opening.join_next().await {
        let (number, stream) = done??;
        opened[number] = Some(stream);
    }
    opened.into_iter().map(|stream| stream.context("a stream")).collect()
}

/// Writes rooms in turn, one after the other: how long until the answer, and until the last stream has it.
async fn writes(
    options: &Options,
    address: std::net::SocketAddr,
    streams: &mut [Stream],
) -> anyhow::Result<(Histogram, Histogram)> {
    let token = subject::token(0)?;
    let mut http = Http::connect(address).await?;
    let (mut answered, mut late) = (Histogram::new(), Histogram::new());
    for number in 0..options.writes {
        let room = number % options.rooms;
        let (path, began) = (format!("/api/rooms/room-{room}"), Instant::now());
        let body = format!(r#"{{"state":{{"number":{number}}}}}"#);
        let (status, answer) = http.call("PUT", &path, Some(&token), body.as_bytes()).await?;
        ensure!(status == 200, "a write is answered with {status}: {answer}");
        answered.record(began.elapsed().as_micros() as u64);
        let wanted = format!(r#""number":{number}}}"#);
        for stream in streams.iter_mut().skip(room).step_by(options.rooms) {
            let mut line = String::new();
            while !line.contains(&wanted) {
                line.clear();
                ensure!(stream.read_line(&mut line).await? > 0, "a stream ended");
            }
        }
        late.record(began.elapsed().as_micros() as u64);
    }
    Ok((answered, late))
}
