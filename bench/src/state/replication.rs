//! Workspaces on two nodes over a NATS: how much later than its author an op is told to somebody on the other node, and how
//! many ops get there a second.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::task::JoinSet;

use super::client::{Http, WebSocket};
use super::node::Shared;
use super::workspaces::{Folder, Options, Writer, shared_name, start_with, together};
use crate::load::Histogram;
use crate::subject;

/// How long the other node may take for what it has not when all is written.
const PATIENCE: Duration = Duration::from_secs(120);

/// The section of `bench workspaces`; without a nats-server it says so.
pub(super) async fn measure(folder: &Folder, options: &Options) -> anyhow::Result<()> {
    let Some(nats) = Shared::nats(&folder.0.join("nats"))? else {
        println!("replication is not measured: there is no nats-server on this machine");
        return Ok(());
    };
    let url = nats.url();
    let settings = [("NATS_URL", url.as_str())];
    let here = start_with(folder, "here", &settings).await?;
    let there = start_with(folder, "there", &settings).await?;
    let nodes = [here.address, there.address];
    for node in nodes {
        connected(node).await?;
    }
    println!("two nodes over NATS, written to on the one and read on the other:");
    late(nodes, options).await?;
    for workspaces in [1, 10, 100] {
        many(nodes, workspaces, options).await?;
    }
    Ok(())
}

async fn read(node: SocketAddr, path: &str) -> anyhow::Result<Value> {
    let token = subject::token(0)?;
    let (status, body) = Http::connect(node).await?.call("GET", path, Some(&token), b"").await?;
    ensure!(status == 200, "{path} is answered with {status}: {body}");
    Ok(serde_json::from_str(&body)?)
}

async fn connected(node: SocketAddr) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    while read(node, "/readyz").await?["dependencies"]["nats"] != "up" {
        ensure!(Instant::now() < until, "a node does not reach its NATS");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Somebody who reads on the other node.
async fn follow(node: SocketAddr, workspace: &str) -> anyhow::Result<WebSocket> {
    let path = format!("/v1/sync/{workspace}");
    let opened = Http::connect(node).await?.upgrade(&path, Some(&subject::token(0)?)).await?;
    let mut socket = opened.map_err(|status| anyhow::anyhow!("a reader is refused: {status}"))?;
    let init = socket.text().await?;
    ensure!(init.starts_with(r#"{"type":"init""#), "{init}");
    Ok(socket)
}

/// One writer, one reader, one op under way.
async fn late([here, there]: [SocketAddr; 2], options: &Options) -> anyhow::Result<()> {
    let filler: Rc<str> = "x".repeat(options.payload).into();
    let mut writer = Writer::open(here, 0, "bench-late", &filler).await?;
    let mut reader = follow(there, "bench-late").await?;
    let (mut from_asked, mut from_acked) = (Histogram::new(), Histogram::new());
    let until = Instant::now() + Duration::from_secs(options.seconds);
    while Instant::now() < until {
        let asked = Instant::now();
        writer.ask().await?;
        let acked = async {
            writer.acked().await?;
            anyhow::Ok(Instant::now())
        };
        let told = async {
            let text = reader.text().await?;
            ensure!(text.starts_with(r#"{"type":"op""#), "{text}");
            Ok(Instant::now())
        };
        let (acked, told) = tokio::try_join!(acked, told)?;
        from_asked.record(told.duration_since(asked).as_micros() as u64);
        // The other node may be the first.
        from_acked.record(told.saturating_duration_since(acked).as_micros() as u64);
    }
    for (since, histogram) in [("acknowledged", &from_acked), ("asked", &from_asked)] {
        let [p50, p99] = [0.5, 0.99].map(|quantile| histogram.millis_at(quantile));
        println!("  from {since} here to told there, 1 writer: p50 {p50:.1} ms, p99 {p99:.1} ms");
    }
    Ok(())
}

/// A hundred writers: until the other node has all, with readers there.
async fn many(nodes: [SocketAddr; 2], workspaces: usize, options: &Options) -> anyhow::Result<()> {
    const WRITERS: usize = 100;
    let names: Vec<String> = (0..workspaces).map(|number| shared_name(WRITERS, workspaces, number)).collect();
    let mut readers = JoinSet::new();
    for name in &names {
        let mut reader = follow(nodes[1], name).await?;
        readers.spawn_local(async move { while reader.text().await.is_ok() {} });
    }
    let (ops, began) = together(nodes[0], WRITERS, workspaces, options).await?;
    let written = began.elapsed();
    for name in &names {
        while heads(nodes[0], name).await? != heads(nodes[1], name).await? {
            ensure!(began.elapsed() < written + PATIENCE, "the other node does not get all of {name}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let whole = began.elapsed();
    println!(
        "    the other node has all of them {:.0} ms after the last: {:.0} ops/s replicated",
        (whole - written).as_secs_f64() * 1e3,
        f64::from(ops) / whole.as_secs_f64()
    );
    Ok(())
}

async fn heads(node: SocketAddr, workspace: &str) -> anyhow::Result<Vec<String>> {
    let state = read(node, &format!("/v1/workspaces/{workspace}")).await?;
    let heads = state["heads"].as_array().context("heads")?;
    let mut heads: Vec<String> = heads.iter().map(ToString::to_string).collect();
    heads.sort_unstable();
    Ok(heads)
}
