//! What an operator sees: logs, metrics, health. Nothing here decides anything.

mod health;
mod logging;
mod metrics;

pub(crate) use health::{Dependency, Health, describe, metrics_router, router};
pub use logging::{init as init_logging, log_filter};
pub(crate) use metrics::{
    DocumentRoute, Level, Metrics, RoomMetrics, RoomRoute, SnapshotMetrics, SnapshotRoute, WorkspaceRoute,
    WsMetrics, WsSystem, upkeep,
};
