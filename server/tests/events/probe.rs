//! Handlers that do what handlers should not, and the app behind them.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

/// The tests' app: what its handlers count and wait for.
pub(crate) struct App {
    /// How often the audience stage ran.
    pub(crate) audience_runs: AtomicUsize,
    /// How many have come to the gate.
    pub(crate) at_gate: AtomicUsize,
    /// Handlers that wait take one permit each.
    pub(crate) gate: Semaphore,
}

impl Default for App {
    fn default() -> Self {
        Self { audience_runs: AtomicUsize::new(0), at_gate: AtomicUsize::new(0), gate: Semaphore::new(0) }
    }
}

impl App {
    /// Waits at the gate.
    pub(crate) async fn wait(&self) {
        self.at_gate.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.expect("the gate stays").forget();
    }
}

/// A number, a text, both optional: enough for every probe.
pub(crate) mod payload {
    use syncline::prelude::*;

    #[derive(Clone, Default, Serialize, Deserialize, TS, JsonSchema)]
    #[serde(default)]
    pub(crate) struct Probe {
        pub(crate) n: u64,
        pub(crate) text: String,
    }
}

macro_rules! server_probe {
    ($name:ident, |$params:ident| $body:expr $(, $($options:tt)*)?) => {
        pub(crate) mod $name {
            use super::{App, payload::Probe};
            use syncline::prelude::*;

            async fn $name($params: ServerParams<Probe, App>) -> SyncResult<Probe> {
                $body
            }
            sync_server!($name $(, $($options)*)?);
        }
    };
}

server_probe!(echo_server_v1, |params| Ok(params.client_input), auth: Auth::PUBLIC);
server_probe!(login_server_v1, |params| Ok(params.client_input));
server_probe!(admin_server_v1, |params| Ok(params.client_input), auth: Auth::LOGIN.and(&[Rule::equals("roles", "admin")]));
server_probe!(panics_server_v1, |params| panic!("probe {}", params.client_input.n), auth: Auth::PUBLIC);
server_probe!(never_server_v1, |_params| std::future::pending().await, auth: Auth::PUBLIC, timeout: std::time::Duration::from_millis(100));
server_probe!(waits_server_v1, |params| { params.functions.wait().await; Ok(params.client_input) }, auth: Auth::PUBLIC);
server_probe!(beside_server_v1, |params| { params.functions.wait().await; Ok(params.client_input) }, auth: Auth::PUBLIC, concurrent: true);
server_probe!(fails_server_v1, |_params| Err(std::io::Error::other("the disk is on fire"))?, auth: Auth::PUBLIC);
server_probe!(undeclared_server_v1, |_params| Err(super::SECRET_CODE.into()), auth: Auth::PUBLIC);
server_probe!(limited_server_v1, |params| Ok(params.client_input), auth: Auth::PUBLIC, rate_limit: RateLimit::new(1, 60).burst(2));
server_probe!(large_server_v1, |params| Ok(Probe { n: params.client_input.n, text: "x".repeat(params.client_input.n as usize) }), auth: Auth::PUBLIC);

/// A code that no probe declares.
pub(crate) const SECRET_CODE: syncline::ErrorCode = syncline::ErrorCode::new("probe.secret", 418, &[]);

/// A code that the picky stage declares.
pub(crate) const PICKY: syncline::ErrorCode = syncline::ErrorCode::new("probe.picky", 422, &["why"]);

pub(crate) mod picky_server_v1 {
    use super::{App, payload::Probe};
    use syncline::prelude::*;

    async fn picky_server_v1(params: ServerParams<Probe, App>) -> SyncResult<Probe> {
        Ok(params.client_input)
    }
    sync_server!(picky_server_v1, auth: Auth::PUBLIC);
}

/// Does to each recipient what the recipient is called.
pub(crate) mod picky_client_v1 {
    use super::{App, PICKY, SECRET_CODE, payload::Probe};
    use syncline::prelude::*;

    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    pub(crate) struct PickyOutput {
        pub(crate) you: String,
    }

    async fn picky_client_v1(params: ClientParams<Probe, Probe, App>) -> SyncResult<Deliver<PickyOutput>> {
        match params.user.user_id.as_str() {
            "fails" => return Err(PICKY.with("why", "because")),
            "undeclared" => return Err(SECRET_CODE.into()),
            "panics" => panic!("a client stage panics"),
            "hangs" => std::future::pending().await,
            "slow" => params.functions.wait().await,
            "skips" => return Ok(Deliver::Skip),
            _ => {}
        }
        Ok(Deliver::To(PickyOutput { you: params.user.user_id.clone() }))
    }
    sync_client!(picky_client_v1, errors: [PICKY]);
}

/// Runs once for each locale.
pub(crate) mod by_locale_client_v1 {
    use super::{App, Ordering, payload::Probe};
    use syncline::prelude::*;

    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    pub(crate) struct Greeting {
        pub(crate) audience: String,
    }

    fn locale_of(session: &Session) -> String {
        assert!(session.user_id != "unkeyed", "a key function may panic");
        session.locale.clone().unwrap_or_default()
    }

    async fn by_locale_client_v1(
        params: AudienceParams<Probe, Empty, String, App>,
    ) -> SyncResult<Deliver<Greeting>> {
        params.functions.audience_runs.fetch_add(1, Ordering::SeqCst);
        match params.audience.as_str() {
            "skip" => Ok(Deliver::Skip),
            "slow" => {
                params.functions.wait().await;
                Ok(Deliver::To(Greeting { audience: "slow".to_owned() }))
            }
            key => Ok(Deliver::To(Greeting { audience: key.to_owned() })),
        }
    }
    sync_client!(by_locale_client_v1, audience: locale_of, auth: Auth::PUBLIC);
}

/// Validates its input.
pub(crate) mod checked_server_v1 {
    use super::App;
    use syncline::prelude::*;

    #[derive(Serialize, Deserialize, TS, JsonSchema, garde::Validate)]
    #[serde(rename_all = "camelCase")]
    pub(crate) struct CheckedInput {
        #[garde(skip)]
        pub(crate) inner: Inner,
        #[garde(range(max = 10))]
        pub(crate) at_most_ten: u32,
    }

    #[derive(Serialize, Deserialize, TS, JsonSchema)]
    pub(crate) struct Inner {
        pub(crate) flag: bool,
    }

    async fn checked_server_v1(_: ServerParams<CheckedInput, App>) -> SyncResult<Empty> {
        Ok(Empty {})
    }
    sync_server!(checked_server_v1, auth: Auth::PUBLIC);
}
