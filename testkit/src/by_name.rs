//! Calls an event's stages by its name, from JSON to JSON: what the registration line says holds, as on a server.
//!
//! Rooms, rate limits and timeouts are the server's; for those there is [`TestServer`](crate::TestServer).

use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use syncline::{
    Deliver, Functions, Registry, Route, SyncError, SyncResult,
    run::{ClientStage, ServerCall, StageInput},
};

use crate::Stage;

/// Every handler that the test links.
///
/// # Panics
/// When they are not sound, with all that is wrong with them.
pub fn registry() -> &'static Registry {
    static LINKED: OnceLock<Registry> = OnceLock::new();
    LINKED.get_or_init(|| Registry::from_inventory().unwrap_or_else(|problems| panic!("{problems}")))
}

/// One version of an event, as `route("examples/updateCounter", "v2")`.
///
/// # Panics
/// When no such event is linked.
pub fn route(name: &str, version: &str) -> &'static Route {
    registry().get(name, version).unwrap_or_else(|| {
        let linked: Vec<String> = registry().routes().iter().map(|route| route.event().to_string()).collect();
        panic!("there is no event `{name}/{version}`; the test links these: {}", linked.join(", "))
    })
}

impl<A: Send + Sync + 'static> Stage<A> {
    /// Makes a request as the session, up to its acknowledgement: auth, validation, the server stage. The output of
    /// an event without a server stage is `{}`.
    ///
    /// # Errors
    /// What the caller would get.
    ///
    /// # Panics
    /// When there is no such event, and when the stage returns an error that its registration line does not declare.
    pub async fn sync(&self, name: &str, version: &str, data: impl Serialize) -> SyncResult<Value> {
        let route = route(name, version);
        let data = raw(data);
        route.auth().check(&self.user)?;
        let Some(server) = route.server() else {
            if let Some(client) = route.client() {
                client.stage.check_input(&data)?;
            }
            return Ok(json!({}));
        };
        let running = server.stage.start(ServerCall {
            input: &data,
            user: Arc::clone(&self.user),
            functions: &self.functions(),
            room_code: Arc::clone(&self.room),
            request: self.request_info(),
        })?;
        let output = running.await.map_err(|error| declared(route, error))?;
        Ok(parsed(output.get()))
    }

    /// Decides what the session's user, as a recipient, gets of an event. An event without a client stage sends
    /// `{}` to everyone.
    ///
    /// # Errors
    /// What the recipient would get instead of the event.
    ///
    /// # Panics
    /// When there is no such event, when a payload does not fit it, and when the stage returns an error that its
    /// registration line does not declare.
    pub async fn deliver(
        &self,
        name: &str,
        version: &str,
        data: impl Serialize,
        server_output: impl Serialize,
    ) -> SyncResult<Deliver<Value>> {
        let route = route(name, version);
        let Some(client) = route.client() else { return Ok(Deliver::To(json!({}))) };
        let prepared = client.stage.prepare(StageInput {
            client_input: &raw(data),
            server_output: &raw(server_output),
            functions: &self.functions(),
            room_code: Arc::clone(&self.room),
        });
        let stage =
            prepared.unwrap_or_else(|error| panic!("`{}` cannot be delivered: {error:?}", route.event()));
        let running = match (stage, &client.audience) {
            (ClientStage::Recipient(stage), _) => stage.start(Arc::clone(&self.user)),
            (ClientStage::Audience(stage), Some(audience)) => stage.start(&audience.key(&self.user)),
            (ClientStage::Audience(_), None) => unreachable!("a stage by audience has a key function"),
        };
        let output = running.await.map_err(|error| declared(route, error))?;
        Ok(output.map_or(Deliver::Skip, |output| Deliver::To(parsed(&output))))
    }

    fn functions(&self) -> Functions {
        Functions::new(Arc::clone(&self.functions))
    }
}

fn raw(payload: impl Serialize) -> Box<RawValue> {
    to_raw_value(&payload).expect("a payload is JSON")
}

fn parsed(output: &str) -> Value {
    serde_json::from_str(output).expect("an output is JSON")
}

/// An error that a server would let through. One that it would hide behind `sync.internal` is the handler's mistake.
fn declared(route: &Route, error: SyncError) -> SyncError {
    let code = error.code();
    assert!(
        route.declares(code),
        "`{}` returned `{}`, which it does not declare: name it in `errors: [..]`",
        route.event(),
        code.code()
    );
    assert!(
        error.has_declared_params(),
        "`{}` returned {error:?}, but the parameters of that code are {:?}",
        route.event(),
        code.params()
    );
    error
}
