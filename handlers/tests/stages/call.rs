//! Calls the stages of one app as a server would, without a socket.

use std::{
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, Waker},
};

use handlers::App;
use serde_json::{Value, json, value::to_raw_value};
use syncline::{
    Functions, Location, Registry, RequestInfo, Route, Session, SyncResult, Transport,
    run::{ClientStage, ServerCall, StageInput},
};

pub(crate) static REGISTRY: LazyLock<Registry> =
    LazyLock::new(|| Registry::from_inventory().expect("the shipped handlers are sound"));

/// A server's worth of state.
pub(crate) struct Server {
    functions: Functions,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self { functions: Functions::new(Arc::new(App::default())) }
    }

    /// Runs the server stage.
    pub(crate) fn call(
        &self,
        (name, version): (&str, &str),
        room: &str,
        user: Session,
        data: &Value,
    ) -> SyncResult<Value> {
        let stage = &route(name, version).server().expect("a server stage").stage;
        let running = stage.start(ServerCall {
            input: &to_raw_value(data).unwrap(),
            user: Arc::new(user),
            functions: &self.functions,
            room_code: room.into(),
            request: RequestInfo::new(
                "request".into(),
                Transport::Socket,
                "en".into(),
                IpAddr::V4(Ipv4Addr::LOCALHOST),
            ),
        })?;
        Ok(serde_json::from_str(ready(running)?.get()).unwrap())
    }

    /// Runs the client stage for one recipient, for all of whom `data` and `server_output` are the same; nothing if it
    /// skips the recipient.
    pub(crate) fn deliver(
        &self,
        (name, version): (&str, &str),
        data: &Value,
        server_output: &Value,
        recipient: Session,
    ) -> SyncResult<Option<Value>> {
        let client = route(name, version).client().expect("a client stage");
        let prepared = client.stage.prepare(StageInput {
            client_input: &to_raw_value(data).unwrap(),
            server_output: &to_raw_value(server_output).unwrap(),
            functions: &self.functions,
            room_code: "room".into(),
        })?;
        let running = match prepared {
            ClientStage::Recipient(stage) => stage.start(Arc::new(recipient)),
            ClientStage::Audience(stage) => {
                stage.start(&client.audience.as_ref().expect("a key function").key(&recipient))
            }
        };
        Ok(ready(running)?.map(|output| serde_json::from_str(&output).unwrap()))
    }
}

pub(crate) fn route(name: &str, version: &str) -> &'static Route {
    REGISTRY.get(name, version).unwrap_or_else(|| panic!("{name} {version} is a route"))
}

/// A user, logged in.
pub(crate) fn user(id: &str) -> Session {
    Session { user_id: id.into(), ..Session::default() }
}

/// A user with a page open.
pub(crate) fn user_on(id: &str, path_name: &str) -> Session {
    let location = Location { path_name: Some(path_name.into()), ..Location::default() };
    Session { location, ..user(id) }
}

/// The code and parameters of an error.
pub(crate) fn refused(outcome: SyncResult<Value>) -> Value {
    let error = outcome.expect_err("an error");
    json!({ "code": error.code().code(), "params": error.params() })
}

/// No shipped handler waits for anything, so one poll is enough.
fn ready<F: Future + ?Sized>(mut running: Pin<Box<F>>) -> F::Output {
    match running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the stage waits for something"),
    }
}
