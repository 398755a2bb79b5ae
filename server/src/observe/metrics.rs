//! All metrics, by name. Each is registered, at zero, when the server starts; none has a label per room or user.

mod documents;
mod replication;
mod webhooks;
mod workspaces;
mod ws;

use std::{sync::Arc, time::Duration};

pub(crate) use documents::{DocumentMetrics, DocumentRoute};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
pub(crate) use replication::ReplicationMetrics;
use syncline::{ErrorCode, Registry, RouteId, codes};
pub(crate) use webhooks::WebhookMetrics;
pub(crate) use workspaces::{WorkspaceMetrics, WorkspaceRoute};
pub(crate) use ws::{SnapshotMetrics, SnapshotRoute, WsMetrics, WsSystem};

/// From a hundred microseconds to ten seconds, in seconds.
const LATENCY_BUCKETS: [f64; 12] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

/// The handles. Counting is an atomic addition; nothing is looked up by name.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    routes: Vec<RouteMetrics>,
    errors: Vec<(&'static str, Counter)>,
    pub(crate) sent: Counter,
    pub(crate) filtered: Counter,
    pub(crate) failed: Counter,
    pub(crate) dropped: Counter,
    pub(crate) inbox: Gauge,
    pub(crate) room_queue: Gauge,
    pub(crate) slow_consumers: Counter,
    pub(crate) abusers: Counter,
    pub(crate) sockets: Gauge,
    pub(crate) rooms: Gauge,
    pub(crate) connects: Counter,
    pub(crate) connects_refused: Counter,
    pub(crate) handshakes_refused: Counter,
    pub(crate) unheard_errors: Counter,
    pub(crate) bus_publishes: Counter,
    pub(crate) bus_failures: Counter,
    pub(crate) bus_received: Counter,
    pub(crate) bus_missed: Counter,
    pub(crate) bus_late: Counter,
    pub(crate) bus_malformed: Counter,
    pub(crate) bus_gaps: Counter,
    pub(crate) rooms_http: RoomMetrics,
    pub(crate) snapshots: SnapshotMetrics,
    pub(crate) webhooks: WebhookMetrics,
    snapshot_routes: [RouteMetrics; SnapshotRoute::LABELS.len()],
    pub(crate) workspaces: WorkspaceMetrics,
    pub(crate) replication: ReplicationMetrics,
    pub(crate) documents: DocumentMetrics,
    document_routes: [RouteMetrics; DocumentRoute::LABELS.len()],
    workspace_routes: [RouteMetrics; WorkspaceRoute::LABELS.len()],
    ws: [WsMetrics; WsSystem::ALL.len()],
}

/// What is counted of rooms (the state over HTTP; `rooms` above are those of sockets).
pub(crate) struct RoomMetrics {
    routes: [RouteMetrics; 4],
    pub(crate) streams: Gauge,
    pub(crate) streams_refused: Counter,
    pub(crate) swept: Counter,
    pub(crate) storage_failures: Counter,
    pub(crate) gaps: Counter,
}

/// The requests of rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoomRoute {
    Get,
    Put,
    Delete,
    Stream,
}

/// One more at that gauge, until it is dropped.
pub(crate) struct Level(Gauge);

impl Level {
    pub(crate) fn up(gauge: &Gauge) -> Self {
        gauge.increment(1);
        Self(gauge.clone())
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

struct RouteMetrics {
    success: Counter,
    client_error: Counter,
    server_error: Counter,
    seconds: Histogram,
}

impl Metrics {
    /// `more_codes` are those that no handler declares, `ends` the words for why a plain WebSocket ends.
    pub(crate) fn new(registry: &Registry, more_codes: &[ErrorCode], ends: &[&'static str]) -> Arc<Self> {
        let builder = PrometheusBuilder::new();
        let recorder = match builder.set_buckets(&LATENCY_BUCKETS) {
            Ok(builder) => builder.build_recorder(),
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        let (routes, errors) = with_local_recorder(&recorder, || {
            let routes =
                registry.routes().iter().map(|route| RouteMetrics::new(&route.event().to_string())).collect();
            let declared = registry.routes().iter().flat_map(|route| route.errors().iter());
            let mut errors: Vec<&'static str> =
                declared.chain(codes::ALL).chain(more_codes).map(ErrorCode::code).collect();
            errors.sort_unstable();
            errors.dedup();
            let errors = errors
                .into_iter()
                .map(|code| (code, counter!("syncline_errors_total", "code" => code)))
                .collect();
            (routes, errors)
        });
        with_local_recorder(&recorder, describe);
        let deliveries = |outcome: &'static str| {
            with_local_recorder(&recorder, || counter!("syncline_deliveries_total", "outcome" => outcome))
        };
        let count = |name: &'static str| with_local_recorder(&recorder, || counter!(name));
        let level = |name: &'static str| with_local_recorder(&recorder, || gauge!(name));
        let metrics = Self {
            routes,
            errors,
            sent: deliveries("sent"),
            filtered: deliveries("filtered"),
            failed: deliveries("failed"),
            dropped: deliveries("dropped"),
            inbox: level("syncline_inbox_events"),
            room_queue: level("syncline_room_queue_deliveries"),
            slow_consumers: count("syncline_slow_consumers_total"),
            abusers: count("syncline_abusers_total"),
            sockets: level("syncline_sockets"),
            rooms: level("syncline_rooms"),
            connects: count("syncline_connects_total"),
            connects_refused: count("syncline_connects_refused_total"),
            handshakes_refused: count("syncline_handshakes_refused_total"),
            unheard_errors: count("syncline_unheard_errors_total"),
            bus_publishes: count("syncline_bus_publishes_total"),
            bus_failures: count("syncline_bus_failures_total"),
            bus_received: count("syncline_bus_received_total"),
            bus_missed: count("syncline_bus_missed_total"),
            bus_late: count("syncline_bus_late_total"),
            bus_malformed: count("syncline_bus_malformed_total"),
            bus_gaps: count("syncline_bus_gaps_total"),
            rooms_http: with_local_recorder(&recorder, RoomMetrics::new),
            snapshots: with_local_recorder(&recorder, SnapshotMetrics::new),
            webhooks: with_local_recorder(&recorder, WebhookMetrics::new),
            snapshot_routes: with_local_recorder(&recorder, || SnapshotRoute::LABELS.map(RouteMetrics::new)),
            workspaces: with_local_recorder(&recorder, WorkspaceMetrics::new),
            replication: with_local_recorder(&recorder, ReplicationMetrics::new),
            documents: with_local_recorder(&recorder, DocumentMetrics::new),
            document_routes: with_local_recorder(&recorder, || DocumentRoute::LABELS.map(RouteMetrics::new)),
            workspace_routes: with_local_recorder(&recorder, || {
                WorkspaceRoute::LABELS.map(RouteMetrics::new)
            }),
            ws: with_local_recorder(&recorder, || WsSystem::ALL.map(|system| WsMetrics::new(system, ends))),
            recorder,
        };
        metrics.register_at_zero();
        Arc::new(metrics)
    }

    /// A handle that renders them for Prometheus.
    pub(crate) fn handle(&self) -> PrometheusHandle {
        self.recorder.handle()
    }

    /// Counts a request that reached a route, or its error.
    pub(crate) fn request(&self, route: Option<RouteId>, took: Duration, error: Option<ErrorCode>) {
        if let Some(route) = route.and_then(|id| self.routes.get(id.0)) {
            route.count(took, error);
        }
        if let Some(code) = error {
            self.error(code);
        }
    }

    /// Counts a request to a room.
    pub(crate) fn room_request(&self, route: RoomRoute, took: Duration, error: Option<ErrorCode>) {
        self.rooms_http.routes[route as usize].count(took, error);
        if let Some(code) = error {
            self.error(code);
        }
    }

    /// Counts a request to a snapshot.
    pub(crate) fn snapshot_request(&self, route: SnapshotRoute, took: Duration, error: Option<ErrorCode>) {
        self.snapshot_routes[route as usize].count(took, error);
        if let Some(code) = error {
            self.error(code);
        }
    }

    /// Counts a request to a workspace.
    pub(crate) fn workspace_request(&self, route: WorkspaceRoute, took: Duration, error: Option<ErrorCode>) {
        self.workspace_routes[route as usize].count(took, error);
        if let Some(code) = error {
            self.error(code);
        }
    }

    /// Counts a request to a document.
    pub(crate) fn document_request(&self, route: DocumentRoute, took: Duration, error: Option<ErrorCode>) {
        self.document_routes[route as usize].count(took, error);
        if let Some(code) = error {
            self.error(code);
        }
    }

    /// What is counted of a system's plain WebSockets.
    pub(crate) fn ws(&self, system: WsSystem) -> &WsMetrics {
        &self.ws[system as usize]
    }

    /// Counts an error that was answered.
    pub(crate) fn error(&self, code: ErrorCode) {
        if let Ok(index) = self.errors.binary_search_by_key(&code.code(), |(code, _)| code) {
            self.errors[index].1.increment(1);
        }
    }

    fn register_at_zero(&self) {
        let routes = self.routes.iter().chain(&self.rooms_http.routes).chain(&self.snapshot_routes);
        let routes = routes.chain(&self.workspace_routes).chain(&self.document_routes);
        let counters = routes.flat_map(|route| [&route.success, &route.client_error, &route.server_error]);
        let counters = counters.chain(self.errors.iter().map(|(_, counter)| counter)).chain([
            &self.sent,
            &self.filtered,
            &self.failed,
            &self.dropped,
            &self.slow_consumers,
            &self.abusers,
            &self.connects,
            &self.connects_refused,
            &self.handshakes_refused,
            &self.unheard_errors,
            &self.bus_publishes,
            &self.bus_failures,
            &self.bus_received,
            &self.bus_missed,
            &self.bus_late,
            &self.bus_malformed,
            &self.bus_gaps,
            &self.rooms_http.streams_refused,
            &self.rooms_http.swept,
            &self.rooms_http.storage_failures,
            &self.rooms_http.gaps,
        ]);
        let counters = counters.chain(self.snapshots.counters()).chain(self.webhooks.counters());
        let counters = counters.chain(self.workspaces.counters()).chain(self.documents.counters());
        let counters = counters.chain(self.replication.counters());
        for counter in counters.chain(self.ws.iter().flat_map(WsMetrics::counters)) {
            counter.absolute(0);
        }
        let gauges = [
            &self.inbox,
            &self.room_queue,
            &self.sockets,
            &self.rooms,
            &self.rooms_http.streams,
            &self.workspaces.live,
            &self.documents.open,
            &self.documents.unsaved,
            &self.replication.connected,
            &self.replication.queued,
        ];
        for gauge in gauges.into_iter().chain(self.ws.iter().map(|ws| &ws.active)) {
            gauge.set(0);
        }
    }
}

impl RoomMetrics {
    fn new() -> Self {
        let room = "/api/rooms/{room_id}";
        Self {
            routes: [
                format!("GET {room}"),
                format!("PUT {room}"),
                format!("DELETE {room}"),
                format!("GET {room}/stream"),
            ]
            .map(|route| RouteMetrics::new(&route)),
            streams: gauge!("syncline_room_streams"),
            streams_refused: counter!("syncline_room_streams_refused_total"),
            swept: counter!("syncline_rooms_swept_total"),
            storage_failures: counter!("syncline_records_failures_total"),
            gaps: counter!("syncline_records_gaps_total"),
        }
    }
}

impl RouteMetrics {
    fn count(&self, took: Duration, error: Option<ErrorCode>) {
        self.seconds.record(took);
        match error {
            None => self.success.increment(1),
            Some(code) if code.http_status() < 500 => self.client_error.increment(1),
            Some(_) => self.server_error.increment(1),
        }
    }

    fn new(route: &str) -> Self {
        let outcome = |outcome: &'static str| counter!("syncline_requests_total", "route" => route.to_owned(), "outcome" => outcome);
        Self {
            success: outcome("success"),
            client_error: outcome("client_error"),
            server_error: outcome("server_error"),
            seconds: histogram!("syncline_request_seconds", "route" => route.to_owned()),
        }
    }
}

/// Folds recorded samples into their histograms now and then, so that memory does not wait for somebody to scrape.
pub(crate) async fn upkeep(metrics: Arc<Metrics>) {
    let handle = metrics.handle();
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

fn describe() {
    webhooks::describe();
    ws::describe();
    workspaces::describe();
    documents::describe();
    replication::describe();
    use metrics::{describe_counter as counter, describe_gauge as gauge, describe_histogram as histogram};
    counter!("syncline_requests_total", "Requests by route and outcome");
    histogram!("syncline_request_seconds", "From a request's arrival to its answer");
    counter!("syncline_errors_total", "Errors answered, by code");
    counter!("syncline_deliveries_total", "Recipients reached, filtered out, failed, or dropped at a bound");
    gauge!("syncline_inbox_events", "Events that wait in sockets' inboxes");
    gauge!("syncline_room_queue_deliveries", "Deliveries that wait in rooms' queues");
    counter!("syncline_slow_consumers_total", "Sockets evicted because their queue was full");
    counter!("syncline_abusers_total", "Sockets disconnected for going on when refused");
    gauge!("syncline_sockets", "Connected sockets");
    gauge!("syncline_rooms", "Rooms with a member on this node");
    counter!("syncline_connects_total", "Sockets that connected");
    counter!("syncline_connects_refused_total", "Sockets refused at the handshake");
    counter!("syncline_handshakes_refused_total", "Handshakes refused because too many were under way");
    counter!("syncline_unheard_errors_total", "Errors of requests that asked for no acknowledgement");
    counter!("syncline_bus_publishes_total", "Deliveries handed to the bus");
    counter!("syncline_bus_failures_total", "Deliveries that the bus could not publish");
    counter!("syncline_bus_received_total", "Deliveries that came from other nodes");
    counter!(
        "syncline_bus_missed_total",
        "Deliveries of other nodes that did not arrive, or were dropped at a bound"
    );
    counter!(
        "syncline_bus_late_total",
        "Deliveries of other nodes dropped because they came twice or after a later one"
    );
    counter!("syncline_bus_malformed_total", "Messages on the bus that could not be read");
    counter!("syncline_bus_gaps_total", "Times that the bus was away while rooms had members");
    gauge!("syncline_room_streams", "Open streams of rooms");
    counter!("syncline_room_streams_refused_total", "Streams refused because there were too many");
    counter!("syncline_rooms_swept_total", "Rooms deleted because nobody changed them");
    counter!("syncline_records_failures_total", "Requests that the store of records failed");
    counter!(
        "syncline_records_gaps_total",
        "Times that hints of writes were missed and all rooms read again"
    );
}
