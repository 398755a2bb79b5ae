//! What the stages of an event receive, and what a client stage decides.
//!
//! Plain data: nothing here runs or delivers anything.

use std::{net::IpAddr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Session;

/// What a server stage receives. It runs once per request, on the caller's node.
///
/// `I` is the event's input; `A` is the app's own state, as it was given to the server builder.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerParams<I, A = ()> {
    /// What the client sent: deserialized, and validated when the type has a `garde` derive.
    pub client_input: I,
    /// The caller's session.
    pub user: Arc<Session>,
    /// The app's own state: its database, its services.
    pub functions: Arc<A>,
    /// The room that the event goes to.
    pub room_code: Arc<str>,
    /// The request itself.
    pub request: RequestInfo,
}

impl<I, A> ServerParams<I, A> {
    /// Puts the parameters together, as the server does and as a test may.
    #[must_use]
    pub fn new(
        client_input: I,
        user: Arc<Session>,
        functions: Arc<A>,
        room_code: Arc<str>,
        request: RequestInfo,
    ) -> Self {
        Self { client_input, user, functions, room_code, request }
    }
}

/// The request behind a server stage.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestInfo {
    /// The request's id, as it stands in the log.
    pub id: Arc<str>,
    /// How it came.
    pub transport: Transport,
    /// The caller's negotiated locale, for example `nl`.
    pub locale: Arc<str>,
    /// The client's address: of the connection, or the one that a trusted proxy names.
    pub client_address: IpAddr,
}

impl RequestInfo {
    /// Puts the information together, as the server does and as a test may.
    #[must_use]
    pub fn new(id: Arc<str>, transport: Transport, locale: Arc<str>, client_address: IpAddr) -> Self {
        Self { id, transport, locale, client_address }
    }
}

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// As a `sync` event on a socket.
    Socket,
    /// As `POST /sync/...`.
    Http,
}

/// What a client stage receives. It runs once per recipient, on the recipient's node.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientParams<I, O, A = ()> {
    /// What the calling client sent; the same value for every recipient.
    pub client_input: Arc<I>,
    /// What the server stage returned; [`Empty`] where there is none.
    pub server_output: Arc<O>,
    /// The recipient's session.
    pub user: Arc<Session>,
    /// The app's own state on the recipient's node.
    pub functions: Arc<A>,
    /// The room.
    pub room_code: Arc<str>,
}

impl<I, O, A> ClientParams<I, O, A> {
    /// Puts the parameters together, as the server does and as a test may.
    #[must_use]
    pub fn new(
        client_input: Arc<I>,
        server_output: Arc<O>,
        user: Arc<Session>,
        functions: Arc<A>,
        room_code: Arc<str>,
    ) -> Self {
        Self { client_input, server_output, user, functions, room_code }
    }
}

/// What a client stage declared by audience receives. It runs once per distinct key among the recipients and knows
/// no single one of them, so nothing of one can leak to another.
#[derive(Debug)]
#[non_exhaustive]
pub struct AudienceParams<I, O, K, A = ()> {
    /// What the calling client sent.
    pub client_input: Arc<I>,
    /// What the server stage returned; [`Empty`] where there is none.
    pub server_output: Arc<O>,
    /// The key that these recipients share.
    pub audience: Arc<K>,
    /// The app's own state on the recipients' node.
    pub functions: Arc<A>,
    /// The room.
    pub room_code: Arc<str>,
}

impl<I, O, K, A> AudienceParams<I, O, K, A> {
    /// Puts the parameters together, as the server does and as a test may.
    #[must_use]
    pub fn new(
        client_input: Arc<I>,
        server_output: Arc<O>,
        audience: Arc<K>,
        functions: Arc<A>,
        room_code: Arc<str>,
    ) -> Self {
        Self { client_input, server_output, audience, functions, room_code }
    }
}

/// What a client stage decides for its recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deliver<T> {
    /// Send the event, with this as its `clientOutput`.
    To(T),
    /// Send nothing at all.
    Skip,
}

/// The payload that says nothing: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Empty {}

/// Not derived, so that TypeScript refers to it as what it is and needs no declaration of it.
impl TS for Empty {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn name(_: &ts_rs::Config) -> String {
        "Record<string, never>".to_owned()
    }

    fn inline(config: &ts_rs::Config) -> String {
        Self::name(config)
    }
}
