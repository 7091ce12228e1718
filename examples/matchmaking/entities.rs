//! The three kinds of durable entities: the `Lobby`, a `Player` for each player, a `Game` for each match.

use sarsen::{Entity, EntityContext, Timestamp, operations};
use serde::{Deserialize, Serialize};

/// What every player begins with.
pub const RATING: i64 = 1_500;

/// Hands out the numbers of the matches, each once. There is one lobby.
#[derive(Entity, Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Lobby {
    pub players: u64,
    pub matches: u64,
    /// The last number that was taken; the first is 1.
    pub taken: u64,
    pub finished: u64,
}

/// What a worker takes from the lobby: a number, and among how many players it may choose.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ticket {
    pub number: u64,
    pub players: u64,
}

#[operations]
impl Lobby {
    /// Raises the numbers of players and matches; none is lowered.
    pub fn invite(&mut self, players: u64, matches: u64) -> Lobby {
        self.players = self.players.max(players);
        self.matches = self.matches.max(matches);
        *self
    }

    /// The next match, unless all are taken.
    pub fn take(&mut self) -> Option<Ticket> {
        if self.taken == self.matches {
            return None;
        }
        self.taken += 1;
        Some(Ticket { number: self.taken, players: self.players })
    }

    pub fn finish(&mut self) {
        self.finished += 1;
    }
}

impl Lobby {
    pub const KEY: &str = "lobby";
}

/// A player: how good, and when in which game.
#[derive(Entity, Clone, Debug, Serialize, Deserialize)]
#[entity(initial = Player::new)]
pub struct Player {
    pub rating: i64,
    pub stays: Vec<Stay>,
}

/// The time that a player was in a game, by the player's own clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Stay {
    pub game: u64,
    pub from: Timestamp,
    /// `None`: the player is still there.
    pub to: Option<Timestamp>,
}

#[operations]
impl Player {
    pub fn is_free(&self) -> bool {
        self.stays.iter().all(|stay| stay.to.is_some())
    }

    /// Sits down, whether free or not: to ask before is up to the worker. Returns the rating.
    pub fn enter(&mut self, cx: &mut EntityContext<'_>, game: u64) -> i64 {
        self.stays.push(Stay { game, from: cx.now(), to: None });
        self.rating
    }

    /// Gets up, with a new rating.
    pub fn leave(&mut self, cx: &mut EntityContext<'_>, game: u64, rating: i64) {
        for stay in self.stays.iter_mut().filter(|stay| stay.game == game) {
            stay.to = Some(cx.now());
        }
        self.rating = rating;
    }
}

impl Player {
    fn new(_key: &str) -> Self {
        Self { rating: RATING, stays: Vec::new() }
    }

    /// The key of the player of this number.
    pub fn key(number: u64) -> String {
        format!("player-{number:03}")
    }
}

/// A match: who played, and who won. It is its own witness that it was played once.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
pub struct Game {
    /// The numbers of the players.
    pub players: Vec<u64>,
    pub winner: Option<u64>,
    pub begun: u32,
    pub ended: u32,
}

#[operations]
impl Game {
    pub fn begin(&mut self, players: Vec<u64>) {
        self.begun += 1;
        self.players = players;
    }

    pub fn end(&mut self, winner: u64) {
        self.ended += 1;
        self.winner = Some(winner);
    }
}

impl Game {
    /// The key of the game of this match.
    pub fn key(number: u64) -> String {
        format!("game-{number:06}")
    }
}
