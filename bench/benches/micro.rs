//! What a request and a delivery cost inside the process, without a network: codecs, dispatch, deliver.
//!
//! `cargo xtask bench micro`. What they cost on the wire is for the load generator to say.

#[path = "../src/bench/mod.rs"]
mod bench;

use divan::{Bencher, counter::ItemsCount};
use serde_json::value::RawValue;
use syncline::Session;
use syncline::run::{PacketLimits, SyncEvent, SyncRequest, read_packet};
use syncline_server::{Config, Measured, Server};
use tokio::runtime::Runtime;

const LANGUAGES: [&str; 4] = ["en", "nl", "de", "fr"];
const SMALL: usize = 150;
const LARGE: usize = 4096;
const ROOM: &str = "room";

fn main() {
    divan::main();
}

/// A request's object with `data` of about that many bytes.
fn request(route: &str, payload: usize) -> String {
    let padding = "x".repeat(payload.saturating_sub(30));
    format!(
        r#"{{"name":"bench/{route}","version":"v1","data":{{"s":1,"n":2,"t":3,"pad":"{padding}"}},"receiver":"{ROOM}"}}"#
    )
}

/// A server with that many members in one room, and the runtime to run it on.
fn server(members: usize, batch: bool) -> (Runtime, Measured) {
    let settings = [
        ("JWT_SECRET", "only this very process signs with this"),
        ("DATA_DIR", "off"),
        ("RATE_LIMIT_PER_ROUTE", "100000000/1"),
        ("RATE_LIMIT_PER_ADDRESS", "100000000/1"),
    ];
    let config = Config::from_pairs(&settings).expect("sound settings");
    let server = Server::builder(config).build().expect("a server");
    let mut measured = server.measured().expect("events");
    for member in 0..members {
        let session = Session {
            user_id: format!("user-{member}"),
            locale: Some(LANGUAGES[member % LANGUAGES.len()].to_owned()),
            ..Session::default()
        };
        measured.join(session, ROOM, batch).expect("it may join");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    (runtime, measured)
}

#[divan::bench(args = [SMALL, LARGE])]
fn read_a_request(bencher: Bencher<'_, '_>, payload: usize) {
    let packet = format!(r#"["sync",{}]"#, request("echo", payload));
    let limits = PacketLimits { max_bytes: 1 << 20, max_depth: 64 };
    bencher.bench(|| {
        let (_, payload) = read_packet(divan::black_box(&packet), limits).expect("a packet");
        SyncRequest::from_socket(payload).expect("a request").data.get().len()
    });
}

#[divan::bench(args = [SMALL, LARGE])]
fn write_an_event(bencher: Bencher<'_, '_>, payload: usize) {
    let event = SyncEvent::new("bench/echo", "v1", ROOM);
    let output = RawValue::from_string(format!(r#"{{"pad":"{}"}}"#, "x".repeat(payload))).expect("JSON");
    bencher.bench(|| event.success(divan::black_box(&output), "{}"));
}

/// The whole of a request in a room of one: nearly all of it is dispatch.
#[divan::bench(args = [SMALL, LARGE])]
fn dispatch(bencher: Bencher<'_, '_>, payload: usize) {
    let (runtime, server) = server(1, false);
    let request = request("echo", payload);
    bencher.bench_local(|| {
        runtime.block_on(async {
            server.dispatch(&request).await.expect("it is allowed");
            server.sent(1).await;
        });
    });
}

/// A request and its delivery to so many, each a packet of its own; items are deliveries.
#[divan::bench(args = ["echo", "equal", "distinct", "audience"], consts = [100, 1000, 5000])]
fn deliver<const MEMBERS: usize>(bencher: Bencher<'_, '_>, route: &str) {
    let (runtime, server) = server(MEMBERS, false);
    let request = request(route, SMALL);
    bencher.counter(ItemsCount::new(MEMBERS)).bench_local(|| {
        runtime.block_on(async {
            server.dispatch(&request).await.expect("it is allowed");
            server.sent(MEMBERS as u64).await;
        });
    });
}

/// Eight requests whose deliveries wait for each other and go out together; items are deliveries.
#[divan::bench(args = ["echo", "equal", "distinct", "audience"], consts = [100, 1000, 5000])]
fn deliver_eight_together<const MEMBERS: usize>(bencher: Bencher<'_, '_>, route: &str) {
    const TOGETHER: usize = 8;
    let (runtime, server) = server(MEMBERS, true);
    let request = request(route, SMALL);
    bencher.counter(ItemsCount::new(MEMBERS * TOGETHER)).bench_local(|| {
        runtime.block_on(async {
            for _ in 0..TOGETHER {
                server.dispatch(&request).await.expect("it is allowed");
            }
            // A large room's go out in several packets.
            server.sent((MEMBERS * TOGETHER) as u64).await;
        });
    });
}
