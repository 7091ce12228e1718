//! The check at the end, from what the entities themselves have kept.

use super::entities::{Game, Lobby, Player, RATING, Stay};
use futures::TryStreamExt;
use sarsen::{CallError, Client, LockStage};
use std::collections::BTreeMap;

/// What all entities have kept.
#[derive(Default)]
pub struct Records {
    pub lobby: Lobby,
    pub players: BTreeMap<String, Player>,
    pub games: BTreeMap<String, Game>,
    /// The entities that are locked.
    pub locked: Vec<String>,
}

impl Records {
    pub async fn read_back(client: &Client) -> Result<Self, CallError> {
        let players = client.entities::<Player>().with_state().map_ok(|player| (player.key, player.state));
        let games = client.entities::<Game>().with_state().map_ok(|game| (game.key, game.state));
        let locks = client.locks().await?.into_iter();
        let locked = locks.filter(|lock| lock.stage != LockStage::Releasing);
        Ok(Self {
            lobby: client.entity::<Lobby>(Lobby::KEY).state().await?.unwrap_or_default(),
            players: players.try_collect().await?,
            games: games.try_collect().await?,
            locked: locked.map(|lock| lock.entity.to_string()).collect(),
        })
    }

    /// Everything that is not as it should be, one sentence each.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        self.check_games(&mut faults);
        for (key, player) in &self.players {
            self.check_stays(key, &player.stays, &mut faults);
        }
        let ratings: i64 = self.players.values().map(|player| player.rating - RATING).sum();
        if ratings != 0 {
            faults.push(format!("the ratings sum up to {ratings} more than they began with"));
        }
        faults.extend(self.locked.iter().map(|entity| format!("{entity} is still locked")));
        faults
    }

    /// Each match was taken, played once and finished.
    fn check_games(&self, faults: &mut Vec<String>) {
        let Lobby { matches, taken, finished, .. } = self.lobby;
        if (taken, finished) != (matches, matches) {
            faults.push(format!("of {matches} matches {taken} were taken and {finished} finished"));
        }
        for number in 1..=matches {
            let key = Game::key(number);
            match self.games.get(&key) {
                None => faults.push(format!("{key} was not played")),
                Some(Game { begun, ended, .. }) if (*begun, *ended) != (1, 1) => {
                    faults.push(format!("{key} was begun {begun} times and ended {ended} times"));
                }
                Some(Game { players, .. }) => {
                    let keys = players.iter().map(|player| Player::key(*player));
                    for player in keys.filter(|player| !self.was_in(player, number)) {
                        faults.push(format!("{player} does not know of {key}"));
                    }
                }
            }
        }
        if self.games.len() as u64 > matches {
            faults.push(format!("there are {} games for {matches} matches", self.games.len()));
        }
    }

    fn was_in(&self, player: &str, game: u64) -> bool {
        self.players.get(player).is_some_and(|player| player.stays.iter().any(|stay| stay.game == game))
    }

    /// A player has left each game before entering the next, and was in no other than those that name the player.
    fn check_stays(&self, player: &str, stays: &[Stay], faults: &mut Vec<String>) {
        let mut stays = stays.to_vec();
        stays.sort_by_key(|stay| (stay.from, stay.to));
        for (earlier, later) in stays.iter().zip(&stays[stays.len().min(1)..]) {
            if earlier.to.is_none_or(|to| later.from < to) {
                faults.push(format!("{player} was in games {} and {} at once", earlier.game, later.game));
            }
        }
        for Stay { game, to, .. } in &stays {
            let key = Game::key(*game);
            if to.is_none() {
                faults.push(format!("{player} has not left {key}"));
            }
            let named = self
                .games
                .get(&key)
                .is_some_and(|game| game.players.iter().any(|number| Player::key(*number) == player));
            if !named {
                faults.push(format!("{key} does not know of {player}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarsen::Timestamp;

    /// Two players who played one game after the other.
    fn records() -> Records {
        let stay = |game, from, to| Stay {
            game,
            from: Timestamp::from_micros(from),
            to: Some(Timestamp::from_micros(to)),
        };
        let player = |rating| Player { rating, stays: vec![stay(1, 10, 20), stay(2, 20, 30)] };
        let game = |winner| Game { players: vec![0, 1], winner: Some(winner), begun: 1, ended: 1 };
        Records {
            locked: Vec::new(),
            lobby: Lobby { players: 2, matches: 2, taken: 2, finished: 2 },
            players: [(Player::key(0), player(1_510)), (Player::key(1), player(1_490))].into(),
            games: [(Game::key(1), game(0)), (Game::key(2), game(1))].into(),
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Records), fault: &str) {
        let mut records = records();
        change(&mut records);
        let faults = records.faults();
        assert!(faults.iter().any(|found| found.contains(fault)), "{fault:?} is not in {faults:?}");
    }

    #[test]
    fn records_of_a_fair_evening_have_no_fault() {
        assert_eq!(records().faults(), Vec::<String>::new());
    }

    #[test]
    fn every_fault_is_found() {
        let player = |records: &mut Records| records.players.get_mut("player-000").unwrap().clone();
        check(|records| records.lobby.finished = 1, "2 were taken and 1 finished");
        check(|records| drop(records.games.remove("game-000002")), "game-000002 was not played");
        check(|records| records.games.get_mut("game-000001").unwrap().begun = 2, "begun 2 times");
        check(|records| records.lobby.matches = 1, "there are 2 games for 1 matches");
        check(
            |records| {
                let mut changed = player(records);
                changed.stays[1].from = Timestamp::from_micros(19);
                records.players.insert(Player::key(0), changed);
            },
            "player-000 was in games 1 and 2 at once",
        );
        check(
            |records| {
                let mut changed = player(records);
                changed.stays[1].to = None;
                records.players.insert(Player::key(0), changed);
            },
            "player-000 has not left game-000002",
        );
        check(
            |records| {
                let mut changed = player(records);
                changed.stays.pop();
                records.players.insert(Player::key(0), changed);
            },
            "player-000 does not know of game-000002",
        );
        check(
            |records| records.games.get_mut("game-000001").unwrap().players = vec![1],
            "does not know of player-000",
        );
        check(|records| records.players.get_mut("player-001").unwrap().rating += 5, "sum up to 5 more");
        check(|records| records.locked.push(Player::key(1)), "player-001 is still locked");
    }
}
