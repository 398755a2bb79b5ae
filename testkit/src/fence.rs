//! The event by which a virtual client knows that nothing else is on its way: a room's events reach each member in one
//! order, so whatever was requested of the room before the fence has arrived, or never will, once the fence has.
//!
//! It is not among the linked registrations, so that an app's own registry, and what is generated from it, stay
//! without it; only a [`TestServer`](crate::TestServer) serves it.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use syncline::{
    __private::ClientFn, BootError, ClientHandler, ClientOptions, ClientParams, Deliver, Empty, Registration,
    Registry, ServerHandler, Stage, SyncResult,
};

/// The event.
pub(crate) const NAME: &str = "testkit/fence";

/// Its version.
pub(crate) const VERSION: &str = "v1";

const REGISTRATION: Registration = Registration {
    module_path: "syncline_testkit::testkit::fence_client_v1",
    function: "fence_client_v1",
    file: file!(),
    line: line!(),
    stage: Stage::Client(|| Box::new(ClientFn::new(fence_client_v1)), ClientOptions::new()),
};

/// Whom the fence is for, and which one it is.
type Fence = (String, u64);

async fn fence_client_v1(
    ClientParams { client_input, user, .. }: ClientParams<Fence, Empty>,
) -> SyncResult<Deliver<u64>> {
    let (user_id, id) = &*client_input;
    Ok(if *user_id == user.user_id { Deliver::To(*id) } else { Deliver::Skip })
}

/// An id that no other fence has.
pub(crate) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The id of the fence that an event is, if it is one.
pub(crate) fn id_of(event: &Value) -> Option<u64> {
    (event["name"] == NAME).then(|| event["clientOutput"].as_u64().expect("a fence has an id"))
}

/// All that the test links, and the fence.
pub(crate) fn registry_with_fence() -> Result<Registry, BootError> {
    let linked = Registry::from_inventory()?;
    let registrations = linked.routes().iter().flat_map(|route| {
        let server = route.server().map(ServerHandler::registration);
        server.into_iter().chain(route.client().map(ClientHandler::registration))
    });
    Registry::build(registrations.chain([&REGISTRATION]))
}
