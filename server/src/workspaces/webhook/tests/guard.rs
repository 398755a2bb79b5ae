//! Where the webhook may lead.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::FutureExt as _;
use tokio::net::TcpListener;

use super::{
    super::Parts,
    support::{Receiver, World, always, eventually, tell, update},
};

/// Parts with a resolver that says this of every name, and how often it was asked.
fn names_lead_to(addresses: &[&str]) -> (Parts, Arc<AtomicU64>) {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let lookup = Arc::new(move |name: String| {
        assert_eq!(name, "hook.example");
        counted.fetch_add(1, Ordering::SeqCst);
        let addresses = addresses.clone();
        async move { Ok(addresses) }.boxed()
    });
    (Parts { lookup, ..Parts::default() }, asked)
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_and_tried_again() {
    for addresses in
        [&["127.0.0.1"][..], &["10.0.0.1", "::1"], &["::ffff:127.0.0.1"], &["169.254.169.254", "fe80::1"]]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut world = World::new(&format!("https://hook.example:{port}/"));
        world.allow_private = false;
        let (parts, asked) = names_lead_to(addresses);
        *world.parts.lock().unwrap() = Some(parts);
        let webhooks = world.started();
        tell(&webhooks, "w", update("ada", "a")).await;
        eventually("it is refused", async || world.count("refused") >= 3).await;
        assert_eq!((world.count("success"), world.count("failure")), (0, 0), "{addresses:?}");
        let asked = asked.load(Ordering::SeqCst);
        assert!((3..=world.count("refused") + 1).contains(&asked), "once for each attempt: {asked}");
        assert!(listener.accept().now_or_never().is_none(), "nobody came");
        assert_eq!(world.contents("w").await.entries.len(), 1);
    }
}

#[tokio::test]
async fn what_a_name_was_resolved_to_is_connected_to() {
    let receiver = Receiver::new(always(200)).await;
    let world = World::new(&format!("http://hook.example:{}/", receiver.address.port()));
    let (parts, asked) = names_lead_to(&["127.0.0.1"]);
    *world.parts.lock().unwrap() = Some(parts);
    let webhooks = world.started();
    tell(&webhooks, "w", update("ada", "a")).await;
    let told = receiver.told().await;
    assert!(told.headers["host"].to_str().unwrap().starts_with("hook.example:"));
    world.until_empty().await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn names_without_addresses_and_receivers_without_tls_are_failures() {
    let receiver = Receiver::new(always(200)).await;
    let world = World::new(&format!("https://hook.example:{}/", receiver.address.port()));
    for addresses in [&["127.0.0.1"][..], &[]] {
        let (parts, _) = names_lead_to(addresses);
        *world.parts.lock().unwrap() = Some(parts);
        let webhooks = world.started();
        tell(&webhooks, "w", update("ada", "a")).await;
        let before = world.count("failure");
        eventually("it fails", async || world.count("failure") > before + 2).await;
        webhooks.stop(std::time::Duration::ZERO).await;
    }
    receiver.nothing_else().await;
    assert_eq!(world.count("success"), 0);
}

#[tokio::test]
async fn without_a_url_there_is_none() {
    let world = World::new("http://127.0.0.1:1/");
    let config = crate::config::Config::from_pairs(&[]).unwrap();
    let (journal, metrics) = (Arc::clone(&world.journal), Arc::clone(&world.metrics));
    assert!(super::super::Webhooks::new(&config, journal, metrics).unwrap().is_none());
}
