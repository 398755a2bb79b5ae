//! `bench workspaces`: acknowledged ops, each on disk, with few and many writers; what an op costs as a document grows;
//! loading; memory of what nobody uses; replication to another node. Beside it the naive way: load, change, save and sync the whole document for each
//! op.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use automerge::{Automerge, ROOT, transaction::Transactable as _};
use clap::Args;
use tokio::task::{JoinSet, LocalSet};

use super::client::{Http, WebSocket};
use super::{node, replication};
use crate::load::Histogram;
use crate::process::Running;
use crate::subject;

/// How many keys a writer writes in turn.
const KEYS: u64 = 20;

/// How many ops the writer that makes a document grow has under way.
const UNDER_WAY: usize = 64;

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long each number of writers is measured.
    #[arg(long, default_value_t = 5)]
    pub(super) seconds: u64,
    /// How many changes the large document gets.
    #[arg(long, default_value_t = 100_000)]
    changes: u64,
    /// How many workspaces are left alone.
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Bytes of a value.
    #[arg(long, default_value_t = 100)]
    pub(super) payload: usize,
}

/// A folder that goes when this does.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("syncline-bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    LocalSet::new().run_until(measure(options)).await
}

async fn start(folder: &Folder) -> anyhow::Result<Running> {
    start_with(folder, "data", &[]).await
}

/// Starts a node on the part of that name, with further settings.
pub(super) async fn start_with(
    folder: &Folder,
    name: &str,
    further: &[(&str, &str)],
) -> anyhow::Result<Running> {
    let dir = folder.0.join(name).display().to_string();
    let settings = [
        ("DATA_DIR", dir.as_str()),
        ("WS_PER_ADDRESS", "100000"),
        ("WORKSPACE_IDLE_SECONDS", "1"),
        ("WORKSPACE_BYTES", "1000000000"),
    ];
    node::start(&[&settings, further].concat()).await
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let folder = Folder::new()?;
    let node = start(&folder).await?;
    println!("ops of {} B, acknowledged once they are on disk, one under way a writer:", options.payload);
    for (writers, workspaces) in [(1, 1), (10, 1), (100, 1), (10, 10), (100, 100)] {
        together(node.address, writers, workspaces, options).await?;
    }
    let growth = grow(node.address, options).await?;
    drop(node);
    load(&folder, options).await?;
    idle(&folder, options).await?;
    replication::measure(&folder, options).await?;
    naive(&folder.0, options, &growth)
}

/// Many writers, each with one op under way; how many ops they had acknowledged, since when.
pub(super) async fn together(
    address: SocketAddr,
    writers: usize,
    workspaces: usize,
    options: &Options,
) -> anyhow::Result<(u32, Instant)> {
    let filler: Rc<str> = "x".repeat(options.payload).into();
    let mut opened = Vec::new();
    for number in 0..writers {
        let name = shared_name(writers, workspaces, number);
        opened.push(Writer::open(address, number, &name, &filler).await?);
    }
    // Nobody writes before all are there: what was written meanwhile would count, and its time would not.
    let began = Instant::now();
    let until = began + Duration::from_secs(options.seconds);
    let mut running = JoinSet::new();
    for mut writer in opened {
        running.spawn_local(async move {
            let mut late = Vec::new();
            while Instant::now() < until {
                let asked = Instant::now();
                writer.ask().await?;
                writer.acked().await?;
                late.push(asked.elapsed().as_micros() as u64);
            }
            anyhow::Ok((late, writer.told, writer.anew))
        });
    }
    let (mut histogram, mut ops) = (Histogram::new(), 0);
    let (mut told, mut anew) = (0, 0);
    while let Some(writer) = running.join_next().await {
        let (late, told_to_it, anew_to_it) = writer??;
        (told, anew) = (told + told_to_it, anew + anew_to_it);
        for micros in late {
            histogram.record(micros);
            ops += 1;
        }
    }
    let rate = f64::from(ops) / began.elapsed().as_secs_f64();
    let [p50, p99] = [0.5, 0.99].map(|quantile| histogram.millis_at(quantile));
    println!(
        "  {writers:>3} writers on {workspaces:>3} workspaces: {rate:>7.0} ops/s, p50 {p50:.1} ms, p99 {p99:.1} ms; \
         {told} told one by one, {anew} times the whole state"
    );
    Ok((ops, began))
}

/// The workspace that the writer of that number writes to.
pub(super) fn shared_name(writers: usize, workspaces: usize, number: usize) -> String {
    format!("bench-{writers}-{workspaces}-{}", number % workspaces)
}

/// One writer with many ops under way: what an op takes by how many changes there are. In microseconds.
async fn grow(address: SocketAddr, options: &Options) -> anyhow::Result<Vec<(u64, f64)>> {
    let filler: Rc<str> = "x".repeat(options.payload).into();
    let mut writer = Writer::open(address, 0, "bench-large", &filler).await?;
    let mut growth = Vec::new();
    let (mut began, mut last) = (Instant::now(), 0);
    println!("what an op costs as a document grows, {UNDER_WAY} under way:");
    for number in 1..=options.changes {
        writer.ask().await?;
        if writer.pending.len() == UNDER_WAY {
            writer.acked().await?;
        }
        if number == 1000 || number % (options.changes / 10).max(1) == 0 {
            let micros = began.elapsed().as_micros() as f64 / (number - last) as f64;
            println!("  up to {number:>6} changes: {micros:>5.0} us");
            growth.push((number, micros));
            (began, last) = (Instant::now(), number);
        }
    }
    while !writer.pending.is_empty() {
        writer.acked().await?;
    }
    Ok(growth)
}

/// A node that is started anew reads the large document.
async fn load(folder: &Folder, options: &Options) -> anyhow::Result<()> {
    let began = Instant::now();
    let node = start(folder).await?;
    let up = began.elapsed();
    let before = node.settled_memory_kib();
    let began = Instant::now();
    let token = subject::token(0)?;
    let answer = Http::connect(node.address).await?;
    let (status, body) = { answer }.call("GET", "/v1/workspaces/bench-large", Some(&token), b"").await?;
    ensure!(status == 200, "the large document is answered with {status}: {body}");
    println!(
        "a node on that disk is ready after {:.0} ms, and has the document of {} changes after {:.0} ms more",
        up.as_secs_f64() * 1e3,
        options.changes,
        began.elapsed().as_secs_f64() * 1e3
    );
    if let (Some(before), Some(after)) = (before, crate::process::memory_kib(node.id())) {
        println!("  it takes {:.1} MiB", after.saturating_sub(before) as f64 / 1024.0);
    }
    Ok(())
}

/// What a node takes for workspaces that nobody uses any more.
async fn idle(folder: &Folder, options: &Options) -> anyhow::Result<()> {
    let node = start(folder).await?;
    let before = node.settled_memory_kib();
    let filler: Rc<str> = "x".repeat(options.payload).into();
    for number in 0..options.idle {
        let mut writer = Writer::open(node.address, number, &format!("idle-{number}"), &filler).await?;
        writer.ask().await?;
        writer.acked().await?;
    }
    let until = Instant::now() + Duration::from_secs(60);
    let token = subject::token(0)?;
    loop {
        let (_, body) =
            Http::connect(node.address).await?.call("GET", "/v1/stats", Some(&token), b"").await?;
        if body.contains(r#""workspaces":0"#) {
            break;
        }
        ensure!(Instant::now() < until, "workspaces that nobody uses stay: {body}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    if let (Some(before), Some(after)) = (before, node.settled_memory_kib()) {
        println!(
            "{} workspaces that were used and left: {:.1} MiB more than before, of which the rest of the node has its \
             part",
            options.idle,
            after.saturating_sub(before) as f64 / 1024.0
        );
    }
    Ok(())
}

/// The document is a file: read, changed, written and synced for each op.
fn naive(folder: &Path, options: &Options, growth: &[(u64, f64)]) -> anyhow::Result<()> {
    const OPS: u32 = 5;
    println!("the naive way, a document that is loaded, saved and synced for each op:");
    let file = folder.join("naive");
    let filler = "x".repeat(options.payload);
    for &(changes, micros) in growth.iter().filter(|(changes, _)| *changes <= 50_000) {
        let mut document = Automerge::new();
        for number in 0..changes {
            put(&mut document, number, &filler)?;
        }
        fs::write(&file, document.save())?;
        let began = Instant::now();
        for number in 0..u64::from(OPS) {
            let mut document = Automerge::load(&fs::read(&file)?)?;
            put(&mut document, number, &filler)?;
            let mut file = File::create(&file)?;
            file.write_all(&document.save())?;
            file.sync_all()?;
        }
        let naive = began.elapsed().as_micros() as f64 / f64::from(OPS);
        println!(
            "  at {changes:>6} changes: {:>6.1} ms an op, {:.0} times as long",
            naive / 1e3,
            naive / micros
        );
    }
    Ok(())
}

fn put(document: &mut Automerge, number: u64, filler: &str) -> anyhow::Result<()> {
    let mut transaction = document.transaction();
    transaction.put(ROOT, format!("key-{}", number % KEYS), format!("{number} {filler}"))?;
    transaction.commit();
    Ok(())
}

/// A writer and its socket.
pub(super) struct Writer {
    socket: WebSocket,
    name: usize,
    filler: Rc<str>,
    next: u64,
    /// Those that are not acknowledged.
    pending: VecDeque<u64>,
    /// How many ops it was told of, and how often the whole state instead.
    told: u64,
    anew: u64,
}

impl Writer {
    pub(super) async fn open(
        address: SocketAddr,
        name: usize,
        workspace: &str,
        filler: &Rc<str>,
    ) -> anyhow::Result<Self> {
        let path = format!("/v1/sync/{workspace}");
        let opened = Http::connect(address).await?.upgrade(&path, Some(&subject::token(name)?)).await?;
        let socket = opened.map_err(|status| anyhow::anyhow!("a writer is refused: {status}"))?;
        let mut writer = Self {
            socket,
            name,
            filler: Rc::clone(filler),
            next: 0,
            pending: VecDeque::new(),
            told: 0,
            anew: 0,
        };
        let init = writer.socket.text().await?;
        ensure!(init.starts_with(r#"{"type":"init""#), "{init}");
        Ok(writer)
    }

    pub(super) async fn ask(&mut self) -> anyhow::Result<()> {
        let (number, name, filler) = (self.next, self.name, &self.filler);
        self.next += 1;
        self.pending.push_back(number);
        let key = format!("{name}-{}", number % KEYS);
        let op = format!(
            r#"{{"type":"op","id":"{number}","payload":{{"key":"{key}","value":"{number} {filler}"}}}}"#
        );
        self.socket.send(&op).await
    }

    /// Reads on until the op that was asked first is acknowledged.
    pub(super) async fn acked(&mut self) -> anyhow::Result<()> {
        let first = self.pending.pop_front().context("nothing is under way")?;
        loop {
            let text = self.socket.text().await?;
            if let Some(rest) = text.strip_prefix(r#"{"type":"ack","id":""#) {
                let id = rest.split('"').next().unwrap_or_default();
                ensure!(id.parse() == Ok(first), "{id} is acknowledged before {first}");
                return Ok(());
            }
            ensure!(!text.starts_with(r#"{"type":"error""#), "{text}");
            match text.starts_with(r#"{"type":"init""#) {
                true => self.anew += 1,
                false => self.told += 1,
            }
        }
    }
}
