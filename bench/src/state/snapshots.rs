//! `bench snapshots`: how late the watchers of one game, on two nodes, see what was written on either.
//!
//! Late is counted from when a write was due, not from when it was answered: so it includes the way to the node and the
//! store.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use tokio::task::{JoinSet, LocalSet};

use super::client::Http;
use super::node::{self, Shared};
use crate::load::Histogram;
use crate::process::{Running, cpu_of};
use crate::subject;

const WARM_UP: Duration = Duration::from_secs(2);

/// How long everybody may take to have the last version.
const SETTLE: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Watchers of the game, on both nodes together.
    #[arg(long, default_value_t = 1000)]
    watchers: usize,
    /// Writes a second.
    #[arg(long, default_value_t = 50)]
    rate: u64,
    /// How long it is measured.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Bytes of the game's data.
    #[arg(long, default_value_t = 1024)]
    payload: usize,
    /// How many nodes share the Redis.
    #[arg(long, default_value_t = 2)]
    nodes: usize,
}

/// Before the number of a write, in its data.
const NUMBER: &str = r#""number":"#;

/// Before the version that it came to.
const VERSION: &str = r#""lockVersion":"#;

/// What all watchers saw.
#[derive(Default)]
struct Seen {
    late: Option<Histogram>,
    delivered: u64,
    skipped: u64,
    backwards: u64,
    finished: usize,
}

/// When each write was due, by its number in the data.
type Due = Rc<RefCell<Vec<Instant>>>;

pub(super) async fn run(options: &Options) -> anyhow::Result<()> {
    let redis = Shared::redis()?;
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str()), ("WS_PER_ADDRESS", "100000")];
    let mut nodes = Vec::new();
    for _ in 0..options.nodes {
        nodes.push(node::start(&settings).await?);
    }
    LocalSet::new().run_until(watch(options, &nodes, &redis)).await
}

async fn watch(options: &Options, nodes: &[Running], redis: &Shared) -> anyhow::Result<()> {
    let token = subject::token(0)?;
    let (due, seen): (Due, _) = (Rc::default(), Rc::new(RefCell::new(Seen::default())));
    due.borrow_mut().push(Instant::now());
    write(nodes[0].address, &token, 0, options.payload).await?;
    let last = (options.rate * (options.seconds + WARM_UP.as_secs())) as usize;
    let idle: Vec<Option<u64>> = nodes.iter().map(Running::settled_memory_kib).collect();
    let mut watchers = JoinSet::new();
    for number in 0..options.watchers {
        let node = &nodes[number % nodes.len()];
        let opened = Http::connect(node.address).await?.upgrade("/ws/games/bench", Some(&token)).await?;
        let mut socket = opened.map_err(|status| anyhow::anyhow!("a watcher is refused: {status}"))?;
        let (due, seen) = (Rc::clone(&due), Rc::clone(&seen));
        watchers.spawn_local(async move {
            let mut at = 0;
            // The first write, of number 0, has version 1.
            while at <= last {
                let text = socket.text().await?;
                let read = |name| number_in(&text, name).with_context(|| format!("no {name} in {text}"));
                let (number, version) = (read(NUMBER)?, read(VERSION)?);
                note(&mut seen.borrow_mut(), at, version, due.borrow()[number]);
                at = version;
            }
            seen.borrow_mut().finished += 1;
            anyhow::Ok(())
        });
    }
    let took = idle.iter().zip(nodes).map(|(idle, node)| Some(node.settled_memory_kib()? - (*idle)?));
    let took: Option<u64> = took.sum();
    println!("{} watchers on {} nodes", options.watchers, nodes.len());
    if let Some(took) = took {
        println!("memory: {:.1} KiB a watcher", took as f64 / options.watchers as f64);
    }
    let mut writers = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / options.rate as u32);
    let warm = (options.rate * WARM_UP.as_secs()) as usize;
    let mut before = cpus(nodes, redis);
    for number in 1..=last {
        let tick = ticks.tick().await;
        if number == warm {
            *seen.borrow_mut() = Seen { late: Some(Histogram::new()), ..Seen::default() };
            before = cpus(nodes, redis);
        }
        due.borrow_mut().push(tick.into_std());
        // On each node in turn, and two at a time at most: a slow one shows, and holds up what follows it.
        let (address, token, payload) = (nodes[number % nodes.len()].address, token.clone(), options.payload);
        writers.spawn_local(async move { write(address, &token, number, payload).await });
        while writers.len() > 1 {
            writers.join_next().await.context("a writer")???;
        }
    }
    let after = cpus(nodes, redis);
    let settled = tokio::time::timeout(SETTLE, async {
        while let Some(watcher) = watchers.join_next().await {
            watcher??;
        }
        anyhow::Ok(())
    });
    settled.await.context("not everybody has the last version")??;
    report(options, &seen.borrow(), &before, &after)
}

/// Writes the game whose data has that number.
async fn write(
    address: std::net::SocketAddr,
    token: &str,
    number: usize,
    payload: usize,
) -> anyhow::Result<()> {
    let body = format!(r#"{{"data":{{"number":{number},"fill":"{}"}}}}"#, "x".repeat(payload));
    let mut http = Http::connect(address).await?;
    let (status, answer) =
        http.call("PUT", "/api/games/bench/snapshot", Some(token), body.as_bytes()).await?;
    ensure!(status == 200, "a write is answered with {status}: {answer}");
    Ok(())
}

fn number_in(text: &str, name: &str) -> Option<usize> {
    let (_, rest) = text.split_once(name)?;
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

fn note(seen: &mut Seen, before: usize, version: usize, due: Instant) {
    seen.delivered += 1;
    match version.checked_sub(before + 1) {
        Some(skipped) if before > 0 => seen.skipped += skipped as u64,
        Some(_first) => {}
        None => seen.backwards += 1,
    }
    if let Some(late) = &mut seen.late {
        late.record(due.elapsed().as_micros() as u64);
    }
}

fn cpus(nodes: &[Running], redis: &Shared) -> Vec<Option<Duration>> {
    nodes.iter().map(Running::id).chain([redis.id()]).map(cpu_of).collect()
}

fn report(
    options: &Options,
    seen: &Seen,
    before: &[Option<Duration>],
    after: &[Option<Duration>],
) -> anyhow::Result<()> {
    let late = seen.late.as_ref().context("nothing was measured")?;
    let shares: Vec<String> = before
        .iter()
        .zip(after)
        .map(|(before, after)| match (before, after) {
            (Some(before), Some(after)) => {
                format!("{:.0} %", 100.0 * (*after - *before).as_secs_f64() / options.seconds as f64)
            }
            _ => "-".to_owned(),
        })
        .collect();
    println!(
        "{} writes a second of {} B: {} deliveries/s, {} versions skipped",
        options.rate,
        options.payload,
        seen.delivered / options.seconds,
        seen.skipped
    );
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|quantile| late.millis_at(quantile));
    println!(
        "from a write's being due to its delivery: p50 {p50:.1} ms, p99 {p99:.1} ms, longest {max:.1} ms"
    );
    println!("of one core each: nodes and Redis {}", shares.join(", "));
    println!("{} of {} watchers ended on the last version", seen.finished, options.watchers);
    ensure!(seen.backwards == 0, "{} deliveries went backwards", seen.backwards);
    Ok(())
}
