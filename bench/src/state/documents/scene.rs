//! The clients of one document: each writes letters, sees everybody's, and knows what it has not seen.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::peer::{Kind, Peer};
use super::wire::{Reader, anywhere, letter, letters, message};
use crate::load::Histogram;
use crate::load::frame::Opcode;
use crate::state::client::WebSocket;

/// How long what was written may take to be everywhere.
const SETTLES_WITHIN: Duration = Duration::from_secs(30);

/// How many letters an update of the large document has.
const EACH: u32 = 1000;

/// What came of it.
pub(super) struct Report {
    /// How many updates the next client has seen, and in which time.
    pub(super) updates: u64,
    pub(super) took: Duration,
    pub(super) late: Histogram,
    pub(super) lost: u64,
    pub(super) doubled: u64,
}

/// Clients that are connected and know what there is.
pub(super) struct Scene {
    clients: Vec<Client>,
}

struct Client {
    socket: WebSocket,
    /// Before each message, where the protocol names the document.
    prefix: Vec<u8>,
    id: u64,
    clock: u32,
}

/// What clients know of each other.
struct Shared {
    /// How far the one after each of them has seen it, and when each of what it has not seen was written.
    seen: Vec<Cell<u32>>,
    written: Vec<RefCell<VecDeque<Instant>>>,
    /// That the next has seen something.
    moved: Vec<Notify>,
    /// How far each has written, once nobody writes any more.
    ends: Vec<Cell<Option<u32>>>,
    late: RefCell<Histogram>,
    updates: Cell<u64>,
}

impl Scene {
    pub(super) async fn open(peer: &Peer, document: &str, count: usize) -> anyhow::Result<Self> {
        let mut clients = Vec::new();
        for number in 0..count {
            let socket = peer.connect(document, number).await?;
            let prefix = match peer.kind {
                Kind::Hocuspocus => message(&[], document.as_bytes()),
                _ => Vec::new(),
            };
            let mut client = Client { socket, prefix, id: 1000 + number as u64, clock: 0 };
            client.begin(peer.kind).await?;
            clients.push(client);
        }
        Ok(Self { clients })
    }

    /// Everybody writes for that long, with so many updates under way that the next client has not seen.
    pub(super) async fn write(self, window: u32, time: Duration) -> anyhow::Result<Report> {
        let count = self.clients.len();
        let shared = Rc::new(Shared {
            seen: (0..count).map(|_| Cell::new(0)).collect(),
            written: (0..count).map(|_| RefCell::default()).collect(),
            moved: (0..count).map(|_| Notify::new()).collect(),
            ends: (0..count).map(|_| Cell::new(None)).collect(),
            late: RefCell::new(Histogram::new()),
            updates: Cell::new(0),
        });
        let began = Instant::now();
        let mut running = JoinSet::new();
        for (number, client) in self.clients.into_iter().enumerate() {
            running.spawn_local(client.run(number, window, began + time, Rc::clone(&shared)));
        }
        let (mut lost, mut doubled) = (0, 0);
        while let Some(client) = running.join_next().await {
            let (lost_here, doubled_here) = client??;
            (lost, doubled) = (lost + lost_here, doubled + doubled_here);
        }
        let late = shared.late.replace(Histogram::new());
        Ok(Report { updates: shared.updates.get(), took: time, late, lost, doubled })
    }

    /// Its client writes so many letters anywhere, and waits until another one could see them.
    pub(super) async fn fill(&mut self, letters: u32) -> anyhow::Result<()> {
        let client = &mut self.clients[0];
        for update in anywhere(client.id, letters, EACH) {
            client.say(&[0, 2], &update).await?;
        }
        // The answer comes after all that was said before it is in the document.
        client.say(&[0, 0], &[0]).await?;
        client.until_has(letters).await.map(drop)
    }

    /// Waits until its client has so many letters; how large the messages were that brought them.
    pub(super) async fn has(&mut self, letters: u32) -> anyhow::Result<usize> {
        self.clients[0].say(&[0, 0], &[0]).await?;
        self.clients[0].until_has(letters).await
    }
}

impl Client {
    async fn begin(&mut self, kind: Kind) -> anyhow::Result<()> {
        if kind == Kind::Hocuspocus {
            self.say(&[2, 0], b"token").await?;
        }
        self.say(&[0, 0], &[0]).await?;
        // Until the second step has come: from then on everything is told.
        while !matches!(self.hear().await?, Some((1, _))) {}
        Ok(())
    }

    async fn say(&mut self, kind: &[u8], bytes: &[u8]) -> anyhow::Result<()> {
        let said = [&self.prefix[..], &message(kind, bytes)].concat();
        self.socket.say(Opcode::Binary, &said).await
    }

    /// A step of the sync protocol; nothing if it was something else.
    async fn hear(&mut self) -> anyhow::Result<Option<(u64, Vec<u8>)>> {
        let (opcode, payload) = self.socket.next().await?;
        if opcode != Opcode::Binary {
            bail!("{opcode:?} instead of a message: {payload:?}");
        }
        let mut reader = Reader(&payload[self.prefix.len()..]);
        if reader.unsigned()? != 0 {
            return Ok(None);
        }
        Ok(Some((reader.unsigned()?, reader.bytes()?.to_vec())))
    }

    async fn until_has(&mut self, wanted: u32) -> anyhow::Result<usize> {
        let (mut known, mut size) = (0, 0);
        while known < wanted {
            let Some((1 | 2, update)) = self.hear().await? else { continue };
            size += update.len();
            // All are of one client, which Hocuspocus tells of what it wrote itself.
            letters(&update, |_, first, count| {
                if first <= known {
                    known = known.max(first + count);
                }
            })?;
        }
        ensure!(known == wanted, "{known} letters instead of {wanted}");
        Ok(size)
    }

    /// Writes until it is time, and then listens until it has seen all; how many updates it has not seen, or twice.
    async fn run(
        mut self,
        number: usize,
        window: u32,
        until: Instant,
        shared: Rc<Shared>,
    ) -> anyhow::Result<(u64, u64)> {
        let count = shared.seen.len();
        let before = (number + count - 1) % count;
        let (mut known, mut doubled) = (HashMap::<u64, u32>::new(), 0);
        loop {
            let now = Instant::now();
            while now < until && self.clock - shared.seen[number].get() < window {
                shared.written[number].borrow_mut().push_back(Instant::now());
                let update = letter(self.id, self.clock);
                self.clock += 1;
                self.say(&[0, 2], &update).await?;
            }
            if now >= until {
                shared.ends[number].set(Some(self.clock));
            }
            let missing = |known: &HashMap<u64, u32>| -> Option<u64> {
                let others = (0..count).filter(|other| *other != number);
                let lacks = |other: usize| {
                    let end = shared.ends[other].get()?;
                    Some(u64::from(end - known.get(&(1000 + other as u64)).copied().unwrap_or(0).min(end)))
                };
                others.map(lacks).sum()
            };
            if missing(&known) == Some(0) && shared.ends[number].get().is_some() {
                return Ok((0, doubled));
            }
            if now > until + SETTLES_WITHIN {
                return Ok((missing(&known).unwrap_or(1), doubled));
            }
            let heard = tokio::select! {
                heard = self.hear() => heard?,
                () = shared.moved[number].notified() => continue,
                () = tokio::time::sleep(Duration::from_millis(50)) => continue,
            };
            let Some((1 | 2, update)) = heard else { continue };
            letters(&update, |client, first, letters| {
                if client == self.id {
                    return;
                }
                let known = known.entry(client).or_default();
                doubled += u64::from(first < *known);
                // A hole shows at the end, as one that is never filled.
                if first <= *known {
                    *known = (*known).max(first + letters);
                }
            })?;
            let seen = known.get(&(1000 + before as u64)).copied().unwrap_or(0);
            shared.note_seen(before, seen, until);
        }
    }
}

impl Shared {
    /// The one after that client has seen so much of it.
    fn note_seen(&self, client: usize, seen: u32, until: Instant) {
        let known = self.seen[client].replace(seen);
        let now = Instant::now();
        for _ in known..seen {
            let Some(written) = self.written[client].borrow_mut().pop_front() else { continue };
            self.late.borrow_mut().record((now - written).as_micros() as u64);
            if now <= until {
                self.updates.set(self.updates.get() + 1);
            }
        }
        if seen > known {
            self.moved[client].notify_one();
        }
    }
}
