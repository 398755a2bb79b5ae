//! Redis and NATS over TLS: reached if their certificate is to be trusted, by what `SSL_CERT_FILE` names.

use std::{
    io::{BufRead as _, BufReader},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use syncline_testkit::{call, within};

use crate::{
    folder::Folder, nats_server::NatsServer, own_server::free_port, redis_server::RedisServer, run, start,
};

/// The certificates of an authority and of a server on this machine, and the server's key.
struct Certificates {
    _folder: Folder,
    authority: String,
    server: String,
    key: String,
}

impl Certificates {
    fn new() -> Self {
        let folder = Folder::new();
        let (authority_key, server_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let server = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let server = server.signed_by(&server_key, &issuer).unwrap();
        let kept = |name: &str, pem: String| {
            let path = format!("{}/{name}", folder.path());
            std::fs::write(&path, pem).unwrap();
            path
        };
        Self {
            authority: kept("authority.pem", certificate.pem()),
            server: kept("server.pem", server.pem()),
            key: kept("server.key", server_key.serialize_pem()),
            _folder: folder,
        }
    }
}

#[tokio::test]
async fn redis_is_reached_with_tls_if_its_certificate_is_to_be_trusted() {
    let (certificates, port) = (Certificates::new(), free_port().to_string());
    let Certificates { authority, server, key, .. } = &certificates;
    let _redis = RedisServer::start_with(
        &[
            ["--tls-port", &port],
            ["--tls-cert-file", server],
            ["--tls-key-file", key],
            ["--tls-ca-cert-file", authority],
            ["--tls-auth-clients", "no"],
        ]
        .concat(),
    );
    let url = format!("rediss://localhost:{port}");
    for (trusted, wanted) in [(authority, "up"), (server, "down")] {
        let settings =
            [("PORT", "0"), ("REDIS_URL", &*url), ("REDIS_POOL", "2"), ("SSL_CERT_FILE", &**trusted)];
        let (mut child, address) = start(&settings);
        within("what /readyz says", async {
            let expected = json!({ "ready": wanted == "up", "dependencies": { "redis": wanted, "document_store": "up" } });
            while call(address, "GET", "/readyz", &[], "").await.json() != expected {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        let json = [("content-type", "application/json")];
        let written = call(address, "PUT", "/api/rooms/abc", &json, r#"{"state":{}}"#).await;
        assert_eq!(written.status, if wanted == "up" { 200 } else { 503 });
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn tls_that_looks_at_no_certificate_is_refused() {
    let (code, _, refusal) = run(&[], &[("REDIS_URL", "rediss://localhost:1/#insecure")]);
    assert_eq!(code, 2);
    assert!(refusal.contains("REDIS_URL: the value is not a URL"), "{refusal}");
}

#[tokio::test]
async fn nats_is_reached_with_tls_if_its_certificate_is_to_be_trusted() {
    let certificates = Certificates::new();
    let Certificates { authority, server, key, .. } = &certificates;
    let login = ["--user", "ada", "--pass", "private"];
    let with_tls = ["--tls", "--tlscert", server, "--tlskey", key];
    let secured = NatsServer::start_with(&[&login[..], &with_tls].concat());
    let plain = NatsServer::start_with(&login);
    // Who asks for TLS gets nothing else, neither from a server without it nor from one that nobody vouches for.
    for (nats, trusted, wanted) in
        [(&secured, authority, "up"), (&secured, server, "down"), (&plain, authority, "down")]
    {
        let url = format!("tls://ada:private@localhost:{}", nats.port());
        let (mut child, address) = start(&[("PORT", "0"), ("NATS_URL", &url), ("SSL_CERT_FILE", trusted)]);
        // Before the first attempt it is down too: the log says when that was made.
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = tokio::task::spawn_blocking(move || {
            log.find_map(|line| line.ok().filter(|line| line.contains("NATS is "))).expect("a line")
        });
        let said = within("word of NATS", said).await.unwrap();
        let what = if wanted == "up" { "NATS is there" } else { "NATS is away" };
        assert!(said.contains(what) && !said.contains("private"), "{said}");
        let ready = call(address, "GET", "/readyz", &[], "").await.json();
        assert_eq!(
            ready,
            json!({ "ready": true, "dependencies": { "nats": wanted, "document_store": "up" } })
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
