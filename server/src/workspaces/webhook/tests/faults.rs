//! Journals that fail, and everything at once: no update is told zero times.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use proptest::prelude::*;

use super::{
    super::Webhooks,
    support::{
        Answer, Receiver, World, always, connected, disconnected, eventually, put, status, tell, update,
        workspace,
    },
};
use crate::journal::{Journal, MemoryJournal, Space, Write};

/// A receiver at whose answers something is done with the journal.
async fn with_journal(
    act: impl Fn(&MemoryJournal, usize) -> Answer + Send + Sync + 'static,
) -> (Receiver, World) {
    let journal: Arc<OnceLock<Arc<MemoryJournal>>> = Arc::default();
    let known = Arc::clone(&journal);
    let answers = Arc::new(move |_: &_, number| act(known.get().expect("the journal"), number));
    let receiver = Receiver::new(answers).await;
    let world = World::at(&receiver);
    journal.set(Arc::clone(&world.journal)).unwrap_or_else(|_| panic!("it was set"));
    (receiver, world)
}

#[tokio::test]
async fn what_was_told_is_not_told_again_when_it_could_not_be_dropped() {
    let (receiver, world) = with_journal(|journal, number| {
        if number == 0 {
            journal.fail_next(3);
        }
        status(200)
    })
    .await;
    let webhooks = world.webhooks();
    put(&webhooks, "w", update("ada", "a")).await;
    put(&webhooks, "w", update("ada", "b")).await;
    put(&webhooks, "w", connected("ada")).await;
    webhooks.start();
    let told = receiver.all(2).await;
    assert_eq!((told[0].keys(), told[1].kind()), (vec!["a", "b"], "client.connected"));
    world.until_empty().await;
    receiver.nothing_else().await;
}

#[tokio::test]
async fn a_drop_of_which_nobody_knows_takes_nothing_that_came_since() {
    let (receiver, world) = with_journal(|journal, number| {
        if number == 0 {
            journal.unsure_next(1);
        }
        status(200)
    })
    .await;
    let mut world = world;
    world.pace.storage = Duration::from_millis(300);
    let webhooks = world.webhooks();
    for key in ["a", "b", "c"] {
        put(&webhooks, "w", update("ada", key)).await;
    }
    webhooks.start();
    assert_eq!(receiver.told().await.keys(), ["a", "b", "c"]);
    world.until_empty().await;
    // The log begins again at 1, and the drop is still to be done again.
    tell(&webhooks, "w", connected("ada")).await;
    tell(&webhooks, "w", update("ada", "d")).await;
    let told = receiver.all(2).await;
    assert_eq!((told[0].kind(), told[1].keys()), ("client.connected", vec!["d"]));
    world.until_empty().await;
}

#[tokio::test]
async fn who_comes_and_cannot_be_put_on_disk_is_counted() {
    let receiver = Receiver::new(always(200)).await;
    let world = World::at(&receiver);
    let webhooks = world.started();
    world.journal.fail_next(1);
    webhooks.tell(&workspace("w"), connected("ada"));
    eventually("it is counted", async || world.count("unsaved") == 1).await;
    world.journal.hold();
    for _ in 0..super::super::TELLS + 10 {
        webhooks.tell(&workspace("w"), connected("ada"));
    }
    assert_eq!(world.count("unsaved"), 11, "what is beyond the bound is counted at once");
    assert_eq!(world.journal.held(), super::super::TELLS as usize);
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_and_holds_up_nothing() {
    let receiver = Receiver::new(always(200)).await;
    let world = World::at(&receiver);
    let webhooks = world.webhooks();
    let log = super::super::log_of("w".into());
    let nonsense = Write::Append { log: log.clone(), entry: b"{\"type\":\"of later\"}".as_slice().into() };
    let nonsense = async || world.journal.commit(vec![nonsense.clone()]).await.unwrap();
    nonsense().await;
    put(&webhooks, "w", update("ada", "a")).await;
    nonsense().await;
    put(&webhooks, "w", update("ada", "b")).await;
    webhooks.start();
    // A log that is found is tidied first.
    assert_eq!(receiver.told().await.keys(), ["a", "b"]);
    world.until_empty().await;
    assert_eq!(world.count("unreadable"), 2);
    put(&webhooks, "w", update("ada", "c")).await;
    nonsense().await;
    nonsense().await;
    tell(&webhooks, "w", update("ada", "d")).await;
    let told = receiver.all(2).await;
    assert_eq!((told[0].keys(), told[1].keys()), (vec!["c"], vec!["d"]));
    world.until_empty().await;
    assert_eq!(world.count("unreadable"), 4);
}

/// What happens in a history.
#[derive(Clone, Debug)]
enum Step {
    Update(u8),
    Come(u8),
    Go(u8),
    /// The next commits fail.
    Fails(usize),
    /// The next commits are carried out, and are said to have failed.
    Unsure(usize),
    Restart,
    /// Waits until this many more attempts were made.
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..3_u8).prop_map(Step::Update),
        2 => (0..3_u8).prop_map(Step::Come),
        2 => (0..3_u8).prop_map(Step::Go),
        1 => (1..3_usize).prop_map(Step::Fails),
        1 => (1..3_usize).prop_map(Step::Unsure),
        1 => Just(Step::Restart),
        3 => (1..3_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..40)
}

/// Puts an event on disk however often that takes, as an owner does: whether it is there is looked up.
async fn surely(world: &World, webhooks: &Webhooks, id: &str, event: super::super::Event) {
    let write = webhooks.entry(&workspace(id), event);
    let Write::Append { entry, .. } = &write else { panic!("it appends") };
    let is_there = async || world.contents(id).await.entries.iter().any(|there| there.bytes == *entry);
    // Nobody else runs between the two: there is one thread, and this journal answers at once.
    while webhooks.outbox.write(write.clone()).await.is_err() && !is_there().await {}
    webhooks.notify(&workspace(id));
}

async fn live(steps: Vec<Step>, failures: Vec<bool>) {
    let receiver = Receiver::new(Arc::new(move |_, number| {
        status(if failures.get(number).copied().unwrap_or(false) { 500 } else { 200 })
    }))
    .await;
    let world = World::at(&receiver);
    let mut webhooks = world.started();
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (number, step) in steps.into_iter().enumerate() {
        let attempts = || world.count("success") + world.count("failure");
        match step {
            Step::Update(of) => {
                let (id, key) = (format!("w{of}"), format!("k{number}"));
                surely(&world, &webhooks, &id, update("ada", &key)).await;
                expected.entry(id).or_default().push(key);
            }
            Step::Come(of) => {
                let (id, user) = (format!("w{of}"), format!("u{number}"));
                surely(&world, &webhooks, &id, connected(&user)).await;
                expected.entry(id).or_default().push(user);
            }
            Step::Go(of) => {
                let (id, user) = (format!("w{of}"), format!("u{number}"));
                surely(&world, &webhooks, &id, disconnected(&user)).await;
                expected.entry(id).or_default().push(user);
            }
            Step::Fails(count) => world.journal.fail_next(count),
            Step::Unsure(count) => world.journal.unsure_next(count),
            Step::Restart => {
                webhooks.stop(Duration::ZERO).await;
                webhooks = world.started();
            }
            Step::Wait(more) => {
                let before = attempts();
                let is_empty = async || world.journal.logs(Space::Webhooks, "", 1).await.unwrap().is_empty();
                eventually("something is tried", async || attempts() >= before + more || is_empty().await)
                    .await;
            }
        }
    }
    world.journal.fail_next(0);
    world.journal.unsure_next(0);
    world.until_empty().await;
    webhooks.stop(Duration::from_secs(5)).await;
    let seen: Mutex<BTreeMap<String, Vec<String>>> = Mutex::default();
    let is_all = || *seen.lock().unwrap() == expected;
    let mut once = HashSet::new();
    while !is_all() {
        let told = receiver.told().await;
        let user = told.body["data"]["user_id"].as_str().unwrap().to_owned();
        let of_update = told.keys().iter().map(ToString::to_string).collect::<Vec<_>>();
        for name in if of_update.is_empty() { vec![user] } else { of_update } {
            // The first time that each is told is in its place.
            if once.insert(name.clone()) {
                seen.lock().unwrap().entry(told.workspace().to_owned()).or_default().push(name);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn whatever_fails_everything_is_told_and_in_its_order(
        steps in steps(),
        failures in prop::collection::vec(any::<bool>(), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(steps, failures));
    }
}
