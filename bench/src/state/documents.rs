//! `bench documents`: Syncline beside the servers that Yjs documents have on npm, each with the same clients in turn:
//! updates a second and how late they are, what a document and a connection take, and how long a large document takes to
//! be there.

mod peer;
mod scene;
mod wire;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use peer::{Kind, Peer};
use scene::{Report, Scene};
use tokio::task::LocalSet;

use crate::npm::YJS;
use crate::process::memory_kib;

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long each number of clients is measured.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many rounds; the figures of each are printed.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many documents are open with one client each.
    #[arg(long, default_value_t = 2_000)]
    idle: usize,
    /// How many insertions the large document has.
    #[arg(long, default_value_t = 260_000)]
    large: u32,
    /// Only Syncline.
    #[arg(long)]
    alone: bool,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    LocalSet::new().run_until(measure(options)).await
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let kinds: &[Kind] = if options.alone { &[Kind::Syncline] } else { &Kind::ALL };
    if !options.alone {
        YJS.install("`--alone`")?;
    }
    let mut sound = true;
    for round in 1..=options.rounds {
        println!("round {round}:");
        for (clients, window) in [(10, 1), (10, 16), (100, 1), (100, 16)] {
            println!("  {clients} clients on one document, {window} of each under way:");
            for kind in kinds {
                sound &= together(*kind, clients, window, options).await?;
            }
        }
    }
    println!(
        "{} documents with one client each, and {} clients of one document:",
        options.idle, options.idle
    );
    for kind in kinds {
        idle(*kind, options.idle).await?;
    }
    println!("a document of {} insertions at random places:", options.large);
    for kind in kinds {
        large(*kind, options.large).await?;
    }
    ensure!(sound, "updates were lost or doubled");
    Ok(())
}

async fn together(kind: Kind, clients: usize, window: u32, options: &Options) -> anyhow::Result<bool> {
    let peer = Peer::start(kind).await?;
    let scene = Scene::open(&peer, "bench", clients).await?;
    let Report { updates, took, late, lost, doubled } =
        scene.write(window, Duration::from_secs(options.seconds)).await?;
    let [p50, p99] = [0.5, 0.99].map(|quantile| late.millis_at(quantile));
    let rate = updates as f64 / took.as_secs_f64();
    println!(
        "    {:<12} {rate:>8.0} updates/s, p50 {p50:>6.1} ms, p99 {p99:>6.1} ms; {lost} lost, {doubled} doubled",
        kind.name()
    );
    Ok(lost + doubled == 0)
}

async fn idle(kind: Kind, count: usize) -> anyhow::Result<()> {
    let mut figures = Vec::new();
    for one_each in [true, false] {
        let peer = Peer::start(kind).await?;
        let before = settled(&peer).await?;
        let mut kept = Vec::new();
        for number in 0..count {
            let document = if one_each { format!("idle-{number}") } else { "idle".to_owned() };
            kept.push(Scene::open(&peer, &document, 1).await?);
        }
        let after = settled(&peer).await?;
        figures.push(after.saturating_sub(before) as f64 / count as f64);
    }
    println!("    {:<12} {:.1} KiB for each, and {:.1} KiB", kind.name(), figures[0], figures[1]);
    Ok(())
}

/// The memory of a server that has come to rest, in KiB.
async fn settled(peer: &Peer) -> anyhow::Result<u64> {
    let mut last = 0;
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = memory_kib(peer.id()).context("the memory of a process")?;
        if now.abs_diff(last) < 64 {
            return Ok(now);
        }
        last = now;
    }
    Ok(last)
}

async fn large(kind: Kind, insertions: u32) -> anyhow::Result<()> {
    let peer = Peer::start(kind).await?;
    let mut scene = Scene::open(&peer, "large", 1).await?;
    let began = Instant::now();
    scene.fill(insertions).await?;
    let filled = began.elapsed();
    let began = Instant::now();
    let mut reader = Scene::open(&peer, "large", 1).await?;
    let bytes = reader.has(insertions).await?;
    println!(
        "    {:<12} written in {:.1} s, and there for a newcomer after {:.0} ms, as {bytes} bytes",
        kind.name(),
        filled.as_secs_f64(),
        began.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}
