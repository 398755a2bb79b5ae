//! A receiver, and a webhook that leads to it.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, Uri};
use serde_json::Value;
use syncline::Registry;
use tokio::{net::TcpListener, sync::mpsc};

use super::super::{Event, Parts, Presence, Webhooks, outbox::log_of, pace::Pace};
use crate::{
    config::Config,
    journal::{Contents, Journal, MemoryJournal},
    observe::Metrics,
    workspaces::id::WorkspaceId,
};

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) const DAY: u64 = 24 * 3600 * 1000;

/// Base64 of these 32 bytes is the secret.
const KEY: [u8; 32] = *b"the key of the tests, 32 bytes !";

/// What the receiver was told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Bytes,
    pub(super) body: Value,
}

impl Told {
    pub(super) fn workspace(&self) -> &str {
        self.body["data"]["workspace_id"].as_str().unwrap()
    }

    pub(super) fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    pub(super) fn keys(&self) -> Vec<&str> {
        let keys = self.body["data"]["keys"].as_array();
        keys.into_iter().flatten().map(|key| key.as_str().unwrap()).collect()
    }
}

/// What the receiver answers; the number is how many requests came before.
pub(super) type Answers = Arc<dyn Fn(&Told, usize) -> Answer + Send + Sync>;

/// An answer.
pub(super) enum Answer {
    Now(Response),
    /// After that.
    After(Duration, Response),
    /// None.
    Never,
}

pub(super) fn status(status: u16) -> Answer {
    Answer::Now(Response::builder().status(status).body(Body::empty()).unwrap())
}

pub(super) fn always(code: u16) -> Answers {
    Arc::new(move |_, _| status(code))
}

/// Something that is told.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    told: tokio::sync::Mutex<mpsc::UnboundedReceiver<Told>>,
    task: tokio::task::JoinHandle<()>,
    pub(super) most_at_once: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Inner {
    told: mpsc::UnboundedSender<Told>,
    answers: Answers,
    count: Arc<AtomicUsize>,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Receiver {
    pub(super) async fn new(answers: Answers) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), answers).await
    }

    pub(super) async fn at(address: SocketAddr, answers: Answers) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, told) = mpsc::unbounded_channel();
        let inner =
            Inner { told: sender, answers, count: Arc::default(), now: Arc::default(), most: Arc::default() };
        let most_at_once = Arc::clone(&inner.most);
        let app = Router::new().fallback(hear).with_state(inner);
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, told: told.into(), task, most_at_once }
    }

    /// The next that it was told.
    pub(super) async fn told(&self) -> Told {
        let next = async { self.told.lock().await.recv().await };
        tokio::time::timeout(PATIENCE, next).await.expect("it is told").expect("the receiver is there")
    }

    /// The next of them, so many.
    pub(super) async fn all(&self, count: usize) -> Vec<Told> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.told().await);
        }
        all
    }

    /// Asserts that it was told nothing else until now.
    pub(super) async fn nothing_else(&self) {
        assert!(self.told.lock().await.try_recv().is_err());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hear(State(inner): State<Inner>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    assert_eq!(parts.method, "POST");
    let bytes = axum::body::to_bytes(body, 10 << 20).await.unwrap();
    let id = verify(&parts.headers, &bytes).expect("the signature is right");
    let body = serde_json::from_slice(&bytes).unwrap();
    let told = Told { id, uri: parts.uri, headers: parts.headers, bytes, body };
    let answer = (inner.answers)(&told, inner.count.fetch_add(1, Ordering::SeqCst));
    inner.most.fetch_max(inner.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    inner.told.send(told).unwrap();
    let response = match answer {
        Answer::Now(response) => response,
        Answer::After(pause, response) => {
            tokio::time::sleep(pause).await;
            response
        }
        Answer::Never => std::future::pending().await,
    };
    inner.now.fetch_sub(1, Ordering::SeqCst);
    response
}

/// HMAC as RFC 2104 has it, and Standard Webhooks on top of it: the message's id, if all is right.
fn verify(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
    let age = crate::clock::millis_now() / 1000 - timestamp.parse::<u64>().ok()?;
    let padded = |with: u8| {
        let mut block = [with; 64];
        KEY.iter().zip(&mut block).for_each(|(key, byte)| *byte ^= key);
        block
    };
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let inner = digest(&SHA256, &[&padded(0x36)[..], &signed].concat());
    let outer = digest(&SHA256, &[&padded(0x5c)[..], inner.as_ref()].concat());
    let expected = format!("v1,{}", BASE64_STANDARD.encode(outer));
    (header("webhook-signature")? == expected && age < 300).then_some(id)
}

/// What a webhook is made of; one can be made again of the same.
pub(super) struct World {
    pub(super) url: String,
    pub(super) allow_private: bool,
    pub(super) journal: Arc<MemoryJournal>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) now: Arc<AtomicU64>,
    pub(super) parts: Mutex<Option<Parts>>,
    pub(super) pace: Pace,
}

impl World {
    pub(super) fn new(url: &str) -> Self {
        let pace = Pace {
            gather: Duration::from_millis(1),
            first_pause: Duration::from_millis(2),
            longest_pause: Duration::from_millis(10),
            storage: Duration::from_millis(2),
            spread: Duration::ZERO,
            ..Pace::DEFAULT
        };
        Self {
            url: url.to_owned(),
            allow_private: true,
            journal: Arc::default(),
            metrics: Metrics::new(&Registry::none(), &[], &[]),
            now: Arc::new(AtomicU64::new(1_769_025_600_000)),
            parts: Mutex::default(),
            pace,
        }
    }

    pub(super) fn at(receiver: &Receiver) -> Self {
        Self::new(&format!("http://{}/hook?for=tests", receiver.address))
    }

    /// A webhook that is not started.
    pub(super) fn webhooks(&self) -> Arc<Webhooks> {
        let secret = format!("whsec_{}", BASE64_STANDARD.encode(KEY));
        let config = Config::from_pairs(&[
            ("WEBHOOK_URL", &self.url),
            ("WEBHOOK_SECRET", &secret),
            ("WEBHOOK_ALLOW_PRIVATE", if self.allow_private { "true" } else { "false" }),
        ]);
        let mut parts = self.parts.lock().unwrap().take().unwrap_or_default();
        parts.pace = self.pace;
        parts.bounds.gather = self.pace.gather;
        let now = Arc::clone(&self.now);
        parts.clock = Arc::new(move || now.load(Ordering::SeqCst));
        let (journal, metrics) = (Arc::clone(&self.journal), Arc::clone(&self.metrics));
        Webhooks::with(&config.unwrap(), journal, metrics, parts).unwrap().expect("there is a URL")
    }

    pub(super) fn started(&self) -> Arc<Webhooks> {
        let webhooks = self.webhooks();
        webhooks.start();
        webhooks
    }

    pub(super) async fn contents(&self, workspace: &str) -> Contents {
        self.journal.read(&log_of(workspace.into()), 0, usize::MAX).await.unwrap()
    }

    /// How often that was counted.
    pub(super) fn count(&self, what: &str) -> u64 {
        let name = match what {
            "success" | "failure" | "refused" => {
                format!("syncline_webhook_attempts_total{{outcome=\"{what}\"}} ")
            }
            reason => format!("syncline_webhook_dead_letters_total{{reason=\"{reason}\"}} "),
        };
        let text = self.metrics.handle().render();
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("{name} is there")).parse().unwrap()
    }

    /// Waits until nothing waits.
    pub(super) async fn until_empty(&self) {
        eventually("nothing waits any more", async || {
            self.journal.logs(crate::journal::Space::Webhooks, "", 1).await.unwrap().is_empty()
        })
        .await;
    }
}

/// Waits until that is so.
pub(super) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}"));
}

pub(super) fn workspace(id: &str) -> WorkspaceId {
    WorkspaceId::parse(id).unwrap()
}

pub(super) fn update(user: &str, key: &str) -> Event {
    Event::updated(1, [user.into()], [key.into()], [format!("after {key}").into()])
}

pub(super) fn connected(user: &str) -> Event {
    Event::Connected(Presence { user_id: user.into(), session_id: Some("s1".into()) })
}

pub(super) fn disconnected(user: &str) -> Event {
    Event::Disconnected(Presence { user_id: user.into(), session_id: Some("s1".into()) })
}

/// Puts an event on disk, as an owner does.
pub(super) async fn put(webhooks: &Webhooks, id: &str, event: Event) {
    let write = webhooks.entry(&workspace(id), event);
    webhooks.outbox.write(write).await.unwrap();
}

/// The same, and says so.
pub(super) async fn tell(webhooks: &Webhooks, id: &str, event: Event) {
    put(webhooks, id, event).await;
    webhooks.notify(&workspace(id));
}
