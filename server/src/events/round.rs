//! One delivery to the members of its room on this node.
//!
//! Each recipient's client stage is polled once in place; one that is pending moves that recipient into a lane of its
//! own. Equal outputs are encoded once. Recipients are exact: nobody gets an event that its stage did not see, and
//! nobody who has left in between.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::{FutureExt as _, future::Shared, poll};
use syncline::{
    ClientHandler, Functions, Registry, Route, SyncError, SyncResult, codes,
    run::{
        AudienceOf, AudienceStage, ClientStage, Delivery, Exclude, Polled, RecipientStage, StageInput,
        StageOutput, SyncEvent,
    },
};

use super::{
    direct::Frame,
    frames::Frames,
    group::Group,
    lanes::{LaneStep, Pushed},
    member::{Member, Standing},
    members::{Members, Occupancy},
    verdict,
    way_out::WayOut,
};
use crate::{error::Errors, observe::Metrics};

/// How long one recipient's stage may take once it waits in a lane.
const STAGE_TIMEOUT: Duration = Duration::from_secs(1);

/// The client output of an event that has no client stage.
const NO_OUTPUT: &str = "{}";

/// What delivering needs.
pub(crate) struct Node {
    pub(crate) registry: Arc<Registry>,
    pub(crate) functions: Functions,
    pub(crate) members: Arc<Members>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) metrics: Arc<Metrics>,
    /// How many deliveries of one room may be queued in a row.
    pub(crate) burst: usize,
}

/// Delivers to everybody in the room who wants it.
pub(crate) async fn deliver(delivery: &Arc<Delivery>, way_out: &mut WayOut) {
    let node = Arc::clone(&way_out.node);
    let Some(route) = node.registry.get(&delivery.name, &delivery.version) else {
        // Another node may run a newer version of the app.
        tracing::warn!(
            name = &*delivery.name,
            version = &*delivery.version,
            "a delivery of an event unknown here"
        );
        return;
    };
    way_out.pause_before(node.members.count(&delivery.room)).await;
    let event = SyncEvent::new(route.name(), route.version(), &delivery.room);
    let mut round = Round {
        shared: Arc::new(RoundShared { node: Arc::clone(&node), delivery: Arc::clone(delivery), event }),
        route,
        occupancy: None,
        way_out,
    };
    match route.client() {
        None => round.everyone().await,
        Some(handler) => round.stage(handler).await,
    }
}

/// What lanes need of a round after it has moved on.
struct RoundShared {
    node: Arc<Node>,
    delivery: Arc<Delivery>,
    event: SyncEvent,
}

struct Round<'a> {
    shared: Arc<RoundShared>,
    route: &'a Route,
    occupancy: Option<Occupancy>,
    way_out: &'a mut WayOut,
}

/// A client stage's output for all of an audience, once it is there.
type SharedOutput = Shared<std::pin::Pin<Box<dyn Future<Output = Arc<StageOutput>> + Send>>>;

impl Round<'_> {
    async fn everyone(&mut self) {
        let Some((occupancy, members)) = self.shared.node.members.room(&self.shared.delivery.room) else {
            return;
        };
        self.look_at(occupancy, std::slice::from_ref(&members));
        let shared = Arc::clone(&self.shared);
        let frame = Frame::from(shared.event.success(&shared.delivery.server_output, NO_OUTPUT));
        self.send_to_all(&members, &frame).await;
    }

    async fn stage(&mut self, handler: &ClientHandler) {
        let shared = Arc::clone(&self.shared);
        let prepared = handler.stage.prepare(StageInput {
            client_input: &shared.delivery.client_input,
            server_output: &shared.delivery.server_output,
            functions: &shared.node.functions,
            room_code: Arc::clone(&shared.delivery.room),
        });
        match (prepared, &handler.audience) {
            (Ok(ClientStage::Audience(stage)), Some(audience)) => {
                self.audiences(&*stage, audience, handler).await;
            }
            (Ok(ClientStage::Recipient(stage)), _) => self.recipients(&stage, handler).await,
            (Ok(ClientStage::Audience(_)), None) => {}
            (Err(error), _) => {
                tracing::error!(?error, event = %self.route.event(), "a delivery does not fit this node's types");
            }
        }
    }

    async fn recipients(&mut self, stage: &Arc<dyn RecipientStage>, handler: &ClientHandler) {
        let Some((occupancy, members)) = self.shared.node.members.room(&self.shared.delivery.room) else {
            return;
        };
        self.look_at(occupancy, std::slice::from_ref(&members));
        let shared = Arc::clone(&self.shared);
        let mut frames = Frames::new(&shared.event, &shared.delivery.server_output);
        let mut runner = stage.runner();
        let mut out = Vec::new();
        self.way_out.open(&members);
        for (place, member) in members.values().enumerate() {
            self.way_out.breathe().await;
            if !self.wants(member) {
                continue;
            }
            if member.lanes.is_open(&shared.delivery.room) {
                let (stage, recipient) = (Arc::clone(stage), Arc::clone(member));
                let run = async move { stage.start(recipient.session()).await };
                self.put_in_lane(member, shared.clone().stage_step(Arc::clone(member), run));
                continue;
            }
            out.clear();
            let polled = catch_unwind(AssertUnwindSafe(|| runner.poll_once(member.session(), &mut out)));
            match polled {
                Ok(Polled::To) => match frames.get(&out) {
                    Ok(frame) => self.way_out.send(place, member, Cow::Owned(frame)),
                    Err(error) => {
                        self.fail(member, &verdict::declared(self.route, handler.registration(), error));
                    }
                },
                Ok(Polled::Skip) => shared.node.metrics.filtered.increment(1),
                Ok(Polled::Failed(error)) => {
                    self.fail(member, &verdict::declared(self.route, handler.registration(), error));
                }
                Ok(Polled::Pending(run)) => {
                    self.put_in_lane(member, shared.clone().stage_step(Arc::clone(member), run));
                }
                Err(panic) => {
                    self.fail(member, &verdict::panicked(self.route, handler.registration(), &*panic));
                    runner = stage.runner();
                }
            }
        }
        self.way_out.close();
    }

    async fn audiences(
        &mut self,
        stage: &dyn AudienceStage,
        audience: &Arc<dyn AudienceOf>,
        handler: &ClientHandler,
    ) {
        let shared = Arc::clone(&self.shared);
        let Some((occupancy, groups)) = shared.node.members.audiences(&shared.delivery.room, audience) else {
            return;
        };
        self.look_at(occupancy, &groups);
        let mut frames = Frames::new(&shared.event, &shared.delivery.server_output);
        for (key, group) in groups.iter().filter_map(|group| Some((group.key()?, group))) {
            if !group.values().any(|member| self.wants(member)) {
                continue;
            }
            let mut run = AssertUnwindSafe(stage.start(key)).catch_unwind();
            match poll!(&mut run) {
                Poll::Ready(finished) => {
                    let output = finished
                        .map_err(|panic| verdict::panicked(self.route, handler.registration(), &*panic))
                        .and_then(|output| {
                            output
                                .map_err(|error| verdict::declared(self.route, handler.registration(), error))
                        })
                        .and_then(|output| output.map(|output| frames.get(output.as_bytes())).transpose());
                    self.send_output(group, output).await;
                }
                Poll::Pending => {
                    let late = Arc::clone(&shared);
                    let output: SharedOutput =
                        async move { Arc::new(late.settle(run).await) }.boxed().shared();
                    for member in group.values() {
                        if self.wants(member) {
                            let step = Arc::clone(&shared).shared_step(Arc::clone(member), output.clone());
                            self.put_in_lane(member, step);
                        }
                    }
                }
            }
        }
    }

    async fn send_output(&mut self, group: &Group, output: SyncResult<Option<Frame>>) {
        match output {
            Ok(Some(frame)) => self.send_to_all(group, &frame).await,
            Ok(None) => {
                let filtered = group.values().filter(|member| self.wants(member)).count();
                self.shared.node.metrics.filtered.increment(filtered as u64);
            }
            Err(error) => {
                for member in group.values() {
                    if self.wants(member) {
                        self.fail(member, &error);
                    }
                }
            }
        }
    }

    async fn send_to_all(&mut self, members: &Group, frame: &Frame) {
        self.way_out.open(members);
        for (place, member) in members.values().enumerate() {
            self.way_out.breathe().await;
            if !self.wants(member) {
                continue;
            }
            if member.lanes.is_open(&self.shared.delivery.room) {
                let (shared, recipient, frame) =
                    (Arc::clone(&self.shared), Arc::clone(member), frame.clone());
                self.put_in_lane(member, Box::pin(async move { shared.node.emit(&recipient, frame) }));
            } else {
                self.way_out.send(place, member, Cow::Borrowed(frame));
            }
        }
        self.way_out.close();
    }

    fn look_at(&mut self, occupancy: Occupancy, groups: &[Group]) {
        self.way_out.look_at(&occupancy, groups);
        self.occupancy = Some(occupancy);
    }

    /// Sends a member an error in place of the event.
    fn fail(&mut self, member: &Member, error: &SyncError) {
        self.way_out.flush_to(member);
        self.shared.fail(member, error);
    }

    /// Whether this member is to get the event now: it is open, was not left out, and is still in the room.
    fn wants(&self, member: &Member) -> bool {
        if member.standing() != Standing::Open {
            return false;
        }
        let left_out = match &self.shared.delivery.exclude {
            Exclude::Nobody => false,
            Exclude::Socket(name) => member.name == *name,
            Exclude::User(user) => member.session().user_id == **user,
        };
        let unchanged = self.occupancy.as_ref().is_some_and(Occupancy::is_unchanged);
        !left_out && (unchanged || self.shared.node.members.is_in(member.id, &self.shared.delivery.room))
    }

    fn put_in_lane(&mut self, member: &Arc<Member>, step: LaneStep) {
        // The lane's task knows nothing of what was put together before it.
        self.way_out.flush_to(member);
        let room = &self.shared.delivery.room;
        match member.lanes.push(room, step) {
            Pushed::Queued => {}
            Pushed::Opened => {
                let (member, room) = (Arc::clone(member), Arc::clone(room));
                tokio::spawn(async move {
                    while let Some(step) = member.lanes.next(&room) {
                        step.await;
                    }
                });
            }
            Pushed::Full => {
                self.shared.node.metrics.dropped.increment(1);
                self.shared.fail(member, &codes::TIMEOUT.into());
            }
        }
    }
}

impl RoundShared {
    /// A lane's step that runs a recipient's stage and sends what it comes to.
    fn stage_step(
        self: Arc<Self>,
        member: Arc<Member>,
        run: impl Future<Output = StageOutput> + Send + 'static,
    ) -> LaneStep {
        Box::pin(async move {
            let output = self.settle(AssertUnwindSafe(run).catch_unwind()).await;
            self.send_late(&member, &output);
        })
    }

    /// A lane's step that waits for an audience's output and sends it.
    fn shared_step(self: Arc<Self>, member: Arc<Member>, output: SharedOutput) -> LaneStep {
        Box::pin(async move {
            let output = output.await;
            self.send_late(&member, &output);
        })
    }

    /// Waits for a stage within its time and judges what it came to.
    async fn settle(
        &self,
        run: impl Future<Output = Result<StageOutput, Box<dyn std::any::Any + Send>>>,
    ) -> StageOutput {
        let route = self.node.registry.get(&self.delivery.name, &self.delivery.version);
        let Some((route, handler)) = route.and_then(|route| Some((route, route.client()?))) else {
            return Ok(None);
        };
        match tokio::time::timeout(STAGE_TIMEOUT, run).await {
            Ok(Ok(output)) => output.map_err(|error| verdict::declared(route, handler.registration(), error)),
            Ok(Err(panic)) => Err(verdict::panicked(route, handler.registration(), &*panic)),
            Err(_elapsed) => {
                tracing::warn!(handler = handler.registration().function, "a client stage took too long");
                Err(codes::TIMEOUT.into())
            }
        }
    }

    fn send_late(&self, member: &Member, output: &StageOutput) {
        if member.standing() != Standing::Open || !self.node.members.is_in(member.id, &self.delivery.room) {
            return;
        }
        match output {
            Ok(Some(output)) => {
                let event = self.event.success(&self.delivery.server_output, output);
                self.node.emit(member, Frame::from(event));
            }
            Ok(None) => self.node.metrics.filtered.increment(1),
            Err(error) => self.fail(member, error),
        }
    }

    fn fail(&self, member: &Member, error: &SyncError) {
        self.node.metrics.failed.increment(1);
        self.node.metrics.error(error.code());
        match self.event.error(&self.node.errors.envelope(error, member.locale())) {
            Ok(event) => {
                self.node.queue(member, Frame::from(event));
            }
            Err(error) => tracing::error!(%error, "an error could not be encoded"),
        }
    }
}
