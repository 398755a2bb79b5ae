//! The benches of state: snapshots on two nodes, many streams on one, workspaces on one and on two,
//! and what hostile clients cost.
//!
//! Clients here are plain tokio tasks on one thread: what is sent to each of them is little, and how late it came is
//! what counts. They check what they are sent; faults fail a bench, times never do.

mod client;
mod hostile;
mod node;
mod peers;
mod replication;
mod snapshots;
mod streams;
mod workspaces;

pub(crate) use hostile::Options as HostileOptions;
pub(crate) use snapshots::Options as SnapshotOptions;
pub(crate) use streams::Options as StreamOptions;
pub(crate) use workspaces::Options as WorkspaceOptions;

/// Runs a bench on this thread.
fn block_on<T>(bench: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(bench)
}

/// `bench snapshots`.
pub(crate) fn snapshots(options: &SnapshotOptions) -> anyhow::Result<()> {
    block_on(snapshots::run(options))
}

/// `bench streams`.
pub(crate) fn streams(options: &StreamOptions) -> anyhow::Result<()> {
    block_on(streams::run(options))
}

/// `bench hostile`.
pub(crate) fn hostile(options: &HostileOptions) -> anyhow::Result<()> {
    block_on(hostile::run(options))
}

/// `bench workspaces`.
pub(crate) fn workspaces(options: &WorkspaceOptions) -> anyhow::Result<()> {
    block_on(workspaces::run(options))
}
