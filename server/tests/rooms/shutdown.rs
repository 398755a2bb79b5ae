//! A graceful stop.

use std::time::Instant;

use syncline_testkit::within;

use crate::support::{Sse, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_every_stream() {
    let server = start(&[]);
    let address = server.address();
    let mut streams = Vec::new();
    for number in 0..100 {
        streams.push(Sse::open(address, &format!("r{}", number % 7)).await);
    }
    let began = Instant::now();
    let stopping = tokio::spawn(server.stop());
    for stream in streams {
        // Ended and not cut off: the last chunk arrives.
        stream.ended().await;
    }
    within("the end", stopping).await.unwrap();
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nothing new is accepted");
}
