//! The contract between an app's sync handlers and whatever runs them.
//!
//! A handler author imports this crate's prelude: the parameters a stage receives, what it may return, who may call
//! it, and the one line that registers it. (The derives of payload types also need `serde`, `schemars` and `ts-rs`
//! among the app's dependencies, and `garde` where an input is validated.) The crate knows no socket, no HTTP and
//! does no IO; the process that runs handlers is `syncline-server`.
//!
//! ```standalone_crate
//! mod examples {
//!     pub mod double_server_v1 {
//!         use syncline::prelude::*;
//!
//!         #[derive(Serialize, Deserialize, TS, JsonSchema)]
//!         pub struct DoubleInput {
//!             pub amount: i32,
//!         }
//!
//!         #[derive(Serialize, Deserialize, TS, JsonSchema)]
//!         pub struct DoubleOutput {
//!             pub doubled: i64,
//!         }
//!
//!         async fn double_server_v1(
//!             ServerParams { client_input, .. }: ServerParams<DoubleInput>,
//!         ) -> SyncResult<DoubleOutput> {
//!             Ok(DoubleOutput { doubled: i64::from(client_input.amount) * 2 })
//!         }
//!         sync_server!(double_server_v1, auth: Auth::PUBLIC);
//!     }
//! }
//!
//! fn main() {
//!     let registry = syncline::Registry::from_inventory().expect("one sound handler");
//!     assert!(registry.get("examples/double", "v1").is_some());
//! }
//! ```

mod audience_stage;
mod auth;
mod boot;
mod client_stage;
mod error;
mod functions;
mod handler;
mod macros;
mod name;
mod name_error;
mod packet;
mod params;
mod registry;
mod server_stage;
mod session;
mod snapshot;
mod types;
mod wire;

pub use auth::{Auth, Check, Rule};
pub use boot::{BootError, Problem};
pub use error::{ErrorCode, ParamValue, SyncError, SyncResult, codes};
pub use functions::{AppType, Functions};
pub use handler::{ClientOptions, RateLimit, Registration, ServerOptions, Stage};
pub use name::{EventName, StageKind};
pub use name_error::NameError;
pub use params::{AudienceParams, ClientParams, Deliver, Empty, RequestInfo, ServerParams, Transport};
pub use registry::{ClientHandler, Registry, Route, RouteId, ServerHandler};
pub use session::{Location, Session};
pub use snapshot::{Snapshot, SnapshotHub, SnapshotSource};
pub use types::{NamedType, TypeInfo};

/// What the process that runs handlers needs and an author does not: stages with their types erased.
pub mod run {
    pub use crate::audience_stage::{AudienceKey, AudienceOf, AudienceStage};
    pub use crate::client_stage::{
        ClientStage, ErasedClient, Polled, RecipientRunner, RecipientStage, StageFuture, StageInput,
        StageOutput,
    };
    pub use crate::packet::{ClientEvent, PacketLimits, read as read_packet};
    pub use crate::server_stage::{ErasedServer, ServerCall, ServerFuture};
    pub use crate::snapshot::{Announcement, ErasedSource, News, SourceFuture};
    pub use crate::wire::{
        Ack, Delivery, ErrorEnvelope, Exclude, MAX_ROOM_NAME, RequestError, SyncEvent, SyncRequest,
        json_depth,
    };
}

/// All that a handler file needs: `use syncline::prelude::*;`.
pub mod prelude {
    pub use crate::{
        AudienceParams, Auth, ClientParams, Deliver, Empty, ErrorCode, RateLimit, Rule, ServerParams,
        Session, SyncError, SyncResult, sync_client, sync_server,
    };
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
    pub use ts_rs::TS;
}

/// What the registration macros expand to. Not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use crate::audience_stage::AudienceFn;
    pub use crate::client_stage::ClientFn;
    pub use crate::name::{is_stage_function, stands_in_own_file};
    pub use crate::server_stage::{ServerFn, Unvalidated, Validated};
    pub use crate::types::UnitIsNullUseEmpty;
    pub use inventory;
}
