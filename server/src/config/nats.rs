//! Where NATS is, as `NATS_URL` says it.

use async_nats::ServerAddr;

/// One server, or several of one cluster with commas between them; nothing if that is not what the text says.
pub(crate) fn nats_servers(text: &str) -> Option<Vec<ServerAddr>> {
    text.split(',').map(|server| server_of(server.trim())).collect()
}

fn server_of(text: &str) -> Option<ServerAddr> {
    // Without a scheme it would be taken for nats://, so a forgotten `tls://` would go unseen.
    let is_known = ["nats://", "tls://"].iter().any(|scheme| text.starts_with(scheme));
    let server: ServerAddr = is_known.then(|| text.parse().ok())??;
    (!server.host().is_empty()).then_some(server)
}

#[cfg(test)]
mod tests {
    use super::nats_servers;

    #[test]
    fn urls() {
        for good in
            ["nats://a", "nats://u:p@a:4222", "tls://a:1", "nats://a:1, nats://b:2", "nats://[::1]:4222"]
        {
            let servers = nats_servers(good).map(|servers| servers.len());
            assert_eq!(servers, Some(good.split(',').count()), "{good}");
        }
        for bad in
            ["", "a:4222", "http://a", "ws://a", "nats://", "nats://a:b", "nats://a,", "nats://a,b", "://"]
        {
            assert!(nats_servers(bad).is_none(), "{bad}");
        }
    }
}
