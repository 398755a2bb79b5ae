//! One connection to NATS, and what workspaces have there: a stream of changes, a bucket of objects, a bucket of
//! pointers.
//!
//! A connection is one life: when it ends, all that hung on it does, and the next one begins from what is wanted then.
//! async-nats would reconnect by itself, and keep what is sent meanwhile in its queue, and not say what was missed.

use std::{fmt, time::Duration};

use async_nats::{
    Client, ConnectOptions, Event, HeaderMap, Subscriber,
    jetstream::{
        Context,
        consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull},
        context::{ContextBuilder, PublishAckFuture},
        kv,
        object_store::{self, GetErrorKind, ObjectStore},
        stream,
    },
};
use automerge::ChangeHash;
use bytes::Bytes;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use syncline::SyncError;
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;

use super::{
    subject,
    wire::{MAX_BODY, ObjectName},
};
use crate::{
    config::{NatsLogin, NatsServers},
    workspaces::id::WorkspaceId,
};

/// The stream of changes, and both buckets.
const NAME: &str = "SYNCLINE_WORKSPACES";

/// How long an attempt to connect to a server, a request or an acknowledgement may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How often the client asks whether the connection still stands; it ends after three that nobody answered.
const PING_EVERY: Duration = Duration::from_secs(2);

/// What a message may be beside its body: subject and headers.
const ENVELOPE: usize = 4096;

/// The largest object that is read: as large as an entry of the journal may be.
const MAX_OBJECT: usize = 256 * 1024 * 1024;

/// How many messages are asked for at a time.
pub(super) const BATCH: usize = 64;

/// The form of pointers.
const POINTER: u8 = 1;

/// Why NATS, or something here, did not do what was asked.
#[derive(Clone, Debug)]
pub(in super::super) struct Failed(String);

impl Failed {
    pub(in super::super) fn new(what: &str, why: impl fmt::Display) -> Self {
        Self(format!("{what}: {why}"))
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SyncError> for Failed {
    fn from(error: SyncError) -> Self {
        Self::new("not done here", error.code().code())
    }
}

/// A failure to do that.
pub(super) fn failed<E: fmt::Display>(what: &str) -> impl Fn(E) -> Failed + '_ {
    move |why| Failed::new(what, why)
}

/// Where a workspace's document is, and what the changes after it are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pointer {
    version: u8,
    /// The stream that the sequence is of, by the time of its making.
    pub(super) stream: i64,
    #[serde(flatten)]
    pub(super) document: Kept,
    /// Its heads, in hex.
    pub(super) heads: Vec<String>,
    /// Documents before it that are not removed yet, the oldest first.
    pub(super) old: Vec<Kept>,
}

/// A document in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) object: String,
    /// The first sequence of the stream whose message may not be in it.
    pub(super) from: u64,
    /// When it came here, in microseconds since 1970.
    pub(super) at: i64,
}

impl Pointer {
    pub(super) fn new(stream: i64, document: Kept, heads: &[ChangeHash], old: Vec<Kept>) -> Self {
        let heads = heads.iter().map(ToString::to_string).collect();
        Self { version: POINTER, stream, document, heads, old }
    }

    fn read(value: &[u8]) -> Option<Self> {
        let pointer: Self = serde_json::from_slice(value).ok()?;
        (pointer.version == POINTER && ObjectName::parse(&pointer.document.object).is_some())
            .then_some(pointer)
    }

    /// Its heads; nothing if they are none.
    pub(super) fn heads(&self) -> Option<Vec<ChangeHash>> {
        self.heads.iter().map(|head| head.parse().ok()).collect()
    }
}

/// What there is at a workspace's key.
pub(super) struct Pointed {
    /// Nothing if there is none, or none that this version knows how to read.
    pub(super) pointer: Option<Pointer>,
    /// Whether there is one that cannot be read.
    pub(super) is_unknown: bool,
    /// What it is at; 0 for nothing.
    pub(super) revision: u64,
}

/// A connection that stands, or stood.
pub(super) struct Nats {
    client: Client,
    context: Context,
    stream: stream::Stream<()>,
    pointers: kv::Store,
    objects: ObjectStore,
    over: CancellationToken,
}

/// What the stream is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamState {
    /// When it was made, in microseconds since 1970.
    pub(super) made: i64,
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Nats {
    /// Connects, and makes what is not there yet.
    pub(super) async fn connect(servers: &NatsServers, name: &str) -> Result<Self, Failed> {
        let over = CancellationToken::new();
        let heard = over.clone();
        // async-nats does not look at users in URLs.
        let options = match &servers.login {
            Some(NatsLogin::User { name, password }) => {
                ConnectOptions::with_user_and_password(name.clone(), password.expose_secret().to_owned())
            }
            Some(NatsLogin::Token(token)) => ConnectOptions::with_token(token.expose_secret().to_owned()),
            None => ConnectOptions::new(),
        };
        let connecting = options
            .name(name)
            .connection_timeout(TIMEOUT)
            .request_timeout(Some(TIMEOUT))
            .ping_interval(PING_EVERY)
            .client_capacity(256)
            .subscription_capacity(4 * BATCH)
            // It gives up and ends when it is let go of; each server has one attempt.
            .max_reconnects(servers.addresses.len())
            // Those that a server knows come without a scheme, and may have no TLS where ours has it.
            .ignore_discovered_servers()
            .event_callback(move |event| {
                if matches!(event, Event::Disconnected | Event::Closed | Event::SlowConsumer(_)) {
                    heard.cancel();
                }
                std::future::ready(())
            })
            .connect(servers.addresses.clone());
        // One that hangs must not keep us from the next one.
        let all = TIMEOUT * u32::try_from(servers.addresses.len()).unwrap_or(u32::MAX);
        let connected = tokio::time::timeout(all, connecting).await;
        let client = connected.map_err(failed("no connection"))?.map_err(failed("no connection"))?;
        let context = ContextBuilder::new().timeout(TIMEOUT).ack_timeout(TIMEOUT).build(client.clone());
        let config = stream::Config {
            name: NAME.to_owned(),
            subjects: vec![subject::ALL_CHANGES.to_owned()],
            ..stream::Config::default()
        };
        context.get_or_create_stream(config).await.map_err(failed("no stream"))?;
        let stream = context.get_stream_no_info(NAME).await.map_err(failed("no stream"))?;
        // async-nats makes buckets of keys with servers from 2.10 on alone. This is what it makes.
        let config = stream::Config {
            name: format!("KV_{NAME}"),
            subjects: vec![format!("$KV.{NAME}.>")],
            max_messages_per_subject: 1,
            discard: stream::DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            num_replicas: 1,
            ..stream::Config::default()
        };
        context.get_or_create_stream(config).await.map_err(failed("no bucket of pointers"))?;
        let pointers = context.get_key_value(NAME).await.map_err(failed("no bucket of pointers"))?;
        let objects = match context.get_object_store(NAME).await {
            Ok(objects) => objects,
            Err(_not_there) => {
                let config =
                    object_store::Config { bucket: NAME.to_owned(), ..object_store::Config::default() };
                context.create_object_store(config).await.map_err(failed("no bucket of objects"))?
            }
        };
        Ok(Self { client, context, stream, pointers, objects, over })
    }

    /// Ends with the connection.
    pub(super) async fn ended(&self) {
        self.over.cancelled().await;
    }

    /// The largest body that a message may have: far below what the server takes, or what it takes.
    pub(super) fn max_body(&self) -> usize {
        self.client.server_info().max_payload.saturating_sub(ENVELOPE).min(MAX_BODY / 2)
    }

    /// Publishes to the stream; the answer is still to come.
    pub(super) async fn publish(
        &self,
        subject: String,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<PublishAckFuture, Failed> {
        let sent = self.context.publish_with_headers(subject, headers, body).await;
        sent.map_err(failed("not published"))
    }

    /// Says something to whoever listens, and does not wait.
    pub(super) async fn say(&self, subject: String, body: Bytes) -> Result<(), Failed> {
        self.client.publish(subject, body).await.map_err(failed("not said"))
    }

    /// Listens to what is said.
    pub(super) async fn listen(&self, subject: &'static str) -> Result<Subscriber, Failed> {
        self.client.subscribe(subject).await.map_err(failed("not listened to"))
    }

    pub(super) async fn state(&self) -> Result<StreamState, Failed> {
        let info = self.stream.get_info().await.map_err(failed("no word of the stream"))?;
        let made = i64::try_from(info.created.unix_timestamp_nanos() / 1000).unwrap_or_default();
        Ok(StreamState { made, first: info.state.first_sequence, last: info.state.last_sequence })
    }

    /// Reads the messages of these subjects from that sequence on; with it how many there are by now.
    pub(super) async fn reader(
        &self,
        subjects: String,
        from: u64,
        headers_only: bool,
    ) -> Result<(PullConsumer, u64), Failed> {
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.max(1) },
            ack_policy: AckPolicy::None,
            filter_subject: subjects,
            inactive_threshold: Duration::from_secs(120),
            memory_storage: true,
            num_replicas: 1,
            headers_only,
            ..pull::Config::default()
        };
        let reader = self.stream.create_consumer(config).await.map_err(failed("no reader"))?;
        let waiting = reader.cached_info().num_pending;
        Ok((reader, waiting))
    }

    /// A reader is needed no more. It would go by itself.
    pub(super) async fn let_go(&self, reader: &PullConsumer) {
        let _or_later = self.stream.delete_consumer(&reader.cached_info().name).await;
    }

    /// Removes a workspace's messages before that sequence.
    pub(super) async fn purge(&self, id: &WorkspaceId, before: u64) -> Result<(), Failed> {
        let purged = self.stream.purge().filter(subject::changes(id)).sequence(before).await;
        purged.map(|_count| ()).map_err(failed("not purged"))
    }

    pub(super) async fn pointed(&self, id: &WorkspaceId) -> Result<Pointed, Failed> {
        let entry = self.pointers.entry(subject::key(id)).await.map_err(failed("no pointer"))?;
        let Some(entry) = entry else { return Ok(Pointed { pointer: None, is_unknown: false, revision: 0 }) };
        let is_there = entry.operation == kv::Operation::Put;
        let pointer = if is_there { Pointer::read(&entry.value) } else { None };
        Ok(Pointed { is_unknown: is_there && pointer.is_none(), pointer, revision: entry.revision })
    }

    /// Points to a document, if nobody has since that revision.
    pub(super) async fn point(&self, id: &WorkspaceId, to: &Pointer, revision: u64) -> Result<(), Failed> {
        let value = serde_json::to_vec(to).map_err(failed("no pointer"))?;
        let pointed = self.pointers.update(subject::key(id), value.into(), revision).await;
        pointed.map(|_revision| ()).map_err(failed("not pointed to"))
    }

    /// Keeps an object, if it is not there already.
    pub(super) async fn put(&self, bytes: &[u8]) -> Result<ObjectName, Failed> {
        let name = ObjectName::of(bytes);
        let is_there = self
            .objects
            .info(name.as_str())
            .await
            .is_ok_and(|info| !info.deleted && info.size == bytes.len());
        if !is_there {
            self.objects.put(name.as_str(), &mut &*bytes).await.map_err(failed("no object"))?;
        }
        Ok(name)
    }

    /// What is in an object; nothing if it is not there.
    pub(super) async fn get(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, Failed> {
        let object = match self.objects.get(name.as_str()).await {
            Ok(object) => object,
            Err(error) if error.kind() == GetErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failed::new("no object", error)),
        };
        let size = object.info.size;
        if size > MAX_OBJECT {
            return Err(Failed::new("no object", "it is too large"));
        }
        let mut bytes = Vec::new();
        object.take(size as u64 + 1).read_to_end(&mut bytes).await.map_err(failed("no object"))?;
        if ObjectName::of(&bytes) != *name {
            return Err(Failed::new("no object", "it is not what its name says"));
        }
        Ok(Some(bytes))
    }

    /// Removes an object.
    pub(super) async fn delete(&self, name: &ObjectName) -> Result<(), Failed> {
        match self.objects.delete(name.as_str()).await {
            Ok(()) => Ok(()),
            Err(_) if self.get(name).await?.is_none() => Ok(()),
            Err(error) => Err(Failed::new("an object was not removed", error)),
        }
    }
}
