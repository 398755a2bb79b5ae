//! The stock binary as an operator meets it: help, settings, refusals, a stop by signal.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
};

use futures_util::{SinkExt as _, Stream, StreamExt as _};
use serde_json::json;
use syncline_testkit::{call, within};
use tokio_tungstenite::tungstenite::{self, Message};

#[path = "../support/folder.rs"]
mod folder;
#[path = "../support/nats_server.rs"]
#[expect(dead_code, reason = "the tests of nodes use the rest")]
mod nats_server;
#[path = "../support/own_server.rs"]
#[expect(dead_code, reason = "the tests of nodes use the rest")]
mod own_server;
#[path = "../support/redis_server.rs"]
#[expect(dead_code, reason = "the tests of nodes use the rest")]
mod redis_server;
mod tls;

fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncline-server"));
    // Several run at a time, and a folder is one process's own.
    command
        .env_clear()
        .current_dir(std::env::temp_dir())
        .env("DATA_DIR", "off")
        .envs(settings.iter().copied());
    command
}

fn run(arguments: &[&str], settings: &[(&str, &str)]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        command(settings).args(arguments).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

fn start(settings: &[(&str, &str)]) -> (Child, SocketAddr) {
    let mut child =
        command(settings).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("a line");
    let address =
        line.trim().strip_prefix("listening on http://").expect("where it listens").parse().unwrap();
    (child, address)
}

#[test]
fn help_lists_every_setting_with_its_default() {
    let (code, help, _) = run(&["--help"], &[]);
    assert_eq!(code, 0);
    for setting in syncline_server::SETTINGS {
        let line = help.lines().find(|line| line.split_whitespace().next() == Some(setting.name));
        let line = line.unwrap_or_else(|| panic!("{} is not in the help", setting.name));
        assert!(line.contains(setting.help) && line.contains(setting.default), "{line}");
    }
    assert!(help.contains("--check-config"));
}

#[test]
fn check_config_shows_every_setting_and_no_secret() {
    let secret = "a secret nobody may read, whoever asks";
    let (code, shown, _) = run(
        &["--check-config"],
        &[("JWT_SECRET", secret), ("PORT", "4321"), ("CORS_ORIGINS", "https://a.example, https://b.example")],
    );
    assert_eq!(code, 0, "{shown}");
    for setting in syncline_server::SETTINGS {
        assert!(
            shown.lines().any(|line| line.starts_with(setting.name) && !line.ends_with('?')),
            "{}",
            setting.name
        );
    }
    let value = |name: &str| {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(
        (value("PORT"), value("CORS_ORIGINS")),
        ("4321".to_owned(), "https://a.example,https://b.example".to_owned())
    );
    assert!(shown.contains("all right") && !shown.contains(secret));
}

#[test]
fn production_says_all_that_is_missing_at_once() {
    let short =
        [("SYNCLINE_ENV", "production"), ("JWT_SECRET", "short"), ("JWT_SECRET_PREVIOUS", "short too")];
    let (code, _, refusal) = run(&[], &short);
    assert_eq!(code, 2);
    assert!(refusal.contains("SYNC_SHARED_SECRET: production needs it for documents"), "{refusal}");
    let (_, _, without) = run(&[], &[&short[..], &[("DOCUMENTS", "off")]].concat());
    assert!(!without.contains("SYNC_SHARED_SECRET"), "{without}");
    let (_, _, refusal) = run(&[], &[&short[..], &[("SYNC_SHARED_SECRET", "short three")]].concat());
    assert!(refusal.contains("SYNC_SHARED_SECRET"), "{refusal}");
    assert!(refusal.contains("JWT_SECRET: production needs at least 32 bytes"), "{refusal}");
    assert!(refusal.contains("JWT_SECRET_PREVIOUS"), "{refusal}");
    assert!(!refusal.contains("short"), "{refusal}");
}

#[test]
fn every_wrong_value_is_reported_by_name_with_what_was_expected() {
    let wrong = [
        ("SYNCLINE_ENV", "prod", "development or production"),
        ("HOST", "localhost", "an IP address"),
        ("PORT", "70000", "a port"),
        ("SHUTDOWN_SECONDS", "-1", "a number of seconds"),
        ("EVENTS", "maybe", "on or off"),
        ("RATE_LIMIT_PER_ROUTE", "100", "requests/seconds"),
        ("MAX_JSON_DEPTH", "1000", "a number from 1 to 100"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,nonsense", "an address or a network"),
        ("CORS_ORIGINS", "https://a.example/path", "an origin"),
        ("TRANSPORTS", "carrier-pigeon", "websocket or polling"),
        ("METRICS_ADDR", "9100", "an address with a port"),
        ("LOG_FORMAT", "xml", "pretty or json"),
        ("OUTBOX_PACKETS", "0", "a whole number from 1 on"),
        ("ROOMS", "2", "on or off"),
        ("REDIS_URL", "http://:a-password@x", "a URL such as redis://"),
        ("REDIS_POOL", "65", "a number from 1 to 64"),
        ("NATS_URL", "redis://:a-password@x", "a URL such as nats://"),
        ("NATS_KEEP_SECONDS", "0", "a number of seconds, 0.001 to a year"),
        ("ROOM_AUTH", "read", "off, write or all"),
        ("MAX_STATE_BYTES", "0", "a whole number from 1 on"),
        ("SSE_PER_ADDRESS", "many", "a whole number from 1 on"),
        ("SSE_PER_ROOM", "-1", "a whole number from 1 on"),
        ("HEARTBEAT_SECONDS", "0", "a number of seconds, 0.001 to a year"),
        ("ROOM_TTL_SECONDS", "NaN", "a number of seconds, 0.001 to a year"),
        ("ROOM_SWEEP_SECONDS", "1e99", "a number of seconds, 0.001 to a year"),
    ];
    let settings: Vec<(&str, &str)> = wrong.iter().map(|(name, value, _)| (*name, *value)).collect();
    let (code, _, refusal) = run(&[], &settings);
    assert_eq!(code, 2);
    for (name, _, expected) in wrong {
        let line = refusal.lines().find(|line| line.contains(&format!("{name}:")));
        assert!(line.is_some_and(|line| line.contains(expected)), "{name} in {refusal}");
    }
    assert!(!refusal.contains("a-password"), "{refusal}");
    assert_eq!(refusal.matches("\n  - ").count(), wrong.len(), "{refusal}");
}

#[test]
fn the_file_is_below_the_environment_and_typos_are_warned_of() {
    let folder = std::env::temp_dir().join(format!("syncline-settings-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("syncline.toml"),
        "port = 5001\nhandler_seconds = 3\ncors_origins = [\"https://a.example\"]\nprot = 1\n",
    )
    .unwrap();
    let output = command(&[("PORT", "5002"), ("SYNCLINE_ENVIRONMENT", "production")])
        .current_dir(&folder)
        .arg("--check-config")
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let has = |name: &str, value: &str| shown.lines().any(|line| line.split_whitespace().eq([name, value]));
    assert!(
        has("PORT", "5002") && has("HANDLER_SECONDS", "3") && has("CORS_ORIGINS", "https://a.example"),
        "{shown}"
    );
    assert!(
        shown.contains("`prot` is no setting") && shown.contains("`SYNCLINE_ENVIRONMENT` is no setting"),
        "{shown}"
    );
}

#[test]
fn a_public_key_that_is_none_is_refused() {
    let (code, _, refusal) = run(&[], &[("JWT_PUBLIC_KEY", "nonsense")]);
    assert_eq!(code, 2);
    assert!(refusal.contains("JWT_PUBLIC_KEY: not a public key"), "{refusal}");
}

#[tokio::test]
async fn it_serves_what_exists_and_stops_on_a_signal() {
    let (mut child, address) = start(&[("PORT", "0")]);
    assert_eq!(call(address, "GET", "/healthz", &[], "").await.body, r#"{"ok":true}"#);
    assert_eq!(call(address, "GET", "/metrics", &[], "").await.status, 200);
    assert_eq!(
        call(address, "POST", "/sync/a/b/v1", &[], "").await.status,
        404,
        "events are off: it links no handlers"
    );
    let json = [("content-type", "application/json")];
    let written = call(address, "PUT", "/api/rooms/abc", &json, r#"{"state":{}}"#).await;
    assert_eq!((written.status, &written.json()["version"]), (200, &1.into()), "rooms are on");
    let stopped = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let ended = tokio::task::spawn_blocking(move || child.wait());
    assert_eq!(within("the exit", ended).await.unwrap().unwrap().code(), Some(0));
}

#[tokio::test]
async fn metrics_may_have_an_address_of_their_own() {
    // Taken and given back at once: nobody else on this machine asks for this one.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (mut child, address) = start(&[("PORT", "0"), ("METRICS_ADDR", &free.to_string())]);
    assert_eq!(call(address, "GET", "/metrics", &[], "").await.status, 404);
    assert_eq!(call(free, "GET", "/metrics", &[], "").await.status, 200);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_address_in_use_is_an_error_and_not_a_panic() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, _, error) = run(&[], &[("PORT", &port)]);
    assert_eq!(code, 1);
    assert!(
        error.to_lowercase().contains("address already in use") && !error.contains("panicked"),
        "{error}"
    );
}

/// The fault of another system: a layer of the shipped binary hid the upgrade, and no WebSocket could open.
#[tokio::test]
async fn it_serves_workspaces_with_nothing_else_installed_and_keeps_them() {
    let folder = folder::Folder::new();
    let settings = [
        ("SYNCLINE_ENV", "production"),
        ("JWT_SECRET", syncline_testkit::SECRET),
        ("SYNC_SHARED_SECRET", "another secret of the tests, of thirty-two bytes and more"),
        ("HOST", "127.0.0.1"),
        ("PORT", "0"),
        ("DATA_DIR", folder.path()),
    ];
    let token = syncline_testkit::Token::of("ada").with("scope", "read write").sign();
    let open = async |address: SocketAddr| {
        let url = format!("ws://{address}/v1/sync/workspace-123?token={token}");
        let (mut socket, _) =
            within("the upgrade", tokio_tungstenite::connect_async(url)).await.expect("it is accepted");
        let init = next(&mut socket).await;
        (socket, init)
    };
    let (mut child, address) = start(&settings);
    let (mut socket, init) = open(address).await;
    assert_eq!(init, json!({ "type": "init", "data": {}, "heads": [] }));
    let op =
        json!({ "type": "op", "id": "1", "payload": { "key": "foo", "value": { "bar": [1, 2.5, null] } } });
    socket.send(Message::text(op.to_string())).await.unwrap();
    while next(&mut socket).await["type"] != "ack" {}
    child.kill().unwrap();
    child.wait().unwrap();
    let (mut child, address) = start(&settings);
    let (_socket, init) = open(address).await;
    assert_eq!(init["data"], json!({ "foo": { "bar": [1, 2.5, null] } }));
    child.kill().unwrap();
    child.wait().unwrap();
}

async fn next(
    socket: &mut (impl Stream<Item = Result<Message, tungstenite::Error>> + Unpin),
) -> serde_json::Value {
    loop {
        match within("a message", socket.next()).await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
            Some(Ok(_)) => {}
            other => panic!("no text but {other:?}"),
        }
    }
}
