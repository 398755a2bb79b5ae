//! Client stages declared by audience: run once for each distinct key among the recipients.
//!
//! Keeping the partition of a room by key is the server's.

use std::{
    any::{Any, TypeId},
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
};

use serde_json::value::RawValue;

use crate::{
    AudienceParams, Deliver, Session, SyncResult, TypeInfo,
    client_stage::{
        ClientStage, ErasedClient, Shared, Signature, StageFuture, StageInput, check, encode, stage_types,
        validation,
    },
    functions::AppType,
    server_stage::{Probe, Validator},
    types::{Payload, UnitIsNullUseEmpty},
};

/// A stage that runs for each audience of one delivery.
pub trait AudienceStage: Send + Sync {
    /// Starts it for one key.
    fn start(&self, key: &AudienceKey) -> StageFuture;
}

/// How a stage declared by audience groups sessions.
pub trait AudienceOf: Send + Sync {
    /// Which grouping it is: stages that name the same key function share their groups.
    fn id(&self) -> TypeId;

    /// The key of one session.
    fn key(&self, session: &Session) -> AudienceKey;
}

/// A key of an audience, its type erased. Equal when the typed keys are equal.
#[derive(Clone)]
pub struct AudienceKey {
    hash: u64,
    key: Arc<dyn AnyKey>,
}

trait AnyKey: Any + Send + Sync {
    fn equals(&self, other: &dyn AnyKey) -> bool;
}

impl<K: Eq + Send + Sync + 'static> AnyKey for K {
    fn equals(&self, other: &dyn AnyKey) -> bool {
        (other as &dyn Any).downcast_ref::<K>().is_some_and(|other| self == other)
    }
}

impl AudienceKey {
    pub(crate) fn new<K: Hash + Eq + Send + Sync + 'static>(key: K) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self { hash: hasher.finish(), key: Arc::new(key) }
    }

    /// A number that equal keys share, on every node of one build: for entity tags.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.hash
    }

    pub(crate) fn get<K: Send + Sync + 'static>(&self) -> Option<Arc<K>> {
        (Arc::clone(&self.key) as Arc<dyn Any + Send + Sync>).downcast().ok()
    }
}

impl PartialEq for AudienceKey {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.key.equals(&*other.key)
    }
}

impl Eq for AudienceKey {}

impl Hash for AudienceKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl std::fmt::Debug for AudienceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AudienceKey({:x})", self.hash)
    }
}

/// An author's client function declared by audience, with its inferred types.
pub struct AudienceFn<F, K, G, I, O, C, A> {
    function: F,
    key: G,
    validator: Validator<I>,
    types: Signature<I, O, C, A, K>,
}

impl<F, K, G, I, O, C, A> AudienceFn<F, K, G, I, O, C, A> {
    /// Infers input, outputs, key and app from the two functions' signatures.
    pub fn new<Fut, InputWay, OutputWay, ClientWay>(function: F, key: G) -> Self
    where
        F: Fn(AudienceParams<I, O, K, A>) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = SyncResult<Deliver<C>>> + Send + 'static,
        G: Fn(&Session) -> K + Copy + Send + Sync + 'static,
        K: Hash + Eq + Send + Sync + 'static,
        I: Payload + UnitIsNullUseEmpty<InputWay>,
        O: Payload + UnitIsNullUseEmpty<OutputWay>,
        C: Payload + UnitIsNullUseEmpty<ClientWay>,
        A: Send + Sync + 'static,
    {
        Self { function, key, validator: |_| Ok(()), types: PhantomData }
    }

    validation!();
}

impl<F, K, G, I, O, C, A, Fut> ErasedClient for AudienceFn<F, K, G, I, O, C, A>
where
    F: Fn(AudienceParams<I, O, K, A>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = SyncResult<Deliver<C>>> + Send + 'static,
    G: Fn(&Session) -> K + Copy + Send + Sync + 'static,
    K: Hash + Eq + Send + Sync + 'static,
    I: Payload,
    O: Payload,
    C: Payload,
    A: Send + Sync + 'static,
{
    fn prepare(&self, input: StageInput<'_>) -> SyncResult<ClientStage> {
        let shared = Shared::decode(self.function, &input)?;
        Ok(ClientStage::Audience(Arc::new(Audiences::<_, K, _, _, _> {
            shared: Arc::new(shared),
            key: PhantomData,
        })))
    }

    fn audience(&self) -> Option<Arc<dyn AudienceOf>> {
        Some(Arc::new(KeyFn { key: self.key, keys: PhantomData }))
    }

    stage_types!();
}

struct Audiences<F, K, I, O, A> {
    shared: Arc<Shared<F, I, O, A>>,
    key: PhantomData<fn(K)>,
}

impl<F, K, I, O, A, C, Fut> AudienceStage for Audiences<F, K, I, O, A>
where
    F: Fn(AudienceParams<I, O, K, A>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = SyncResult<Deliver<C>>> + Send + 'static,
    K: Send + Sync + 'static,
    I: Payload,
    O: Payload,
    C: Payload,
    A: Send + Sync + 'static,
{
    fn start(&self, key: &AudienceKey) -> StageFuture {
        let shared = Arc::clone(&self.shared);
        let key = key.get::<K>();
        Box::pin(async move {
            let Some(audience) = key else { return Ok(None) };
            encode(
                (shared.function)(AudienceParams::new(
                    Arc::clone(&shared.client_input),
                    Arc::clone(&shared.server_output),
                    audience,
                    Arc::clone(&shared.functions),
                    Arc::clone(&shared.room_code),
                ))
                .await,
            )
        })
    }
}

struct KeyFn<G, K> {
    key: G,
    keys: PhantomData<fn() -> K>,
}

impl<G, K> AudienceOf for KeyFn<G, K>
where
    G: Fn(&Session) -> K + Copy + Send + Sync + 'static,
    K: Hash + Eq + Send + Sync + 'static,
{
    fn id(&self) -> TypeId {
        TypeId::of::<G>()
    }

    fn key(&self, session: &Session) -> AudienceKey {
        AudienceKey::new((self.key)(session))
    }
}
