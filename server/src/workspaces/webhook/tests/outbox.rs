//! What is read of a log, and what tidying makes of it.

use futures_util::future::join_all;

use super::{
    super::event::{Event, Presence},
    *,
};
use crate::journal::MemoryJournal;

fn workspace() -> Arc<str> {
    "w".into()
}

fn event(text: &str) -> Event {
    let who = || Presence { user_id: text.into(), session_id: None };
    match text.as_bytes()[0] {
        b'+' => Event::Connected(who()),
        b'-' => Event::Disconnected(who()),
        _ => Event::updated(1, ["ada".into()], [text.into()], ["h".into()]),
    }
}

/// A log of these: `+` and `-` with a user, or an update of a key.
async fn outbox(all: impl IntoIterator<Item = &str>) -> (Outbox, Vec<Stored>, Arc<MemoryJournal>) {
    let journal = Arc::new(MemoryJournal::default());
    let outbox = Outbox::new(Arc::clone(&journal) as _);
    let stored: Vec<Stored> = all.into_iter().map(|text| Stored::new(event(text), 7)).collect();
    append(&outbox, &stored).await;
    (outbox, stored, journal)
}

async fn append(outbox: &Outbox, all: &[Stored]) {
    let writes = all
        .iter()
        .map(|stored| outbox.write(Write::Append { log: log_of(workspace()), entry: stored.to_bytes() }));
    assert!(join_all(writes).await.iter().all(Result::is_ok));
}

fn name(stored: &Stored) -> String {
    match &stored.event {
        Event::Connected(who) | Event::Disconnected(who) => who.user_id.to_string(),
        Event::Updated(_) => {
            let body: serde_json::Value = serde_json::from_slice(&stored.body("w")).unwrap();
            let keys = body["data"]["keys"].as_array().unwrap();
            keys.iter().map(|key| key.as_str().unwrap()).collect::<Vec<_>>().join(" ")
        }
    }
}

/// All messages, told one after the other.
async fn messages(outbox: &Outbox, mut progress: Progress) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match outbox.head(&workspace(), progress).await.unwrap() {
            Head::Nothing => return all,
            Head::Told(through) => outbox.drop_through(&workspace(), through).await.unwrap(),
            Head::Unreadable(_) => panic!("all can be read"),
            Head::Message { message, through, .. } => {
                all.push(name(&message));
                progress = Progress { told: Some(message.last), tried: None };
                if let Some(through) = through {
                    outbox.drop_through(&workspace(), through).await.unwrap();
                }
            }
        }
    }
}

#[tokio::test]
async fn a_tidied_log_tells_the_same() {
    let all = ["a", "b", "+x", "+y", "c", "d", "-x", "e", "f", "g"];
    let expected = ["a b", "+x", "+y", "c d", "-x", "e f g"];
    let (outbox, _, _) = outbox(all).await;
    assert_eq!(messages(&outbox, Progress::default()).await, expected);
    for times in 1..3 {
        let keys = (0..30).map(|number| format!("k{number}"));
        let more: Vec<Stored> = keys.map(|key| Stored::new(event(&key), 7)).collect();
        let stored: Vec<Stored> = all.iter().map(|text| Stored::new(event(text), 7)).collect();
        append(&outbox, &stored).await;
        append(&outbox, &more).await;
        for _ in 0..times {
            outbox.tidy(&workspace(), Progress::default()).await.unwrap();
        }
        // What comes after it goes on where it ended.
        append(&outbox, &[Stored::new(event("z"), 7)]).await;
        let told = messages(&outbox, Progress::default()).await;
        assert_eq!(told[..5], expected[..5], "{times}");
        assert_eq!(told.len(), 6);
        assert!(told[5].starts_with("e f g k0") && told[5].ends_with("k29 z"), "{told:?}");
        assert_eq!(outbox.workspaces("", 1).await.unwrap().len(), 0);
    }
}

#[tokio::test]
async fn tidying_keeps_the_message_that_is_tried_and_leaves_out_what_was_told() {
    let (outbox, stored, journal) = outbox(["a", "b", "c", "d", "e", "f", "g", "h"]).await;
    let progress = Progress { told: Some(stored[1].last), tried: Some(stored[3].last) };
    let before = outbox.head(&workspace(), progress).await.unwrap();
    outbox.tidy(&workspace(), progress).await.unwrap();
    assert!(journal.read(&log_of(workspace()), 0, 1 << 20).await.unwrap().entries.is_empty());
    let after = outbox.head(&workspace(), progress).await.unwrap();
    let (Head::Message { message, .. }, Head::Message { message: again, through, more }) = (before, after)
    else {
        panic!("there is one")
    };
    assert_eq!((name(&message), again, through, more), ("c d".into(), message, None, true));
    assert_eq!(messages(&outbox, progress).await, ["c d", "e f g h"]);
}

#[tokio::test]
async fn a_log_that_is_short_is_left_alone() {
    let (outbox, _, journal) = outbox(["a", "+x", "b"]).await;
    outbox.tidy(&workspace(), Progress::default()).await.unwrap();
    assert_eq!(journal.read(&log_of(workspace()), 0, 1 << 20).await.unwrap().entries.len(), 3);
}

#[tokio::test]
async fn too_many_who_come_and_go_are_dropped_and_counted_and_no_update_is() {
    let texts: Vec<String> = (0..3_000)
        .map(|number| if number % 2 == 0 { format!("+{number}") } else { format!("{number}") })
        .collect();
    let (outbox, stored, journal) = outbox(texts.iter().map(String::as_str)).await;
    let progress = Progress { told: None, tried: Some(stored[0].last) };
    let tidied = outbox.tidy(&workspace(), progress).await.unwrap();
    let contents = journal.read(&log_of(workspace()), 0, 1 << 20).await.unwrap();
    assert!(contents.entries.is_empty());
    let kept: Vec<Stored> = serde_json::from_slice(&contents.snapshot.unwrap().bytes).unwrap();
    assert!(kept.len() <= MAX_EVENTS && kept.len() > MAX_EVENTS / 2, "{}", kept.len());
    let kept_presence = kept.iter().filter(|stored| !stored.is_update()).count() as u64;
    assert_eq!(tidied.overflowed + kept_presence, 1_500);
    assert_eq!(name(&kept[0]), "+0", "what is tried stays");
    let updates = |stored: &Stored| {
        let body: serde_json::Value = serde_json::from_slice(&stored.body("w")).unwrap();
        body["data"]["updates"].as_u64().unwrap_or(0)
    };
    assert_eq!(kept.iter().map(updates).sum::<u64>(), 1_500);
    assert_eq!(kept.last().map(name).as_deref(), Some("2999"));
}

#[tokio::test]
async fn what_is_large_is_bounded_too() {
    let user = |number: usize| format!("+{number:05}{}", "x".repeat(20_000));
    let texts: Vec<String> = (0..100).map(user).collect();
    let (outbox, _, journal) = outbox(texts.iter().map(String::as_str)).await;
    let tidied = outbox.tidy(&workspace(), Progress::default()).await.unwrap();
    assert!(tidied.overflowed > 40, "{tidied:?}");
    let contents = journal.read(&log_of(workspace()), 0, 1 << 20).await.unwrap();
    assert!(contents.snapshot.unwrap().bytes.len() < MAX_BYTES + PAGE_BYTES);
}

#[tokio::test]
async fn a_run_of_many_pages_is_one_message() {
    let keys: Vec<String> = (0..900).map(|number| format!("{number:0500}")).collect();
    let (outbox, _, _) = outbox(keys.iter().map(String::as_str)).await;
    let told = messages(&outbox, Progress::default()).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].split(' ').count(), 900);
}
