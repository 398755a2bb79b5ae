//! A room whose members' sockets are lists, and what each of them should have heard.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json, value::RawValue};
use syncline::{
    __private::{AudienceFn, ClientFn, ServerFn},
    AudienceParams, ClientOptions, ClientParams, Deliver, Functions, Registration, Registry, ServerOptions,
    ServerParams, Session, Stage, SyncResult, codes,
    run::{Delivery, Exclude},
};
use syncline_i18n::Catalog;

use crate::{
    error::Errors,
    events::{
        direct::Frame,
        group::{Mirrors, Unsent},
        member::{Member, Outbox, OutboxError, SocketId, Standing},
        members::Members,
        round::{self, Node},
        way_out::WayOut,
    },
    net::ClientAddress,
    observe::Metrics,
};

/// How many packets a socket's queue has room for.
pub(super) const CAPACITY: usize = 6;

async fn server_stage(params: ServerParams<u64>) -> SyncResult<u64> {
    Ok(params.client_input)
}

/// What becomes of an event for a session with that locale.
async fn judged(class: &str) -> SyncResult<Deliver<String>> {
    match class {
        "skip" => return Ok(Deliver::Skip),
        "fail" => return Err(codes::TIMEOUT.into()),
        "slow" => tokio::task::yield_now().await,
        _ => {}
    }
    Ok(Deliver::To(class.to_owned()))
}

fn class(session: &Session) -> String {
    session.locale.clone().unwrap_or_default()
}

async fn for_each(params: ClientParams<u64, u64>) -> SyncResult<Deliver<String>> {
    match &*class(&params.user) {
        "own" => Ok(Deliver::To(params.user.user_id.clone())),
        class => judged(class).await,
    }
}

async fn for_audience(params: AudienceParams<u64, u64, String>) -> SyncResult<Deliver<String>> {
    judged(&params.audience).await
}

fn registry() -> Registry {
    let server = |module_path, function| Registration {
        module_path,
        function,
        file: "",
        line: 0,
        stage: Stage::Server(|| Box::new(ServerFn::new(server_stage)), ServerOptions::new()),
    };
    let client =
        |module_path, function, stage| Registration { module_path, function, file: "", line: 0, stage };
    let registrations = [
        server("app::probe::echo_server_v1", "echo_server_v1"),
        server("app::probe::picky_server_v1", "picky_server_v1"),
        client(
            "app::probe::picky_client_v1",
            "picky_client_v1",
            Stage::Client(|| Box::new(ClientFn::new(for_each)), ClientOptions::new()),
        ),
        server("app::probe::by_class_server_v1", "by_class_server_v1"),
        client(
            "app::probe::by_class_client_v1",
            "by_class_client_v1",
            Stage::Client(|| Box::new(AudienceFn::new(for_audience, class)), ClientOptions::new()),
        ),
    ];
    Registry::build(&registrations).unwrap_or_else(|error| panic!("{error}"))
}

/// An event as one got it: its number and what the client stage said, or neither if it is an error.
type Heard = Option<(u64, Value)>;

#[derive(Default)]
pub(super) struct Wire {
    mirrors: BTreeMap<String, BTreeSet<SocketId>>,
    pub(super) queues: HashMap<SocketId, Vec<String>>,
    /// How many packets went to a whole mirror, and how many to one socket.
    at_once: usize,
    apart: usize,
}

impl Wire {
    fn push(&mut self, id: SocketId, packet: &Frame) -> Result<(), OutboxError> {
        let queue = self.queues.entry(id).or_default();
        if queue.len() == CAPACITY {
            return Err(OutboxError::Full);
        }
        queue.push(packet.text().to_owned());
        Ok(())
    }
}

#[derive(Clone, Default)]
pub(super) struct World(Arc<Mutex<Wire>>);

impl World {
    pub(super) fn lock(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap()
    }
}

impl Mirrors for World {
    fn is_ready(&self) -> bool {
        true
    }

    fn add(&self, mirror: &str, socket: SocketId) {
        self.lock().mirrors.entry(mirror.to_owned()).or_default().insert(socket);
    }

    fn remove(&self, mirror: &str, socket: SocketId) {
        let mut wire = self.lock();
        let sockets = wire.mirrors.get_mut(mirror).unwrap();
        sockets.remove(&socket);
        if sockets.is_empty() {
            wire.mirrors.remove(mirror);
        }
    }

    fn send(&self, mirror: &str, packet: Frame) -> Unsent {
        let mut wire = self.lock();
        wire.at_once += 1;
        let sockets = wire.mirrors[mirror].clone();
        let full = sockets.iter().filter(|socket| wire.push(**socket, &packet).is_err()).count();
        Unsent { sockets: full, full }
    }
}

struct Out(World, SocketId);

impl Outbox for Out {
    fn emit(&self, frame: Frame) -> Result<(), OutboxError> {
        let mut wire = self.0.lock();
        wire.apart += 1;
        wire.push(self.1, &frame)
    }
    fn is_full(&self) -> bool {
        self.0.lock().queues.get(&self.1).is_some_and(|queue| queue.len() == CAPACITY)
    }
    fn kill(&self) {}
    fn has_connection(&self) -> bool {
        true
    }
    fn hang_up(&self) {}
    fn dismiss(&self) {}
}

pub(super) struct Probe {
    pub(super) world: World,
    pub(super) node: Arc<Node>,
    pub(super) members: Vec<Arc<Member>>,
    gone: Vec<Arc<Member>>,
    /// What each should have heard, and has, in order.
    expected: HashMap<SocketId, Vec<Heard>>,
    heard: HashMap<SocketId, Vec<Heard>>,
    number: u64,
}

pub(super) const ROOM: &str = "room";

impl Probe {
    /// So many members of a room, of whom the first so many take several events in one packet.
    pub(super) fn new(count: usize, batching: usize) -> Self {
        let (world, registry) = (World::default(), Arc::new(registry()));
        let node = Arc::new(Node {
            metrics: Metrics::new(&registry, &[], &[]),
            registry,
            functions: Functions::new(Arc::new(())),
            members: Arc::new(Members::new(true, Some(Arc::new(world.clone())))),
            errors: Arc::new(Errors::new(Catalog::builder().build().unwrap())),
            burst: 1,
        });
        let mut probe = Self {
            world,
            node,
            members: Vec::new(),
            gone: Vec::new(),
            expected: HashMap::new(),
            heard: HashMap::new(),
            number: 0,
        };
        for at in 0..count {
            let member = probe.member(at, at < batching);
            probe.members.push(member);
            probe.join(at);
        }
        probe
    }

    fn member(&self, at: usize, batches: bool) -> Arc<Member> {
        let id = SocketId::new();
        let locale = self.node.errors.negotiate(&["en"]);
        let session =
            Session { user_id: format!("user{at}"), locale: Some("a".to_owned()), ..Session::default() };
        let outbox = Box::new(Out(self.world.clone(), id));
        let address = ClientAddress(Ipv4Addr::LOCALHOST.into());
        let member = Arc::new(Member::new(id, session, locale, address, batches, outbox));
        assert!(self.node.members.add(Arc::clone(&member)));
        member
    }

    pub(super) fn join(&self, at: usize) {
        self.node.members.join(self.members[at].id, ROOM).unwrap();
    }

    /// Ends a socket, and connects the user again.
    pub(super) fn renew(&mut self, at: usize) {
        self.read(at);
        self.node.members.remove(&self.members[at]);
        let new = self.member(at, self.members[at].batches);
        self.gone.push(std::mem::replace(&mut self.members[at], new));
    }

    pub(super) fn become_of_class(&self, at: usize, class: &str) {
        let locale = Some(class.to_owned());
        self.node.members.update_session(&self.members[at], |old| Session { locale, ..old.clone() });
    }

    pub(super) fn read(&mut self, at: usize) {
        let id = self.members[at].id;
        let packets = self.world.lock().queues.remove(&id).unwrap_or_default();
        let events = packets.iter().flat_map(|packet| {
            let packet: Vec<Value> = serde_json::from_str(packet).unwrap();
            packet
                .into_iter()
                .skip(1)
                .map(|event| Some((event["serverOutput"].as_u64()?, event["clientOutput"].clone())))
        });
        self.heard.entry(id).or_default().extend(events);
    }

    /// Delivers some events to a room, which wait behind each other.
    pub(super) async fn deliver(&mut self, room: &str, events: &[Event]) {
        let mut way_out = WayOut::new(Arc::clone(&self.node), room.into());
        for (at, event) in events.iter().enumerate() {
            self.number += 1;
            let excluded = event.exclude.map(|at| Arc::clone(&self.members[at % self.members.len()].name));
            for member in &self.members {
                let gets = self.node.members.is_in(member.id, room)
                    && member.standing() == Standing::Open
                    && excluded.as_ref() != Some(&member.name);
                if gets && let Some(heard) = event.becomes(&member.session(), self.number) {
                    self.expected.entry(member.id).or_default().push(heard);
                }
            }
            let raw = RawValue::from_string(self.number.to_string()).unwrap();
            let delivery = Arc::new(Delivery {
                name: event.name.into(),
                version: "v1".into(),
                room: room.into(),
                client_input: raw.clone().into(),
                server_output: raw.into(),
                exclude: excluded.map_or(Exclude::Nobody, Exclude::Socket),
            });
            let more = at + 1 < events.len();
            way_out.begin(more);
            round::deliver(&delivery, &mut way_out).await;
            if !more {
                way_out.flush();
            }
        }
        // What is slow comes to its end.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// Whether the mirrors are what they mirror, and there are no others.
    pub(super) fn mirrors_are_in_step(&self) -> bool {
        let mirrored: BTreeMap<_, _> = self.node.members.mirrored().into_iter().collect();
        mirrored == self.world.lock().mirrors
    }

    pub(super) fn count(&self, metric: &str) -> usize {
        let text = self.node.metrics.handle().render();
        let line = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' ')).unwrap();
        line.parse().unwrap()
    }

    /// Reads what everybody has been sent and compares it with what that should be.
    pub(super) fn check(&mut self) {
        (0..self.members.len()).for_each(|at| self.read(at));
        let ended =
            self.members.iter().chain(&self.gone).filter(|member| member.standing() == Standing::Ended);
        let ended: BTreeSet<_> = ended.map(|member| member.id).collect();
        for (id, expected) in &self.expected {
            let heard = self.heard.get(id).map_or(&[][..], |heard| heard);
            if ended.contains(id) {
                assert!(expected.starts_with(heard), "{heard:?} of {expected:?}");
            } else {
                assert_eq!(heard, expected);
            }
        }
        let sent = self.heard.values().flatten().flatten().count();
        assert_eq!(self.count(r#"syncline_deliveries_total{outcome="sent"}"#), sent);
    }

    /// How many packets went to a whole mirror since this was asked, and how many to one socket.
    pub(super) fn packets(&self) -> (usize, usize) {
        let mut wire = self.world.lock();
        (std::mem::take(&mut wire.at_once), std::mem::take(&mut wire.apart))
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) name: &'static str,
    pub(super) exclude: Option<usize>,
}

impl Event {
    fn becomes(&self, session: &Session, number: u64) -> Option<Heard> {
        let output = match (self.name, &*class(session)) {
            ("probe/echo", _) => json!({}),
            (_, "skip") => return None,
            (_, "fail") => return Some(None),
            ("probe/picky", "own") => json!(session.user_id),
            (_, class) => json!(class),
        };
        Some(Some((number, output)))
    }
}

const fn event(name: &'static str) -> Event {
    Event { name, exclude: None }
}

pub(super) const ECHO: Event = event("probe/echo");
pub(super) const PICKY: Event = event("probe/picky");
pub(super) const BY_CLASS: Event = event("probe/byClass");
