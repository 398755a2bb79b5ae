//! Whatever a client sends as an event: it is refused with a code, or read, decoded, validated and started. Nothing
//! panics, and an answer to nothing but a refusal is JSON.
#![no_main]

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, LazyLock},
};

use handlers::App;
use libfuzzer_sys::fuzz_target;
use syncline::{
    Functions, Registry, RequestInfo, Session, Transport,
    run::{ClientEvent, PacketLimits, ServerCall, StageInput, SyncRequest, read_packet},
};

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::from_inventory().expect("sound handlers"));
static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| Functions::new(Arc::new(App::default())));

const LIMITS: PacketLimits = PacketLimits { max_bytes: 65_536, max_depth: 64 };

fuzz_target!(|text: &str| {
    let Ok((event, payload)) = read_packet(text, LIMITS) else { return };
    assert!(payload == "null" || text.contains(payload));
    if event != ClientEvent::Sync {
        return;
    }
    let Ok(request) = SyncRequest::from_socket(payload) else { return };
    let Some(route) = REGISTRY.get(&request.name, &request.version) else { return };
    let request_info =
        RequestInfo::new("fuzz".into(), Transport::Socket, "en".into(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    if let Some(server) = route.server() {
        let call = ServerCall {
            input: request.data,
            user: Arc::new(Session::default()),
            functions: &FUNCTIONS,
            room_code: request.receiver.as_ref().into(),
            request: request_info,
        };
        if let Ok(mut running) = server.stage.start(call) {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = running.as_mut().poll(&mut context);
        }
    } else if let Some(client) = route.client()
        && client.stage.check_input(request.data).is_ok()
    {
        let nothing = serde_json::value::RawValue::from_string("{}".to_owned()).expect("JSON");
        let prepared = client.stage.prepare(StageInput {
            client_input: request.data,
            server_output: &nothing,
            functions: &FUNCTIONS,
            room_code: request.receiver.as_ref().into(),
        });
        assert!(prepared.is_ok(), "what was checked can be prepared");
    }
});
