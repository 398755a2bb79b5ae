//! `/openapi.json`: the systems that are switched on, also where events are not. Whether it is valid, and true of the
//! server, the suite in `e2e/openapi` shows.

use serde_json::{Value, json};
use syncline::{Session, Snapshot, SnapshotSource, SyncResult, codes};
use syncline_testkit::{TestServer, call};

use crate::support::{Header, start};

async fn document(server: &TestServer) -> Value {
    let answer = call(server.address(), "GET", "/openapi.json", &[], "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    answer.json()
}

async fn paths(settings: &[Header<'_>]) -> Vec<String> {
    let document = document(&start(settings)).await;
    document["paths"].as_object().expect("paths").keys().cloned().collect()
}

const ROOMS: [&str; 2] = ["/api/rooms/{room_id}", "/api/rooms/{room_id}/stream"];
const SNAPSHOTS: [&str; 6] = [
    "/api/games/{id}/snapshot",
    "/api/snapshots/{kind}/{id}",
    "/api/ws/token",
    "/ws",
    "/ws/games/{id}",
    "/ws/snapshots/{kind}/{id}",
];

const DOCUMENTS: [&str; 2] = ["/api/documents/{document}", "/sync/v1/{document}"];
const LISTING: [&str; 1] = ["/api/ws/connections"];
const WORKSPACES: [&str; 8] = [
    "/v1/automerge",
    "/v1/history/{workspace}",
    "/v1/history/{workspace}/restore",
    "/v1/history/{workspace}/{hash}",
    "/v1/presence/{workspace}",
    "/v1/stats",
    "/v1/sync/{workspace}",
    "/v1/workspaces/{workspace}",
];

#[tokio::test]
async fn what_is_switched_on_is_described() {
    let rest = ["/api/dev/token", "/healthz", "/metrics", "/readyz"];
    let all = |parts: &[&[&str]]| {
        let mut all: Vec<String> = parts.concat().into_iter().map(str::to_owned).collect();
        all.sort_unstable();
        all
    };
    let kept: &[&str] = &[&WORKSPACES[..], &DOCUMENTS].concat();
    assert_eq!(paths(&[]).await, all(&[&rest, &ROOMS, &SNAPSHOTS, kept, &LISTING]));
    assert_eq!(paths(&[("ROOMS", "off")]).await, all(&[&rest, &SNAPSHOTS, kept, &LISTING]));
    assert_eq!(paths(&[("SNAPSHOTS", "off")]).await, all(&[&rest, &ROOMS, kept, &LISTING]));
    let (no_workspaces, no_documents) = (("WORKSPACES", "off"), ("DOCUMENTS", "off"));
    assert_eq!(paths(&[no_workspaces]).await, all(&[&rest, &ROOMS, &SNAPSHOTS, &DOCUMENTS, &LISTING]));
    assert_eq!(paths(&[no_documents]).await, all(&[&rest, &ROOMS, &SNAPSHOTS, &WORKSPACES, &LISTING]));
    let nothing_kept = [no_workspaces, no_documents, ("SNAPSHOTS", "off")];
    assert_eq!(paths(&nothing_kept).await, all(&[&rest, &ROOMS]));
    let production = [
        ("SYNCLINE_ENV", "production"),
        ("HOST", "127.0.0.1"),
        ("METRICS_ADDR", "127.0.0.1:0"),
        ("SYNC_SHARED_SECRET", "what is shared, thirty-two bytes and more"),
    ];
    assert_eq!(
        paths(&production).await,
        all(&[&["/healthz", "/readyz"], &ROOMS, &SNAPSHOTS, kept, &LISTING])
    );
}

#[tokio::test]
async fn what_needs_a_token_is_as_the_settings_say() {
    let security = async |auth: &str| {
        let document = document(&start(&[("ROOM_AUTH", auth)])).await;
        let room = &document["paths"][ROOMS[0]];
        json!([room["get"]["security"], room["put"]["security"]])
    };
    let (nothing, token) = (json!([]), json!([{ "bearer": [] }]));
    assert_eq!(security("off").await, json!([nothing, nothing]));
    assert_eq!(security("write").await, json!([nothing, token]));
    assert_eq!(security("all").await, json!([token, token]));
}

#[tokio::test]
async fn refusals_are_described_with_their_codes() {
    let document = document(&start(&[])).await;
    let put = &document["paths"]["/api/games/{id}/snapshot"]["put"]["responses"];
    let conflict = &put["409"]["content"]["application/json"];
    assert_eq!(conflict["schema"]["properties"]["error"], json!({ "const": "version_conflict" }));
    assert_eq!(conflict["schema"]["required"], json!(["current", "error", "message"]));
    assert_eq!(conflict["examples"]["version_conflict"]["value"]["current"], 7);
    assert!(put["503"]["headers"]["Retry-After"].is_object(), "{put}");
    assert!(put["401"]["headers"]["WWW-Authenticate"].is_object(), "{put}");
    let open = &document["paths"]["/ws/games/{id}"]["get"];
    assert_eq!(open["security"], json!([{ "bearer": [] }, { "ticket": [] }]));
    assert!(open["responses"]["101"].is_object() && open["responses"]["426"].is_object(), "{open}");
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let document = document(&start(&[("ROOM_AUTH", "all")])).await;
    let mut found = 0;
    let mut rest = vec![&document];
    while let Some(value) = rest.pop() {
        if let Some(reference) = value["$ref"].as_str() {
            found += 1;
            assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
        }
        rest.extend(value.as_object().into_iter().flat_map(|object| object.values()));
        rest.extend(value.as_array().into_iter().flatten());
    }
    assert!(found > 20, "{found} references");
}

/// A source that has nothing.
struct Nothing;

impl SnapshotSource for Nothing {
    type Audience = ();

    fn audience(&self, _id: &str, _viewer: &Session) {}

    async fn snapshot(&self, _id: &str, (): &()) -> SyncResult<Snapshot> {
        Err(codes::NOT_FOUND.into())
    }

    async fn may_watch(&self, _id: &str, _viewer: &Session) -> bool {
        true
    }
}

#[tokio::test]
async fn an_apps_source_may_refuse_with_codes_of_its_own() {
    let server = TestServer::configured(&[("EVENTS", "off")], |builder| builder.snapshots("cards", Nothing));
    let document = document(&server).await;
    let [game, any] = [SNAPSHOTS[0], SNAPSHOTS[1]].map(|path| &document["paths"][path]);
    assert_eq!(any["parameters"][0]["schema"]["enum"], json!(["cards", "game"]));
    assert!(any["get"]["responses"]["default"].is_object(), "{any}");
    assert!(game["get"]["responses"]["default"].is_null() && game["put"].is_object(), "{game}");
    let server = TestServer::configured(&[("EVENTS", "off")], |builder| builder.snapshots("game", Nothing));
    let game = &self::document(&server).await["paths"][SNAPSHOTS[0]];
    assert!(game["get"]["responses"]["default"].is_object() && game["put"].is_null(), "{game}");
}
