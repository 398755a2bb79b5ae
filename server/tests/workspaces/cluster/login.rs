//! A NATS that wants to know who one is.

use syncline_server::{Config, log_filter};
use syncline_testkit::within;

use super::{NatsServer, connected, node_with, same};
use crate::{
    captured::Captured,
    own_server::free_port,
    support::{Ws, data, start},
};

#[tokio::test]
async fn a_user_with_a_password_and_a_token_are_taken_from_the_url() {
    let logins: [(&[&str], &str); 2] =
        [(&["--user", "ada", "--pass", "s@cret/1"], "ada:s%40cret%2F1"), (&["--auth", "t:ken"], "t%3Aken")];
    for (options, written) in logins {
        let nats = NatsServer::start_with(options);
        let url = format!("nats://{written}@127.0.0.1:{}", nats.port());
        let nodes = [node_with(&url, &[]).await, node_with(&url, &[]).await];
        let addresses = [nodes[0].address(), nodes[1].address()];
        let (mut ada, _) = Ws::join(addresses[0], "w", "ada").await;
        ada.set_acked("1", "key", 1).await;
        same(&addresses, "w", 1).await;
    }
}

#[tokio::test]
async fn with_a_wrong_password_a_node_works_alone_says_so_once_and_goes_on_trying() {
    let captured = Captured::default();
    let config = Config::from_pairs(&[("RUST_LOG", "trace")]).unwrap();
    let lines = tracing_subscriber::fmt().with_env_filter(log_filter(&config)).with_ansi(false);
    lines.with_writer(captured.clone()).init();
    let port = free_port();
    let strict = NatsServer::start_at(port, &["--user", "ada", "--pass", "another"]);
    let url = format!("nats://ada:private-word@127.0.0.1:{port}");
    let nodes = [start(&[("NATS_URL", &url)]), start(&[("NATS_URL", &url)])];
    let addresses = [nodes[0].address(), nodes[1].address()];
    let refused = || {
        let log = captured.text();
        let is_it = |line: &&str| line.contains("NATS is away") && line.contains("authorization violation");
        log.lines().filter(is_it).count()
    };
    for (address, user) in addresses.into_iter().zip(["ada", "bob"]) {
        connected(address, "down").await;
        let (mut socket, _) = Ws::join(address, "w", user).await;
        socket.set_acked("1", user, 1).await;
        assert_eq!(data(address, "w").await.as_object().unwrap().len(), 1);
    }
    within("a line of each node", async { while refused() < 2 {} }).await;
    // The network goes and comes, and then the password is the right one.
    drop(strict);
    let _nats = NatsServer::start_at(port, &["--user", "ada", "--pass", "private-word"]);
    same(&addresses, "w", 2).await;
    for node in nodes {
        node.stop().await;
    }
    assert_eq!(refused(), 2, "attempts that fail alike are logged once");
    let log = captured.text();
    assert_eq!(log.lines().find(|line| line.contains("private")), None, "the password is in the log");
}
