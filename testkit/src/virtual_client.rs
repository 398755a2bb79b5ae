//! A user's client of a [`TestServer`](crate::TestServer): a real connection that speaks in sessions, rooms and events.
//!
//! It has no offline queue and does not reconnect; what no stock client would send is the raw client's to say.

use serde::Serialize;
use serde_json::{Value, json};
use syncline::{Location, Session};

use crate::{
    Client, Refused, TestSession as _, fence,
    server::{Door, handshake},
};

/// A connected client of one user.
pub struct VirtualClient {
    raw: Client,
    door: Door,
    user_id: String,
}

/// A `sync` event as a client got it.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Page and event.
    pub name: String,
    /// The version.
    pub version: String,
    /// The room.
    pub room: String,
    /// The outputs, or the error that this recipient got instead.
    pub outcome: Result<Outputs, Refused>,
}

/// What the two stages of an event came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The server stage's output, the same for everybody.
    pub server_output: Value,
    /// The client stage's output for this recipient.
    pub client_output: Value,
}

impl Received {
    fn new(mut event: Value) -> Self {
        let mut text = |field: &str| match event[field].take() {
            Value::String(text) => text,
            other => panic!("the `{field}` of an event is {other}"),
        };
        let (name, version, room) = (text("name"), text("version"), text("room"));
        let outcome = Refused::or_success(event).map(|mut event| Outputs {
            server_output: event["serverOutput"].take(),
            client_output: event["clientOutput"].take(),
        });
        Self { name, version, room, outcome }
    }

    /// The server stage's output.
    ///
    /// # Panics
    /// When the recipient got an error.
    #[must_use]
    #[track_caller]
    pub fn server_output(&self) -> &Value {
        &self.outputs().server_output
    }

    /// The client stage's output for this recipient.
    ///
    /// # Panics
    /// When the recipient got an error.
    #[must_use]
    #[track_caller]
    pub fn client_output(&self) -> &Value {
        &self.outputs().client_output
    }

    #[track_caller]
    fn outputs(&self) -> &Outputs {
        match &self.outcome {
            Ok(outputs) => outputs,
            Err(refused) => panic!("instead of `{}/{}` came {refused}", self.name, self.version),
        }
    }
}

impl VirtualClient {
    pub(crate) async fn connect(door: Door, session: &Session) -> Self {
        let user_id = session.user_id.clone();
        let raw = match Client::connect(door.address, handshake(session)).await {
            Ok(raw) => raw,
            Err(error) => panic!("the server does not let `{user_id}` connect: {error}"),
        };
        let client = Self { raw, door, user_id };
        if session.location != Location::default()
            && let Err(refused) = client.locate(&session.location).await
        {
            panic!("`{}` cannot be at {:?}: {refused}", client.user_id, session.location);
        }
        client
    }

    /// The user's id; empty when nobody is logged in.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The connection itself, for whatever else a test sends and waits for.
    #[must_use]
    pub fn raw(&self) -> &Client {
        &self.raw
    }

    /// Joins a room; the rooms that it is in now.
    ///
    /// # Errors
    /// What the server answers instead.
    pub async fn join(&self, room: &str) -> Result<Vec<String>, Refused> {
        self.rooms_after("joinRoom", json!({ "room": room })).await
    }

    /// Leaves a room; the rooms that it is still in.
    ///
    /// # Errors
    /// What the server answers instead.
    pub async fn leave(&self, room: &str) -> Result<Vec<String>, Refused> {
        self.rooms_after("leaveRoom", json!({ "room": room })).await
    }

    /// Opens another page.
    ///
    /// # Errors
    /// What the server answers instead.
    pub async fn go_to(&self, path_name: &str) -> Result<(), Refused> {
        self.locate(&Session::anonymous().at(path_name).location).await
    }

    /// Makes a request and waits for its acknowledgement; the server stage's output.
    ///
    /// # Errors
    /// What the caller gets instead.
    pub async fn sync(
        &self,
        name: &str,
        version: &str,
        room: &str,
        data: impl Serialize,
    ) -> Result<Value, Refused> {
        self.request(json!({ "name": name, "version": version, "data": data, "receiver": room })).await
    }

    /// The same, without getting the event itself (`ignoreSelf`).
    ///
    /// # Errors
    /// What the caller gets instead.
    pub async fn sync_to_others(
        &self,
        name: &str,
        version: &str,
        room: &str,
        data: impl Serialize,
    ) -> Result<Value, Refused> {
        let request = json!({
            "name": name, "version": version, "data": data, "receiver": room, "ignoreSelf": true
        });
        self.request(request).await
    }

    /// The next event, in the order of arrival.
    ///
    /// # Panics
    /// When none comes.
    pub async fn next_event(&self) -> Received {
        let what = format!("an event for `{}`", self.user_id);
        Received::new(self.raw.first(&what, is_event).await)
    }

    /// Nothing is left unread, and nothing more comes of any request that has been answered. It waits for that and
    /// not for a time: through each room that the client is in it sends an event behind all others, and what has not
    /// come before that one never will.
    ///
    /// # Panics
    /// When there is an event; the message shows it.
    pub async fn expect_no_event(&self) {
        let mut rooms = match self.rooms_after("getJoinedRooms", json!({})).await {
            Ok(rooms) => rooms,
            Err(refused) => panic!("`{}` cannot tell its rooms: {refused}", self.user_id),
        };
        if self.door.allow_all {
            rooms.push("all".to_owned());
        }
        let fence = fence::next_id();
        let backend = Session::user("testkit").scope("sync:publish");
        for room in &rooms {
            let sent =
                self.door.trigger(&backend, fence::NAME, fence::VERSION, room, (&self.user_id, fence)).await;
            if let Err(refused) = sent {
                panic!(
                    "nothing tells whether more comes for `{}` (a registry given to the builder lacks the \
                     harness's event): {refused}",
                    self.user_id
                );
            }
        }
        let what = format!("a sign that nothing more comes for `{}`", self.user_id);
        for _ in &rooms {
            self.raw.first(&what, |name, event| name == "sync" && fence::id_of(event) == Some(fence)).await;
        }
        if let Some(event) = self.raw.take_first(is_event) {
            panic!("`{}` expected no event, and got {event}", self.user_id);
        }
    }

    async fn locate(&self, location: &Location) -> Result<(), Refused> {
        self.ask("updateLocation", json!(location)).await.map(drop)
    }

    async fn rooms_after(&self, event: &str, payload: Value) -> Result<Vec<String>, Refused> {
        let answer = self.ask(event, payload).await?;
        Ok(serde_json::from_value(answer["rooms"].clone()).expect("rooms are a list of names"))
    }

    async fn request(&self, request: Value) -> Result<Value, Refused> {
        self.ask("sync", request).await.map(|mut answer| answer["serverOutput"].take())
    }

    async fn ask(&self, event: &str, payload: Value) -> Result<Value, Refused> {
        Refused::or_success(self.raw.ask(event, payload).await)
    }
}

/// Whether it is an event of the app's, and no fence.
fn is_event(name: &str, payload: &Value) -> bool {
    name == "sync" && fence::id_of(payload).is_none()
}
