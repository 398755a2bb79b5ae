//! The page `chess`; `chess/moveChessPiece` against shakmaty's own move generator.

use handlers::{App, chess::move_chess_piece_server_v1::ILLEGAL_MOVE};
use proptest::prelude::*;
use serde_json::{Value, json};
use shakmaty::{CastlingMode, Chess, EnPassantMode, Position, Role, fen::Fen, uci::UciMove};
use syncline::SyncResult;
use syncline_testkit::{Delivered as _, Outcome as _, Stage, ready};

use crate::fresh;

const FOOLS_MATE: [&str; 4] = ["f2f3", "e7e5", "g2g4", "d8h4"];

fn play(stage: &Stage<App>, room: &str, data: &Value) -> SyncResult<Value> {
    ready(stage.room(room).sync("chess/moveChessPiece", "v1", data))
}

/// A move in the notation of engines, `e2e4` or `e7e8q`, as the event's input.
fn input(uci: &str) -> Value {
    let promotion = uci.get(4..5).map(|letter| match letter {
        "q" => "queen",
        "r" => "rook",
        "b" => "bishop",
        _ => "knight",
    });
    match promotion {
        Some(promotion) => json!({ "from": uci[..2], "to": uci[2..4], "promotion": promotion }),
        None => json!({ "from": uci[..2], "to": uci[2..4] }),
    }
}

fn play_all(stage: &Stage<App>, room: &str, moves: &[&str]) -> Value {
    moves.iter().fold(Value::Null, |_, uci| play(stage, room, &input(uci)).unwrap())
}

#[test]
fn a_first_move_begins_a_game() {
    let answer = play(&fresh(), "room", &input("e2e4")).unwrap();
    assert_eq!(
        answer,
        json!({ "fen": "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1", "san": "e4", "check": false })
    );
}

#[test]
fn each_room_has_its_own_game() {
    let stage = fresh();
    play_all(&stage, "a", &["e2e4", "e7e5"]);
    assert_eq!(play(&stage, "b", &input("e2e4")).unwrap()["san"], "e4");
}

#[test]
fn illegal_moves_are_refused_and_change_nothing() {
    let stage = fresh();
    for (from, to) in [("e2", "e5"), ("e7", "e5"), ("e4", "e5"), ("e1", "g1"), ("a1", "a1")] {
        let answer = play(&stage, "room", &json!({ "from": from, "to": to }));
        answer.assert_error(ILLEGAL_MOVE.with("from", from).with("to", to));
    }
    assert_eq!(play(&stage, "room", &input("e2e4")).unwrap()["san"], "e4");
}

#[test]
fn what_is_no_square_or_piece_names_its_path() {
    for (path, data) in [
        ("from", json!({ "from": "i2", "to": "e4" })),
        ("to", json!({ "from": "e2", "to": "e44" })),
        ("promotion", json!({ "from": "e2", "to": "e4", "promotion": "king" })),
    ] {
        play(&fresh(), "room", &data).assert_invalid(path);
    }
}

#[test]
fn checkmate_ends_the_game_and_a_first_move_begins_the_next() {
    let stage = fresh();
    let end = play_all(&stage, "room", &FOOLS_MATE);
    assert_eq!(
        (&end["san"], &end["check"], &end["outcome"]),
        (&json!("Qh4#"), &json!(true), &json!("blackWins"))
    );

    let illegal = play(&stage, "room", &input("e1f2"));
    illegal.assert_error(ILLEGAL_MOVE.with("from", "e1").with("to", "f2"));
    let anew = play(&stage, "room", &input("d2d4")).unwrap();
    assert_eq!(anew["fen"], "rnbqkbnr/pppppppp/8/8/3P4/8/PPP1PPPP/RNBQKBNR b KQkq - 0 1");
    assert!(anew.get("outcome").is_none());
}

#[test]
fn stalemate_is_a_draw() {
    // The shortest stalemate there is, by Sam Loyd.
    let moves =
        "e2e3 a7a5 d1h5 a8a6 h5a5 h7h5 h2h4 a6h6 a5c7 f7f6 c7d7 e8f7 d7b7 d8d3 b7b8 d3h7 b8c8 f7g6 c8e6";
    let end = play_all(&fresh(), "room", &moves.split(' ').collect::<Vec<_>>());
    assert_eq!((&end["check"], &end["outcome"]), (&json!(false), &json!("draw")));
}

#[test]
fn pawns_are_promoted_only_when_told_and_only_on_the_last_rank() {
    let stage = fresh();
    play_all(&stage, "room", &["h2h4", "g7g5", "h4g5", "h7h6", "g5h6", "g8f6", "h6h7", "f6g8"]);
    for (data, legal) in [
        (json!({ "from": "h7", "to": "g8" }), false),
        (json!({ "from": "a2", "to": "a3", "promotion": "queen" }), false),
        (json!({ "from": "h7", "to": "g8", "promotion": "knight" }), true),
    ] {
        assert_eq!(play(&stage, "room", &data).is_ok(), legal, "{data}");
    }
}

#[tokio::test]
async fn a_game_is_read_by_the_caller_alone_and_begun_anew_for_everyone() {
    let stage = fresh();
    let read = async || stage.sync("chess/readGame", "v1", json!({})).await.unwrap();
    let board = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";
    let begin = json!({ "fen": board, "check": false });
    assert_eq!(read().await, begin);

    let end = play_all(&stage, "room", &FOOLS_MATE);
    let seen = read().await;
    assert_eq!(seen, json!({ "fen": end["fen"], "check": true, "outcome": "blackWins" }));
    stage.session("bob").deliver("chess/readGame", "v1", json!({}), seen).await.assert_skipped();

    let anew = stage.sync("chess/newGame", "v1", json!({})).await.unwrap();
    assert_eq!(anew["fen"], board);
    assert_eq!(read().await, begin);
    stage.session("bob").deliver("chess/newGame", "v1", json!({}), anew).await.assert_sent();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_legal_game_is_accepted(choices in prop::collection::vec(any::<prop::sample::Index>(), 1..200)) {
        let stage = fresh();
        let mut board = Chess::default();
        for choice in choices {
            if board.is_game_over() {
                board = Chess::default();
            }
            let moves = board.legal_moves();
            let chosen = *choice.get(&moves);
            board.play_unchecked(chosen);
            let uci = UciMove::from_move(chosen, CastlingMode::Standard).to_string();
            let answer = play(&stage, "room", &input(&uci)).unwrap();
            let fen = Fen::from_position(&board, EnPassantMode::Legal).to_string();
            prop_assert_eq!(&answer["fen"], &json!(fen));
            prop_assert_eq!(&answer["check"], &json!(board.is_check()));
            prop_assert_eq!(answer.get("outcome").is_some(), board.is_game_over());
        }
    }

    #[test]
    fn any_strings_are_answered(from in ".*", to in ".*", promotion in proptest::option::of(".*")) {
        let data = json!({ "from": from, "to": to, "promotion": promotion });
        prop_assert!(play(&fresh(), "room", &data).is_err());
    }

    #[test]
    fn any_squares_are_answered_as_the_rules_say(
        moves in prop::collection::vec(("[a-h][1-8]", "[a-h][1-8]", prop::option::of(0..4_usize)), 1..200),
    ) {
        let stage = fresh();
        let mut board = Chess::default();
        for (from, to, promotion) in moves {
            let piece = promotion.map(|index| ["queen", "rook", "bishop", "knight"][index]);
            let answer = play(&stage, "room", &json!({ "from": from, "to": to, "promotion": piece }));
            let wanted = UciMove::Normal {
                from: from.parse().unwrap(),
                to: to.parse().unwrap(),
                promotion: promotion.map(|index| [Role::Queen, Role::Rook, Role::Bishop, Role::Knight][index]),
            };
            let legal = board.legal_moves().into_iter().find(|legal| {
                legal.to_uci(CastlingMode::Standard) == wanted || legal.to_uci(CastlingMode::Chess960) == wanted
            });
            prop_assert_eq!(answer.is_ok(), legal.is_some());
            if let Some(legal) = legal {
                board.play_unchecked(legal);
            }
        }
    }
}
