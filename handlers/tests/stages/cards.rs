//! The page `cards` through the registry. The rules of the game have tests of their own beside them; that each is
//! pushed what they may see is tested in `front_door`.

use std::collections::HashSet;

use handlers::{
    App,
    cards::table::{ALONE, DOES_NOT_FIT, NO_GAME, NOT_IN_HAND, NOT_SEATED, NOT_YOUR_TURN, TABLE_FULL},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use syncline::{Session, SnapshotSource as _, SyncResult, codes};
use syncline_testkit::{Delivered as _, Outcome as _, Stage, TestSession as _, ready};

use crate::fresh;

const ROOM: &str = "room";

fn ask(stage: &Stage<App>, user: &str, event: &str, data: &Value) -> SyncResult<Value> {
    ready(stage.room(ROOM).session(user).sync(&format!("cards/{event}"), "v1", data))
}

fn act(stage: &Stage<App>, user: &str, event: &str) -> SyncResult<u64> {
    ask(stage, user, event, &json!({})).map(|answer| answer["lockVersion"].as_u64().unwrap())
}

fn play(stage: &Stage<App>, user: &str, card: &Value) -> SyncResult<u64> {
    ask(stage, user, "play", &json!({ "card": card })).map(|answer| answer["lockVersion"].as_u64().unwrap())
}

/// The table as that user sees it, and its version.
fn read(stage: &Stage<App>, user: &str) -> (u64, Value) {
    let mut answer = ask(stage, user, "readTable", &json!({})).unwrap();
    (answer["lockVersion"].as_u64().unwrap(), answer["table"].take())
}

fn hand(table: &Value) -> Vec<Value> {
    table["hand"].as_array().cloned().unwrap_or_default()
}

fn fits(card: &Value, top: &Value) -> bool {
    card["rank"] == 8 || card["rank"] == top["rank"] || card["suit"] == top["suit"]
}

/// Ada and Bob at the table, a game dealt.
fn dealt() -> Stage<App> {
    let stage = fresh();
    act(&stage, "ada", "sit").unwrap();
    act(&stage, "bob", "sit").unwrap();
    stage
}

#[test]
fn the_second_to_sit_has_a_game_dealt() {
    let stage = fresh();
    let (untouched, empty) = read(&stage, "ada");
    assert_eq!(empty, json!({ "seats": [null, null], "inPile": 0, "inDeck": 0 }));
    let first = act(&stage, "ada", "sit").unwrap();
    assert!(first > untouched);
    let alone = json!({ "seats": [{ "player": "ada", "cards": 0 }, null], "inPile": 0, "inDeck": 0,
        "last": { "player": "ada", "did": "sat" } });
    assert_eq!(read(&stage, "ada"), (first, alone));
    assert_eq!(act(&stage, "ada", "sit").unwrap(), first, "she sits already, and nothing has changed");

    let second = act(&stage, "bob", "sit").unwrap();
    assert_eq!(second, first + 1);
    let (version, table) = read(&stage, "eve");
    assert_eq!(version, second);
    assert_eq!(table["seats"], json!([{ "player": "ada", "cards": 5 }, { "player": "bob", "cards": 5 }]));
    assert_eq!((&table["inDeck"], &table["inPile"], &table["turn"]), (&json!(41), &json!(1), &json!("ada")));
    assert!(table["top"]["rank"].is_u64());
    assert!(table.get("hand").is_none());
    assert_eq!(hand(&read(&stage, "ada").1).len(), 5);
    act(&stage, "eve", "sit").assert_error(TABLE_FULL);
    assert_eq!(read(&fresh(), "ada").1, empty, "another room's table is another one");
}

#[test]
fn the_deck_is_shuffled() {
    let hands: HashSet<String> = (0..20).map(|_| json!(hand(&read(&dealt(), "ada").1)).to_string()).collect();
    assert!(hands.len() > 15, "{hands:?}");
}

#[test]
fn those_who_do_not_sit_there_play_no_part() {
    let stage = dealt();
    let before = read(&stage, "ada");
    for event in ["leave", "draw", "newGame"] {
        act(&stage, "eve", event).assert_error(NOT_SEATED);
    }
    play(&stage, "eve", &hand(&before.1)[0]).assert_error(NOT_SEATED);
    assert_eq!(read(&stage, "ada"), before);
}

#[test]
fn out_of_turn_nothing_is_done() {
    let stage = dealt();
    let before = read(&stage, "bob");
    act(&stage, "bob", "draw").assert_error(NOT_YOUR_TURN);
    play(&stage, "bob", &hand(&before.1)[0]).assert_error(NOT_YOUR_TURN);
    assert_eq!(read(&stage, "bob"), before);

    act(&stage, "ada", "draw").unwrap();
    let (version, table) = read(&stage, "ada");
    assert_eq!(version, before.0 + 1);
    assert_eq!((hand(&table).len(), &table["turn"]), (6, &json!("bob")));
    assert_eq!(table["last"], json!({ "player": "ada", "did": "drew" }));
}

#[test]
fn cards_that_are_not_held_or_do_not_fit_are_refused() {
    // Until somebody is dealt a card that does not fit: most hands have one.
    let (stage, table, bad) = (0..1000)
        .find_map(|_| {
            let stage = dealt();
            let (_, table) = read(&stage, "ada");
            let bad = hand(&table).into_iter().find(|card| !fits(card, &table["top"]))?;
            Some((stage, table, bad))
        })
        .unwrap();
    let error = play(&stage, "ada", &bad).unwrap_err();
    assert_eq!(error.code(), DOES_NOT_FIT);
    let theirs = &hand(&read(&stage, "bob").1)[0];
    let error = play(&stage, "ada", theirs).unwrap_err();
    assert_eq!(error.code(), NOT_IN_HAND, "whatever the other holds");
    assert_eq!(read(&stage, "ada").1, table);
    for (rank, suit, path) in
        [(0, "hearts", "card.rank"), (14, "hearts", "card.rank"), (2, "stars", "card.suit")]
    {
        play(&stage, "ada", &json!({ "rank": rank, "suit": suit })).assert_invalid(path);
    }
}

#[test]
fn leaving_ends_the_game() {
    let stage = dealt();
    act(&stage, "bob", "leave").unwrap();
    let (_, table) = read(&stage, "ada");
    assert_eq!(table["seats"], json!([{ "player": "ada", "cards": 0 }, null]));
    assert!(table.get("hand").is_none() && table.get("top").is_none());
    act(&stage, "bob", "leave").assert_error(NOT_SEATED);
    act(&stage, "ada", "draw").assert_error(NO_GAME);
    act(&stage, "ada", "newGame").assert_error(ALONE);
    act(&stage, "eve", "sit").unwrap();
    assert_eq!(hand(&read(&stage, "eve").1).len(), 5, "the next to sit has one dealt");
}

#[test]
fn a_new_game_may_begin_at_any_time_and_the_other_begins() {
    let stage = dealt();
    for turn in ["bob", "ada"] {
        act(&stage, "bob", "newGame").unwrap();
        let (_, table) = read(&stage, "ada");
        assert_eq!((&table["turn"], &table["inDeck"]), (&json!(turn), &json!(41)));
    }
}

#[test]
fn whoever_has_no_card_left_has_won() {
    let stage = dealt();
    let winner = loop {
        let (_, seen) = read(&stage, "eve");
        let Some(turn) = seen["turn"].as_str() else { break seen["winner"].clone() };
        let fitting = hand(&read(&stage, turn).1).into_iter().find(|card| fits(card, &seen["top"]));
        match fitting {
            Some(card) => play(&stage, turn, &card).unwrap(),
            None => act(&stage, turn, "draw").unwrap(),
        };
    };
    let (_, table) = read(&stage, winner.as_str().unwrap());
    assert_eq!(table["hand"], json!([]));
    for player in ["ada", "bob"] {
        act(&stage, player, "draw").assert_error(NO_GAME);
    }
    act(&stage, "ada", "newGame").unwrap();
    let (_, table) = read(&stage, "ada");
    assert!(table.get("winner").is_none() && !table["turn"].is_null());
}

#[tokio::test]
async fn no_event_of_it_reaches_anybody() {
    let stage = dealt();
    let card = hand(&read(&stage, "ada").1)[0].clone();
    let answer = json!({ "lockVersion": 1 });
    for event in ["sit", "leave", "newGame", "draw"] {
        let event = format!("cards/{event}");
        stage.session("bob").deliver(&event, "v1", json!({}), &answer).await.assert_skipped();
        let nobody = stage.session(Session::anonymous()).sync(&event, "v1", json!({})).await;
        nobody.assert_error(codes::AUTH_REQUIRED);
    }
    let played = json!({ "card": card });
    stage.session("bob").deliver("cards/play", "v1", played, &answer).await.assert_skipped();
    let seen = ask(&stage, "ada", "readTable", &json!({})).unwrap();
    stage.session("bob").deliver("cards/readTable", "v1", json!({}), seen).await.assert_skipped();
}

#[test]
fn whoever_is_signed_in_may_watch() {
    let tables = App::default().tables();
    assert!(ready(tables.may_watch(ROOM, &Session::user("eve"))));
    assert!(!ready(tables.may_watch(ROOM, &Session::anonymous())));
}

/// All cards in some JSON.
fn cards_in(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) if fields.contains_key("rank") => vec![value.clone()],
        Value::Object(fields) => fields.values().flat_map(cards_in).collect(),
        Value::Array(items) => items.iter().flat_map(cards_in).collect(),
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_done_hands_are_hidden_and_versions_rise(
        deeds in prop::collection::vec((0..3_usize, 0..12_usize, any::<prop::sample::Index>()), 1..120),
    ) {
        let stage = dealt();
        let mut version = read(&stage, "eve").0;
        for (who, what, index) in deeds {
            let user = ["ada", "bob", "eve"][who];
            let before = read(&stage, "eve");
            let own = hand(&read(&stage, user).1);
            let outcome = match what {
                0 => act(&stage, user, "leave"),
                1 => act(&stage, user, "sit"),
                2 => act(&stage, user, "newGame"),
                3..=5 => act(&stage, user, "draw"),
                _ if own.is_empty() => continue,
                _ => play(&stage, user, index.get(&own)),
            };
            let views = ["ada", "bob", "eve"].map(|user| read(&stage, user));
            let (after, seen) = &views[2];
            match outcome {
                Ok(said) => {
                    prop_assert_eq!(said, *after);
                    prop_assert_eq!(seen == &before.1, said == version, "it rises with each change and no other");
                    prop_assert!(said >= version);
                    version = said;
                }
                Err(_) => prop_assert_eq!((*after, seen), (before.0, &before.1)),
            }
            let mut known = cards_in(&seen["top"]);
            for (user, (read_at, view)) in ["ada", "bob", "eve"].into_iter().zip(&views) {
                prop_assert_eq!(read_at, after, "one version for all");
                let own = hand(view);
                let seat = view["seats"].as_array().unwrap().iter().find(|seat| seat["player"] == user);
                prop_assert_eq!(own.len(), seat.map_or(0, |seat| seat["cards"].as_u64().unwrap() as usize));
                let shown: Vec<Value> = cards_in(view).into_iter().filter(|card| *card != view["top"]).collect();
                prop_assert_eq!(&shown, &own, "nobody sees more than their own hand and the top");
                known.extend(own);
            }
            let distinct: HashSet<String> = known.iter().map(Value::to_string).collect();
            prop_assert_eq!(distinct.len(), known.len(), "no card is in two places");
            let hidden = seen["inDeck"].as_u64().unwrap() + seen["inPile"].as_u64().unwrap().saturating_sub(1);
            prop_assert!(known.is_empty() || known.len() as u64 + hidden == 52);
        }
    }
}
