//! One game of cards: who may do what, and where each of the 52 cards is. The rules are those of Crazy Eights, cut short.
//!
//! A card goes on one of its suit or of its rank, an eight on any. Whoever does not play draws a card, and with either
//! the turn passes. Whoever has no card left has won. When the deck is used up, all but the top of the pile is shuffled
//! and is the deck again; when there is nothing to shuffle either, drawing only passes the turn.
//!
//! Nothing here knows a player, a room or a source of randomness.

use std::{fmt, mem};

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How many cards each is dealt.
pub const DEALT: usize = 5;
/// The rank that goes on any card.
pub const WILD: u8 = 8;

const KING: u8 = 13;

/// A suit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Suit {
    /// ♣
    Clubs,
    /// ♦
    Diamonds,
    /// ♥
    Hearts,
    /// ♠
    Spades,
}

/// A card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Validate, TS, JsonSchema)]
pub struct Card {
    /// From 1, the ace, to 13, the king.
    #[garde(range(min = 1, max = KING))]
    #[schemars(range(min = 1, max = 13))]
    pub rank: u8,
    /// Its suit.
    #[garde(skip)]
    pub suit: Suit,
}

/// As people write it, for example `10♥`: the same in every language.
impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rank {
            1 => f.write_str("A")?,
            11 => f.write_str("J")?,
            12 => f.write_str("Q")?,
            KING => f.write_str("K")?,
            number => write!(f, "{number}")?,
        }
        f.write_str(match self.suit {
            Suit::Clubs => "♣",
            Suit::Diamonds => "♦",
            Suit::Hearts => "♥",
            Suit::Spades => "♠",
        })
    }
}

impl Card {
    /// Whether it may go on that one.
    #[must_use]
    pub fn fits(self, top: Self) -> bool {
        self.rank == WILD || self.rank == top.rank || self.suit == top.suit
    }
}

/// A place at the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// That of whoever came first.
    First,
    /// The other.
    Second,
}

impl Seat {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    /// The one across the table.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// Why something may not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// Somebody has won already.
    Over,
    /// It is the other's turn.
    NotYourTurn,
    /// The player does not have that card.
    NotInHand(Card),
    /// A card does not go on the top one.
    DoesNotFit {
        /// The card.
        card: Card,
        /// The top one.
        top: Card,
    },
}

/// A game, in play or over.
#[derive(Debug)]
pub struct Game {
    began: Seat,
    turn: Seat,
    deck: Vec<Card>,
    /// Below the top.
    pile: Vec<Card>,
    top: Card,
    hands: [Vec<Card>; 2],
}

impl Game {
    /// Deals a game; `shuffle` decides the order of the cards.
    #[must_use]
    pub fn deal(begins: Seat, shuffle: impl FnOnce(&mut [Card])) -> Self {
        let mut deck = all_cards();
        shuffle(&mut deck);
        let hands = Seat::BOTH.map(|_| deck.split_off(deck.len() - DEALT));
        let top = deck.pop().expect("more cards than are dealt");
        Self { began: begins, turn: begins, deck, pile: Vec::new(), top, hands }
    }

    /// Who began.
    #[must_use]
    pub fn began(&self) -> Seat {
        self.began
    }

    /// Whose turn it is; nobody's when it is over.
    #[must_use]
    pub fn turn(&self) -> Option<Seat> {
        self.winner().is_none().then_some(self.turn)
    }

    /// Who has won.
    #[must_use]
    pub fn winner(&self) -> Option<Seat> {
        Seat::BOTH.into_iter().find(|&seat| self.hand(seat).is_empty())
    }

    /// The cards of one of the two, in the order in which they came.
    #[must_use]
    pub fn hand(&self, seat: Seat) -> &[Card] {
        &self.hands[seat as usize]
    }

    /// The card that the next one goes on.
    #[must_use]
    pub fn top(&self) -> Card {
        self.top
    }

    /// How many cards lie face down.
    #[must_use]
    pub fn in_deck(&self) -> usize {
        self.deck.len()
    }

    /// How many lie face up, the top among them.
    #[must_use]
    pub fn in_pile(&self) -> usize {
        self.pile.len() + 1
    }

    /// Puts a card on the pile.
    ///
    /// # Errors
    /// When the rules forbid it; then nothing has changed.
    pub fn play(&mut self, seat: Seat, card: Card) -> Result<(), Forbidden> {
        self.check_turn(seat)?;
        let hand = &mut self.hands[seat as usize];
        let place = hand.iter().position(|&held| held == card).ok_or(Forbidden::NotInHand(card))?;
        if !card.fits(self.top) {
            return Err(Forbidden::DoesNotFit { card, top: self.top });
        }
        hand.remove(place);
        self.pile.push(mem::replace(&mut self.top, card));
        self.turn = seat.other();
        Ok(())
    }

    /// Draws a card and passes the turn; whether there was one to draw.
    ///
    /// # Errors
    /// When it is not the player's turn; then nothing has changed.
    pub fn draw(&mut self, seat: Seat, shuffle: impl FnOnce(&mut [Card])) -> Result<bool, Forbidden> {
        self.check_turn(seat)?;
        if self.deck.is_empty() {
            self.deck.append(&mut self.pile);
            shuffle(&mut self.deck);
        }
        let drawn = self.deck.pop();
        self.hands[seat as usize].extend(drawn);
        self.turn = seat.other();
        Ok(drawn.is_some())
    }

    fn check_turn(&self, seat: Seat) -> Result<(), Forbidden> {
        match self.turn() {
            None => Err(Forbidden::Over),
            Some(turn) if turn != seat => Err(Forbidden::NotYourTurn),
            Some(_) => Ok(()),
        }
    }
}

fn all_cards() -> Vec<Card> {
    let suits = [Suit::Clubs, Suit::Diamonds, Suit::Hearts, Suit::Spades];
    suits.into_iter().flat_map(|suit| (1..=KING).map(move |rank| Card { rank, suit })).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::{Card, DEALT, Forbidden, Game, Seat, Suit, all_cards};

    fn card(rank: u8, suit: Suit) -> Card {
        Card { rank, suit }
    }

    /// Every card of the game, wherever it is.
    fn everywhere(game: &Game) -> Vec<Card> {
        let hands = game.hands.iter().flatten();
        hands.chain(&game.deck).chain(&game.pile).chain([&game.top]).copied().collect()
    }

    fn check_whole(game: &Game) {
        let cards = everywhere(game);
        assert_eq!(cards.len(), 52, "none is lost or doubled");
        assert_eq!(cards.into_iter().collect::<HashSet<_>>().len(), 52, "each is there once");
    }

    #[test]
    fn suit_or_rank_fits_and_an_eight_always() {
        let top = card(5, Suit::Hearts);
        for (other, fits) in [
            (card(5, Suit::Clubs), true),
            (card(12, Suit::Hearts), true),
            (card(8, Suit::Spades), true),
            (card(6, Suit::Spades), false),
        ] {
            assert_eq!(other.fits(top), fits, "{other} on {top}");
        }
        assert!(!card(5, Suit::Clubs).fits(card(8, Suit::Spades)), "an eight is a card of its suit");
    }

    #[test]
    fn cards_are_written_as_people_do() {
        let written = |rank| card(rank, Suit::Hearts).to_string();
        assert_eq!([1, 2, 10, 11, 12, 13].map(written), ["A♥", "2♥", "10♥", "J♥", "Q♥", "K♥"]);
    }

    #[test]
    fn the_used_deck_is_the_pile_shuffled_without_its_top() {
        let mut game = Game::deal(Seat::First, |_| ());
        let mut seat = Seat::First;
        // An unshuffled deck: the first hand is spades, the second hearts and so on; nobody plays.
        while game.in_deck() > 0 {
            assert_eq!(game.draw(seat, |_| panic!("there is a deck")), Ok(true));
            seat = seat.other();
        }
        assert_eq!(game.draw(seat, |left| assert!(left.is_empty())), Ok(false), "all are in the hands");
        assert_eq!(game.turn(), Some(seat.other()), "the turn passes all the same");
        let (player, fitting) = Seat::BOTH
            .into_iter()
            .find_map(|seat| {
                let fits = |card: &&Card| card.fits(game.top());
                (game.turn() == Some(seat))
                    .then(|| game.hand(seat).iter().find(fits).copied())
                    .flatten()
                    .map(|card| (seat, card))
            })
            .expect("with all cards in two hands one fits");
        let below = game.top();
        game.play(player, fitting).unwrap();
        assert_eq!(game.draw(player.other(), |left| assert_eq!(left, [below])), Ok(true));
        assert!(game.hand(player.other()).contains(&below));
        assert_eq!((game.in_deck(), game.in_pile()), (0, 1));
        check_whole(&game);
    }

    proptest! {
        #[test]
        fn any_moves_keep_the_deck_whole_and_follow_the_rules(
            order in Just(all_cards()).prop_shuffle(),
            moves in prop::collection::vec((any::<bool>(), prop::option::weighted(0.7, any::<prop::sample::Index>())), 0..400),
        ) {
            let mut game = Game::deal(Seat::Second, |cards| cards.copy_from_slice(&order));
            check_whole(&game);
            prop_assert_eq!(Seat::BOTH.map(|seat| game.hand(seat).len()), [DEALT; 2]);
            prop_assert_eq!(game.turn(), Some(Seat::Second));
            for (second, wanted) in moves {
                let seat = if second { Seat::Second } else { Seat::First };
                let (turn, top, winner) = (game.turn(), game.top(), game.winner());
                let hands = Seat::BOTH.map(|seat| game.hand(seat).to_vec());
                let outcome = match wanted {
                    // Mostly of one's own, as any other is refused.
                    Some(index) if index.index(8) > 0 && !game.hand(seat).is_empty() => {
                        let wanted = *index.get(game.hand(seat));
                        let outcome = game.play(seat, wanted);
                        if outcome.is_ok() {
                            prop_assert!(wanted.fits(top));
                            prop_assert_eq!(game.top(), wanted);
                            prop_assert!(!game.hand(seat).contains(&wanted));
                        }
                        outcome
                    }
                    Some(index) => {
                        let wanted = *index.get(&order);
                        let had = game.hand(seat).contains(&wanted);
                        let outcome = game.play(seat, wanted);
                        prop_assert!(had || outcome.is_err());
                        outcome
                    }
                    None => game.draw(seat, <[Card]>::reverse).map(|drew| {
                        assert_eq!(game.hand(seat).len(), hands[seat as usize].len() + usize::from(drew));
                    }),
                };
                check_whole(&game);
                prop_assert_eq!(game.hand(seat.other()), hands[seat.other() as usize].as_slice());
                match outcome {
                    Ok(()) => {
                        prop_assert_eq!((turn, winner), (Some(seat), None));
                        prop_assert!(game.turn() == Some(seat.other()) || game.winner() == Some(seat));
                    }
                    Err(why) => {
                        prop_assert_eq!(game.hand(seat), hands[seat as usize].as_slice());
                        prop_assert_eq!((game.turn(), game.top(), game.winner()), (turn, top, winner));
                        prop_assert_eq!(why == Forbidden::Over, winner.is_some());
                        prop_assert_eq!(why == Forbidden::NotYourTurn, winner.is_none() && turn != Some(seat));
                    }
                }
            }
        }

        #[test]
        fn whoever_plays_what_fits_comes_to_an_end(order in Just(all_cards()).prop_shuffle()) {
            let mut game = Game::deal(Seat::First, |cards| cards.copy_from_slice(&order));
            let mut turns = 0;
            while let Some(seat) = game.turn() {
                let fitting = game.hand(seat).iter().copied().find(|card| card.fits(game.top()));
                match fitting {
                    Some(card) => game.play(seat, card).unwrap(),
                    None => drop(game.draw(seat, <[Card]>::reverse).unwrap()),
                }
                turns += 1;
                prop_assert!(turns < 1000, "it goes on for ever");
            }
            prop_assert!(game.winner().is_some());
        }
    }
}
