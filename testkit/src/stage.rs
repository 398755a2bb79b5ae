//! Calls an author's stage function with a fake session: no server, no JSON, no registration.
//!
//! What the registration line says (auth, declared errors) and the validation of inputs belong to the event by its
//! name, in `by_name`.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use syncline::{
    AudienceParams, ClientParams, Deliver, RequestInfo, ServerParams, Session, SyncResult, Transport,
};

use crate::IntoSession;

/// Everything that a stage is called with beside its payloads: the app, who calls or receives, the room.
///
/// It begins as the logged-in user `ada` in the room `room`; each method that sets something leaves the original as
/// it is, so one app's stage serves all users of a test:
///
/// ```
/// use std::sync::Arc;
/// use syncline::{Deliver, prelude::*};
/// use syncline_testkit::{Delivered as _, Stage, TestSession as _};
///
/// struct App { greeting: &'static str }
///
/// async fn greet_server_v1(params: ServerParams<String, App>) -> SyncResult<String> {
///     Ok(format!("{}, {}! This is {}.", params.functions.greeting, params.client_input, params.user.user_id))
/// }
///
/// async fn greet_client_v1(params: ClientParams<String, String, App>) -> SyncResult<Deliver<bool>> {
///     Ok(if params.user.has_role("bot") { Deliver::Skip } else { Deliver::To(true) })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> SyncResult<()> {
/// let stage = Stage::new(Arc::new(App { greeting: "Hello" })).room("hall");
/// let greeting = stage.server(greet_server_v1, "Bob".to_owned()).await?;
/// assert_eq!(greeting, "Hello, Bob! This is ada.");
///
/// let bot = stage.session(Session::user("helper").role("bot"));
/// bot.client(greet_client_v1, "Bob".to_owned(), greeting).await.assert_skipped();
/// # Ok(())
/// # }
/// ```
pub struct Stage<A> {
    pub(crate) functions: Arc<A>,
    pub(crate) user: Arc<Session>,
    pub(crate) room: Arc<str>,
    request: Option<RequestInfo>,
}

impl<A> Clone for Stage<A> {
    fn clone(&self) -> Self {
        Self {
            functions: Arc::clone(&self.functions),
            user: Arc::clone(&self.user),
            room: Arc::clone(&self.room),
            request: self.request.clone(),
        }
    }
}

impl Stage<NoApp> {
    /// Stages that name no app: those whose `functions` are `()`.
    #[must_use]
    pub fn without_app() -> Self {
        Self::new(Arc::new(NoApp))
    }
}

impl<A> Stage<A> {
    /// Stages of an app with this state, which is their `functions`.
    #[must_use]
    pub fn new(app: Arc<A>) -> Self {
        Self { functions: app, user: Arc::new("ada".into_session()), room: "room".into(), request: None }
    }

    /// Called by, or for a recipient with, this session.
    #[must_use]
    pub fn session(&self, who: impl IntoSession) -> Self {
        Self { user: Arc::new(who.into_session()), ..self.clone() }
    }

    /// In this room.
    #[must_use]
    pub fn room(&self, room: &str) -> Self {
        Self { room: room.into(), ..self.clone() }
    }

    /// By this request, instead of one that came on a socket from this machine in the session's language.
    #[must_use]
    pub fn request(&self, request: RequestInfo) -> Self {
        Self { request: Some(request), ..self.clone() }
    }

    /// Calls a server stage.
    ///
    /// # Errors
    /// What the stage returns.
    pub async fn server<I, O, X: AppOf<A, Way>, Way>(
        &self,
        function: impl AsyncFnOnce(ServerParams<I, X>) -> SyncResult<O>,
        input: I,
    ) -> SyncResult<O> {
        let params = ServerParams::new(
            input,
            Arc::clone(&self.user),
            X::of(&self.functions),
            Arc::clone(&self.room),
            self.request_info(),
        );
        function(params).await
    }

    /// Calls a client stage, the session being its recipient's. Payloads that several recipients share may be given
    /// as `Arc`s.
    ///
    /// # Errors
    /// What the stage returns.
    pub async fn client<I, O, C, X: AppOf<A, Way>, Way>(
        &self,
        function: impl AsyncFnOnce(ClientParams<I, O, X>) -> SyncResult<Deliver<C>>,
        input: impl Into<Arc<I>>,
        server_output: impl Into<Arc<O>>,
    ) -> SyncResult<Deliver<C>> {
        let params = ClientParams::new(
            input.into(),
            server_output.into(),
            Arc::clone(&self.user),
            X::of(&self.functions),
            Arc::clone(&self.room),
        );
        function(params).await
    }

    /// Calls a client stage declared by audience, for the audience that the session belongs to by the stage's key
    /// function.
    ///
    /// # Errors
    /// What the stage returns.
    pub async fn audience<I, O, K, C, X: AppOf<A, Way>, Way>(
        &self,
        function: impl AsyncFnOnce(AudienceParams<I, O, K, X>) -> SyncResult<Deliver<C>>,
        key: impl FnOnce(&Session) -> K,
        input: impl Into<Arc<I>>,
        server_output: impl Into<Arc<O>>,
    ) -> SyncResult<Deliver<C>> {
        let params = AudienceParams::new(
            input.into(),
            server_output.into(),
            Arc::new(key(&self.user)),
            X::of(&self.functions),
            Arc::clone(&self.room),
        );
        function(params).await
    }

    pub(crate) fn request_info(&self) -> RequestInfo {
        self.request.clone().unwrap_or_else(|| {
            let locale = self.user.locale.as_deref().unwrap_or("en");
            let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
            RequestInfo::new("request".into(), Transport::Socket, locale.into(), here)
        })
    }
}

/// The state that a stage asks for, taken from an app's: the app's own, or none (`()`), which runs with any app.
///
/// Another app's stage does not compile:
///
/// ```compile_fail,E0277
/// # use {std::sync::Arc, syncline::{ServerParams, SyncResult}, syncline_testkit::Stage};
/// struct App;
/// async fn stage(_: ServerParams<u8, App>) -> SyncResult<u8> { Ok(1) }
/// let call = Stage::new(Arc::new("another app")).server(stage, 1);
/// ```
///
/// `Way` is which of the two, and is inferred. Where the app itself is `()` it would be both: instead of
/// `Stage::new(Arc::new(()))` there is [`Stage::without_app`].
#[diagnostic::on_unimplemented(
    message = "a stage whose `functions` are `{Self}` does not run with the app `{A}`",
    note = "`Stage::new` takes the app's state, as the server's builder does in `functions`"
)]
pub trait AppOf<A, Way>: Sized {
    /// The state.
    fn of(app: &Arc<A>) -> Arc<Self>;
}

/// The app of stages that name none.
#[derive(Clone, Copy, Debug)]
pub struct NoApp;

/// The way of a stage that names the app.
#[derive(Debug)]
pub enum OwnApp {}

/// The way of a stage that names no app.
#[derive(Debug)]
pub enum AnyApp {}

impl<A> AppOf<A, OwnApp> for A {
    fn of(app: &Arc<A>) -> Arc<Self> {
        Arc::clone(app)
    }
}

impl<A> AppOf<A, AnyApp> for () {
    fn of(_: &Arc<A>) -> Arc<Self> {
        Arc::new(())
    }
}
