//! A table: who sits there, the game between them, and what of it each may see.
//!
//! A seat is kept until its player leaves; nobody is sent away for being gone.

use std::time::{SystemTime, UNIX_EPOCH};

use rand::seq::SliceRandom as _;
use syncline::prelude::*;

use super::rules::{Card, Forbidden, Game, Seat};

/// Two sit there already.
pub const TABLE_FULL: ErrorCode = ErrorCode::new("cards.tableFull", 409, &[]);
/// Only those who sit at the table may do that.
pub const NOT_SEATED: ErrorCode = ErrorCode::new("cards.notSeated", 409, &[]);
/// One alone cannot play.
pub const ALONE: ErrorCode = ErrorCode::new("cards.alone", 409, &[]);
/// No game has begun, or it is over.
pub const NO_GAME: ErrorCode = ErrorCode::new("cards.noGame", 409, &[]);
/// It is the other's turn.
pub const NOT_YOUR_TURN: ErrorCode = ErrorCode::new("cards.notYourTurn", 409, &[]);
/// The player does not have that card.
pub const NOT_IN_HAND: ErrorCode = ErrorCode::new("cards.notInHand", 422, &["card"]);
/// The card goes neither with the suit nor with the rank of the top one.
pub const DOES_NOT_FIT: ErrorCode = ErrorCode::new("cards.doesNotFit", 422, &["card", "top"]);

/// A table; a new one is empty.
#[derive(Debug)]
pub struct Table {
    version: u64,
    players: [Option<String>; 2],
    game: Option<Game>,
    last: Option<LastMove>,
}

/// A table as somebody may see it.
#[derive(Debug, Default, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableView {
    /// The two seats; `null` where nobody sits.
    pub seats: [Option<SeatView>; 2],
    /// The viewer's own cards, while they are in a game. Nobody else's are ever here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hand: Option<Vec<Card>>,
    /// The card that the next one goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub top: Option<Card>,
    /// How many cards lie face up, the top among them.
    pub in_pile: usize,
    /// How many lie face down.
    pub in_deck: usize,
    /// The id of the user whose turn it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub turn: Option<String>,
    /// The id of the user who has won.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub winner: Option<String>,
    /// What was done last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub last: Option<LastMove>,
}

/// A seat that is taken, as everybody sees it.
#[derive(Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct SeatView {
    /// The id of the user who sits there.
    pub player: String,
    /// How many cards they hold.
    pub cards: usize,
}

/// What was done last, and by whom.
#[derive(Clone, Debug, Serialize, Deserialize, TS, JsonSchema)]
pub struct LastMove {
    /// The id of the user.
    pub player: String,
    /// What they did.
    pub did: Deed,
}

/// What can be done at a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Deed {
    /// Sat down; the second to do so has a game dealt.
    Sat,
    /// Stood up, which ends the game.
    Left,
    /// Had a game dealt.
    Dealt,
    /// Played a card.
    Played,
    /// Drew a card.
    Drew,
    /// Passed, with no card to draw.
    Passed,
}

impl Default for Table {
    /// Its versions begin with the time. A table lives in memory only, and whoever has watched one that is forgotten
    /// would take no lower version for news.
    fn default() -> Self {
        Self { version: milliseconds_now(), players: [None, None], game: None, last: None }
    }
}

impl Table {
    /// Counts all that anybody may see of it.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Takes a seat; the second to do so has a game dealt. Whoever sits stays where they are.
    ///
    /// # Errors
    /// [`TABLE_FULL`].
    pub fn sit(&mut self, user: &str) -> SyncResult<()> {
        if self.seat_of(user).is_some() {
            return Ok(());
        }
        let free = self.players.iter_mut().find(|player| player.is_none()).ok_or(TABLE_FULL)?;
        *free = Some(user.to_owned());
        if self.players.iter().all(Option::is_some) {
            self.deal(Seat::First);
        }
        self.happened(user, Deed::Sat);
        Ok(())
    }

    /// Stands up, which ends the game.
    ///
    /// # Errors
    /// [`NOT_SEATED`].
    pub fn leave(&mut self, user: &str) -> SyncResult<()> {
        let seat = self.seat_of(user).ok_or(NOT_SEATED)?;
        self.players[seat as usize] = None;
        self.game = None;
        self.happened(user, Deed::Left);
        Ok(())
    }

    /// Deals a game, whether or not one is in play. Whoever did not begin the last one begins.
    ///
    /// # Errors
    /// [`NOT_SEATED`], [`ALONE`].
    pub fn new_game(&mut self, user: &str) -> SyncResult<()> {
        self.seat_of(user).ok_or(NOT_SEATED)?;
        let last = self.game.as_ref().ok_or(ALONE)?;
        self.deal(last.began().other());
        self.happened(user, Deed::Dealt);
        Ok(())
    }

    /// Plays a card.
    ///
    /// # Errors
    /// [`NOT_SEATED`], [`NO_GAME`], [`NOT_YOUR_TURN`], [`NOT_IN_HAND`], [`DOES_NOT_FIT`].
    pub fn play(&mut self, user: &str, card: Card) -> SyncResult<()> {
        let (seat, game) = self.playing(user)?;
        game.play(seat, card).map_err(refusal)?;
        self.happened(user, Deed::Played);
        Ok(())
    }

    /// Draws a card.
    ///
    /// # Errors
    /// [`NOT_SEATED`], [`NO_GAME`], [`NOT_YOUR_TURN`].
    pub fn draw(&mut self, user: &str) -> SyncResult<()> {
        let (seat, game) = self.playing(user)?;
        let drew = game.draw(seat, shuffle).map_err(refusal)?;
        self.happened(user, if drew { Deed::Drew } else { Deed::Passed });
        Ok(())
    }

    /// Whether that user sits there.
    #[must_use]
    pub fn seats(&self, user: &str) -> bool {
        self.seat_of(user).is_some()
    }

    /// The table as one of its players sees it, or, for nobody, as all do who look on.
    #[must_use]
    pub fn view(&self, player: Option<&str>) -> TableView {
        let game = self.game.as_ref();
        let name = |seat: Seat| self.players[seat as usize].clone();
        let held = |seat| game.map_or(0, |game| game.hand(seat).len());
        let own = player.and_then(|player| self.seat_of(player)).zip(game);
        TableView {
            seats: Seat::BOTH.map(|seat| Some(SeatView { player: name(seat)?, cards: held(seat) })),
            hand: own.map(|(seat, game)| game.hand(seat).to_vec()),
            top: game.map(Game::top),
            in_pile: game.map_or(0, Game::in_pile),
            in_deck: game.map_or(0, Game::in_deck),
            turn: game.and_then(Game::turn).and_then(name),
            winner: game.and_then(Game::winner).and_then(name),
            last: self.last.clone(),
        }
    }

    fn seat_of(&self, user: &str) -> Option<Seat> {
        Seat::BOTH.into_iter().find(|&seat| self.players[seat as usize].as_deref() == Some(user))
    }

    fn playing(&mut self, user: &str) -> SyncResult<(Seat, &mut Game)> {
        let seat = self.seat_of(user).ok_or(NOT_SEATED)?;
        Ok((seat, self.game.as_mut().ok_or(NO_GAME)?))
    }

    fn deal(&mut self, begins: Seat) {
        self.game = Some(Game::deal(begins, shuffle));
    }

    fn happened(&mut self, user: &str, did: Deed) {
        self.version += 1;
        self.last = Some(LastMove { player: user.to_owned(), did });
    }
}

pub(super) fn milliseconds_now() -> u64 {
    // A clock before 1970 is as good as none.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn shuffle(cards: &mut [Card]) {
    cards.shuffle(&mut rand::rng());
}

fn refusal(why: Forbidden) -> SyncError {
    match why {
        Forbidden::Over => NO_GAME.into(),
        Forbidden::NotYourTurn => NOT_YOUR_TURN.into(),
        Forbidden::NotInHand(card) => NOT_IN_HAND.with("card", card.to_string()),
        Forbidden::DoesNotFit { card, top } => {
            DOES_NOT_FIT.with("card", card.to_string()).with("top", top.to_string())
        }
    }
}
