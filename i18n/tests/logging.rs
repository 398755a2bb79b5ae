//! What is missing is logged once, and not without bound. Apart from the other tests, for it watches the log
//! of its own process.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Map;
use syncline_i18n::Catalog;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a healthy lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn logged(run: impl FnOnce()) -> Vec<String> {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).without_time().finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = log.0.lock().expect("a healthy lock").clone();
    String::from_utf8(bytes).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn each_thing_is_logged_once() {
    let catalog = Catalog::builder()
        .source("en", "a =\n    .b = English.", "en.ftl")
        .source("de-CH", "a =\n    .b = Schweiz.", "de-CH.ftl")
        .build()
        .expect("valid");
    let say = |tag: &str, code: &str| {
        catalog.message(catalog.negotiate(&[tag]), code, &Map::new());
    };

    let lines = logged(|| {
        for _ in 0..3 {
            say("nl", "a.b");
            say("nl", "a.unknown");
            say("en", "a.unknown");
            say("fr", "sync.tooLarge");
        }
    });
    let expected = [
        ("a text is missing locale=nl", "code=\"a.b\" shown=en"),
        ("a text is missing in every language locale=nl", "code=\"a.unknown\""),
        ("a text is missing in every language locale=en", "code=\"a.unknown\""),
        ("a parameter of a message is missing locale=fr", "code=\"sync.tooLarge\" variable=\"max\""),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, (what, fields)) in lines.iter().zip(expected) {
        assert!(line.contains("WARN") && line.contains(what) && line.contains(fields), "{line}");
    }

    // What is there, and what a region leaves to its language, is nothing to warn about.
    assert_eq!(
        logged(|| {
            say("en", "a.b");
            say("de-CH", "auth.expired");
            say("ja", "sync.internal");
        }),
        Vec::<String>::new()
    );

    // Made-up codes end the warnings rather than filling the log.
    let lines = logged(|| (0..2000).for_each(|number| say("en", &format!("made.up{number}"))));
    assert!((900..=1024).contains(&lines.len()), "{}", lines.len());
}
