//! What every bus has to do, as one suite that each implementation's tests run.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use serde_json::value::RawValue;
use syncline::run::{Delivery, Exclude};

use super::{Bus, Inbound};

#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Inbound for Recorder {
    fn deliver(&self, delivery: Arc<Delivery>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.lock().unwrap().push(format!("{}:{}", delivery.room, delivery.client_input.get()));
        Box::pin(std::future::ready(()))
    }
}

fn delivery(room: &str, number: usize) -> Arc<Delivery> {
    let input = RawValue::from_string(number.to_string()).unwrap();
    let output = RawValue::from_string("{}".to_owned()).unwrap();
    Arc::new(Delivery {
        name: "a/b".into(),
        version: "v1".into(),
        room: room.into(),
        client_input: input.into(),
        server_output: output.into(),
        exclude: Exclude::Nobody,
    })
}

/// Runs the suite on buses made by `make`.
pub(crate) async fn check<B: Bus>(make: impl Fn(Arc<dyn Inbound>) -> B) {
    let recorder = Arc::new(Recorder::default());
    let bus = make(Arc::clone(&recorder) as Arc<dyn Inbound>);

    bus.publish(delivery("a", 1)).await.unwrap();
    assert_eq!(recorder.seen(), ["a:1"], "delivered locally, once, before `publish` returns");

    for number in 2..100 {
        bus.publish(delivery("a", number)).await.unwrap();
    }
    let expected: Vec<String> = (1..100).map(|number| format!("a:{number}")).collect();
    assert_eq!(recorder.seen(), expected, "in the order of publishing");
}
