//! The client stage with its types erased: decoded once per delivery, run for each recipient or each audience.
//!
//! Whom it runs for, and what becomes of its output, is decided in the server's deliver.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    ClientParams, Deliver, Session, SyncResult, TypeInfo,
    audience_stage::{AudienceOf, AudienceStage},
    functions::{AppType, Functions},
    server_stage::{Probe, Validator, decode_input},
    types::{Payload, UnitIsNullUseEmpty},
};

/// What a client stage came to: its output as JSON, or nothing to send.
pub type StageOutput = SyncResult<Option<String>>;

/// A client stage that was not ready at once.
pub type StageFuture = Pin<Box<dyn Future<Output = StageOutput> + Send>>;

/// What a delivery gives to its client stage.
#[derive(Debug)]
pub struct StageInput<'a> {
    /// The event's input, as JSON.
    pub client_input: &'a RawValue,
    /// The server stage's output, as JSON; `{}` where there is none.
    pub server_output: &'a RawValue,
    /// The app's own state.
    pub functions: &'a Functions,
    /// The room.
    pub room_code: Arc<str>,
}

/// A client stage without its types.
pub trait ErasedClient: Send + Sync {
    /// Decodes input and server output, once for all recipients.
    ///
    /// # Errors
    /// `sync.invalidInput` or `sync.internal`, when what crossed the bus does not fit this node's types.
    fn prepare(&self, input: StageInput<'_>) -> SyncResult<ClientStage>;

    /// Checks an input that no server stage has checked.
    ///
    /// # Errors
    /// `sync.invalidInput` when it does not fit.
    fn check_input(&self, input: &RawValue) -> SyncResult<()>;

    /// How recipients are grouped, for a stage declared by audience.
    fn audience(&self) -> Option<Arc<dyn AudienceOf>>;

    /// The type of the input.
    fn input(&self) -> TypeInfo;

    /// The type of the server output that it expects.
    fn server_output(&self) -> TypeInfo;

    /// The type of its own output.
    fn output(&self) -> TypeInfo;

    /// The type of the app's state that the stage wants.
    fn app(&self) -> AppType;
}

/// A client stage ready to run for one delivery's recipients.
#[derive(Clone)]
pub enum ClientStage {
    /// It runs for each recipient.
    Recipient(Arc<dyn RecipientStage>),
    /// It runs for each audience.
    Audience(Arc<dyn AudienceStage>),
}

/// A stage that runs for each recipient of one delivery.
pub trait RecipientStage: Send + Sync {
    /// What runs it for one recipient after the other, reusing its memory.
    fn runner(&self) -> Box<dyn RecipientRunner>;

    /// Starts it for one recipient, to be awaited elsewhere.
    fn start(&self, user: Arc<Session>) -> StageFuture;
}

/// Runs a stage in place, for one recipient after the other.
pub trait RecipientRunner: Send {
    /// Polls the recipient's stage once. Output is written to `out`, which the caller clears.
    fn poll_once(&mut self, user: Arc<Session>, out: &mut Vec<u8>) -> Polled;
}

/// What one poll of a recipient's stage came to.
pub enum Polled {
    /// Send what was written to `out`.
    To,
    /// Send nothing.
    Skip,
    /// Send this error to this recipient.
    Failed(crate::SyncError),
    /// Not ready: to be awaited elsewhere.
    Pending(StageFuture),
}

/// What every recipient of one delivery shares.
pub(crate) struct Shared<F, I, O, A> {
    pub(crate) function: F,
    pub(crate) client_input: Arc<I>,
    pub(crate) server_output: Arc<O>,
    pub(crate) functions: Arc<A>,
    pub(crate) room_code: Arc<str>,
}

impl<F: Copy, I: Payload, O: Payload, A: Send + Sync + 'static> Shared<F, I, O, A> {
    pub(crate) fn decode(function: F, input: &StageInput<'_>) -> SyncResult<Self> {
        Ok(Self {
            function,
            client_input: Arc::new(decode_input(input.client_input)?),
            server_output: Arc::new(serde_json::from_str(input.server_output.get())?),
            functions: input.functions.get()?,
            room_code: Arc::clone(&input.room_code),
        })
    }
}

pub(crate) fn encode<C: Serialize>(outcome: SyncResult<Deliver<C>>) -> StageOutput {
    match outcome? {
        Deliver::To(output) => Ok(Some(serde_json::to_string(&output)?)),
        Deliver::Skip => Ok(None),
    }
}

pub(crate) fn check<I: Payload>(input: &RawValue, validator: Validator<I>) -> SyncResult<()> {
    validator(&decode_input::<I>(input)?)
}

/// The part of both kinds of client functions that has to do with validation.
macro_rules! validation {
    () => {
        /// For the registration macro: `(&stage.probe()).validator()` is garde's where the input derives it.
        pub fn probe(&self) -> Probe<I> {
            Probe::new()
        }

        /// Sets what validates the input of an event without a server stage.
        #[must_use]
        pub fn validated_by(self, validator: fn(&I) -> SyncResult<()>) -> Self {
            Self { validator, ..self }
        }
    };
}

/// What both kinds answer alike: the check of an input, and which types they have.
macro_rules! stage_types {
    () => {
        fn check_input(&self, input: &RawValue) -> SyncResult<()> {
            check::<I>(input, self.validator)
        }

        fn input(&self) -> TypeInfo {
            TypeInfo::of::<I>()
        }

        fn server_output(&self) -> TypeInfo {
            TypeInfo::of::<O>()
        }

        fn output(&self) -> TypeInfo {
            TypeInfo::of::<C>()
        }

        fn app(&self) -> AppType {
            AppType::of::<A>()
        }
    };
}

pub(crate) use {stage_types, validation};

/// The types of a client function, none of which it holds.
pub(crate) type Signature<I, O, C, A, K> = PhantomData<(fn(I, O) -> C, fn(A, K))>;

/// An author's client function with its inferred types.
pub struct ClientFn<F, I, O, C, A> {
    function: F,
    validator: Validator<I>,
    types: Signature<I, O, C, A, ()>,
}

impl<F, I, O, C, A> ClientFn<F, I, O, C, A> {
    /// Infers input, outputs and app from the function's signature.
    pub fn new<Fut, InputWay, OutputWay, ClientWay>(function: F) -> Self
    where
        F: Fn(ClientParams<I, O, A>) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = SyncResult<Deliver<C>>> + Send + 'static,
        I: Payload + UnitIsNullUseEmpty<InputWay>,
        O: Payload + UnitIsNullUseEmpty<OutputWay>,
        C: Payload + UnitIsNullUseEmpty<ClientWay>,
        A: Send + Sync + 'static,
    {
        Self { function, validator: |_| Ok(()), types: PhantomData }
    }

    validation!();
}

impl<F, I, O, C, A, Fut> ErasedClient for ClientFn<F, I, O, C, A>
where
    F: Fn(ClientParams<I, O, A>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = SyncResult<Deliver<C>>> + Send + 'static,
    I: Payload,
    O: Payload,
    C: Payload,
    A: Send + Sync + 'static,
{
    fn prepare(&self, input: StageInput<'_>) -> SyncResult<ClientStage> {
        let shared = Shared::decode(self.function, &input)?;
        Ok(ClientStage::Recipient(Arc::new(Recipients { shared: Arc::new(shared) })))
    }

    fn audience(&self) -> Option<Arc<dyn AudienceOf>> {
        None
    }

    stage_types!();
}

struct Recipients<F, I, O, A> {
    shared: Arc<Shared<F, I, O, A>>,
}

impl<F, I, O, A, C, Fut> Recipients<F, I, O, A>
where
    F: Fn(ClientParams<I, O, A>) -> Fut,
    Fut: Future<Output = SyncResult<Deliver<C>>>,
{
    fn call(shared: &Shared<F, I, O, A>, user: Arc<Session>) -> Fut {
        (shared.function)(ClientParams::new(
            Arc::clone(&shared.client_input),
            Arc::clone(&shared.server_output),
            user,
            Arc::clone(&shared.functions),
            Arc::clone(&shared.room_code),
        ))
    }
}

impl<F, I, O, A, C, Fut> RecipientStage for Recipients<F, I, O, A>
where
    F: Fn(ClientParams<I, O, A>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = SyncResult<Deliver<C>>> + Send + 'static,
    I: Payload,
    O: Payload,
    C: Payload,
    A: Send + Sync + 'static,
{
    fn runner(&self) -> Box<dyn RecipientRunner> {
        Box::new(Runner { shared: Arc::clone(&self.shared), place: None })
    }

    fn start(&self, user: Arc<Session>) -> StageFuture {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { encode(Self::call(&shared, user).await) })
    }
}

struct Runner<F, I, O, A, Fut> {
    shared: Arc<Shared<F, I, O, A>>,
    /// Where recipients' futures run, one after the other: one allocation for all that are ready at once.
    place: Option<Pin<Box<Option<Fut>>>>,
}

impl<F, I, O, A, C, Fut> RecipientRunner for Runner<F, I, O, A, Fut>
where
    F: Fn(ClientParams<I, O, A>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = SyncResult<Deliver<C>>> + Send + 'static,
    I: Payload,
    O: Payload,
    C: Payload,
    A: Send + Sync + 'static,
{
    fn poll_once(&mut self, user: Arc<Session>, out: &mut Vec<u8>) -> Polled {
        let future = Recipients::call(&self.shared, user);
        let mut place = self.place.take().unwrap_or_else(|| Box::pin(None));
        place.as_mut().set(Some(future));
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        let polled = match place.as_mut().as_pin_mut() {
            Some(future) => future.poll(&mut nobody),
            None => Poll::Pending,
        };
        match polled {
            Poll::Ready(outcome) => {
                place.as_mut().set(None);
                self.place = Some(place);
                match outcome {
                    Ok(Deliver::To(output)) => match serde_json::to_writer(out, &output) {
                        Ok(()) => Polled::To,
                        Err(error) => Polled::Failed(error.into()),
                    },
                    Ok(Deliver::Skip) => Polled::Skip,
                    Err(error) => Polled::Failed(error),
                }
            }
            Poll::Pending => Polled::Pending(Box::pin(async move {
                match place.as_mut().as_pin_mut() {
                    Some(future) => encode(future.await),
                    None => Ok(None),
                }
            })),
        }
    }
}
