//! The server stage with its types erased: from JSON in, through the author's function, to JSON out.
//!
//! Who may call it, how often and for how long is decided around it, in the server's dispatch.

use std::{any::TypeId, future::Future, marker::PhantomData, pin::Pin, sync::Arc};

use serde_json::value::{RawValue, to_raw_value};

use crate::{
    RequestInfo, ServerParams, Session, SyncError, SyncResult, TypeInfo, codes,
    functions::{AppType, Functions},
    types::{Payload, UnitIsNullUseEmpty},
};

/// A running server stage; it resolves to its output as JSON.
pub type ServerFuture = Pin<Box<dyn Future<Output = SyncResult<Box<RawValue>>> + Send>>;

/// What a server stage is called with.
#[derive(Debug)]
pub struct ServerCall<'a> {
    /// The event's input, as JSON.
    pub input: &'a RawValue,
    /// The caller.
    pub user: Arc<Session>,
    /// The app's own state.
    pub functions: &'a Functions,
    /// The room.
    pub room_code: Arc<str>,
    /// The request.
    pub request: RequestInfo,
}

/// A server stage without its types.
pub trait ErasedServer: Send + Sync {
    /// Decodes and validates the input and starts the stage, which does not run before it is polled.
    ///
    /// # Errors
    /// `sync.invalidInput` when the input does not fit.
    fn start(&self, call: ServerCall<'_>) -> SyncResult<ServerFuture>;

    /// The type of the input.
    fn input(&self) -> TypeInfo;

    /// The type of the output.
    fn output(&self) -> TypeInfo;

    /// The type of the app's state that the stage wants.
    fn app(&self) -> AppType;
}

/// Checks a decoded input: where it is wrong and why.
pub(crate) type Validator<I> = fn(&I) -> Result<(), SyncError>;

/// An author's server function with its inferred types.
pub struct ServerFn<F, I, O, A> {
    function: F,
    validator: Validator<I>,
    types: PhantomData<fn(I, A) -> O>,
}

impl<F, I, O, A> ServerFn<F, I, O, A> {
    /// Infers input, output and app from the function's signature.
    pub fn new<Fut, InputWay, OutputWay>(function: F) -> Self
    where
        F: Fn(ServerParams<I, A>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = SyncResult<O>> + Send + 'static,
        I: Payload + UnitIsNullUseEmpty<InputWay>,
        O: Payload + UnitIsNullUseEmpty<OutputWay>,
        A: Send + Sync + 'static,
    {
        Self { function, validator: |_| Ok(()), types: PhantomData }
    }

    /// For the registration macro: `(&stage.probe()).validator()` is garde's where the input derives it.
    pub fn probe(&self) -> Probe<I> {
        Probe::new()
    }

    /// Sets what validates a decoded input.
    #[must_use]
    pub fn validated_by(self, validator: fn(&I) -> Result<(), SyncError>) -> Self {
        Self { validator, ..self }
    }
}

impl<F, I, O, A, Fut> ErasedServer for ServerFn<F, I, O, A>
where
    F: Fn(ServerParams<I, A>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = SyncResult<O>> + Send + 'static,
    I: Payload,
    O: Payload,
    A: Send + Sync + 'static,
{
    fn start(&self, call: ServerCall<'_>) -> SyncResult<ServerFuture> {
        let input = decode_input::<I>(call.input)?;
        (self.validator)(&input)?;
        let functions = call.functions.get::<A>()?;
        let running =
            (self.function)(ServerParams::new(input, call.user, functions, call.room_code, call.request));
        Ok(Box::pin(async move { Ok(to_raw_value(&running.await?)?) }))
    }

    fn input(&self) -> TypeInfo {
        TypeInfo::of::<I>()
    }

    fn output(&self) -> TypeInfo {
        TypeInfo::of::<O>()
    }

    fn app(&self) -> AppType {
        AppType { id: TypeId::of::<A>(), name: std::any::type_name::<A>() }
    }
}

/// Deserializes an event's input; what fails names the path of the field.
pub(crate) fn decode_input<I: Payload>(input: &RawValue) -> SyncResult<I> {
    let mut json = serde_json::Deserializer::from_str(input.get());
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        invalid_input(&path, &without_position(&error.inner().to_string()))
    })
}

fn invalid_input(path: &str, reason: &str) -> SyncError {
    codes::INVALID_INPUT.with("path", path).with("reason", reason)
}

/// serde_json ends its messages with a line and column of the raw text, which mean nothing to the caller.
fn without_position(reason: &str) -> String {
    match reason.rfind(" at line ") {
        Some(at) => reason[..at].to_owned(),
        None => reason.to_owned(),
    }
}

/// Tells whether an input type has a `garde` derive, by which of the two traits below its method comes from: the
/// one on `Probe` itself is found first, the one on `&Probe` only where the first does not apply.
#[derive(Debug)]
pub struct Probe<I>(PhantomData<fn(I)>);

impl<I> Probe<I> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

/// Inputs with a `garde` derive.
pub trait Validated<I> {
    /// Runs garde.
    fn validator(&self) -> fn(&I) -> Result<(), SyncError>;
}

impl<I: garde::Validate<Context: Default>> Validated<I> for Probe<I> {
    fn validator(&self) -> fn(&I) -> Result<(), SyncError> {
        |input| match input.validate() {
            Ok(()) => Ok(()),
            Err(report) => Err(match report.iter().next() {
                Some((path, error)) => invalid_input(&path.to_string(), error.message()),
                None => invalid_input("", "invalid"),
            }),
        }
    }
}

/// Inputs without one.
pub trait Unvalidated<I> {
    /// Passes everything.
    fn validator(&self) -> fn(&I) -> Result<(), SyncError>;
}

impl<I> Unvalidated<I> for &Probe<I> {
    fn validator(&self) -> fn(&I) -> Result<(), SyncError> {
        |_| Ok(())
    }
}
