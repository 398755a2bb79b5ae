//! A line to NATS that can be cut.

use crate::nats_server;

/// A line.
pub(super) struct Line {
    port: u16,
    is_cut: tokio::sync::watch::Sender<bool>,
}

impl Line {
    pub(super) async fn to(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let line = Self {
            port: listener.local_addr().expect("an address").port(),
            is_cut: tokio::sync::watch::Sender::new(false),
        };
        let is_cut = line.is_cut.subscribe();
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut is_cut = is_cut.clone();
                tokio::spawn(async move {
                    if *is_cut.borrow() {
                        return;
                    }
                    let Ok(mut to) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await else {
                        return;
                    };
                    tokio::select! {
                        _ended = tokio::io::copy_bidirectional(&mut from, &mut to) => {}
                        _cut = is_cut.wait_for(|is_cut| *is_cut) => {}
                    }
                });
            }
        });
        line
    }

    pub(super) fn url(&self) -> String {
        nats_server::url(self.port)
    }

    pub(super) fn cut(&self, is_cut: bool) {
        self.is_cut.send_replace(is_cut);
    }
}
