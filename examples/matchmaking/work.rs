//! What makes the matches: a worker is an orchestration that makes one, and begins anew with the next.

use super::{
    entities::{Game, Lobby, Player, PlayerRef, Ticket},
    ratings,
};
use sarsen::{CallError, Context, Guard, activity, durable::Caller, orchestration};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

/// What a worker is to do, and what it has done.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Job {
    pub played: u64,
    pub play: Duration,
    /// Whether players are locked while they are chosen and returned.
    pub locks: bool,
}

/// Makes one match after the other, until the lobby has no more; returns how many.
///
/// Each match is an execution of its own with a history of its own, so that a worker may live for ever.
#[orchestration]
pub async fn worker(cx: Context, job: Job) -> Result<u64, CallError> {
    let lobby = cx.entity::<Lobby>(Lobby::KEY);
    let Some(ticket) = lobby.take().await? else {
        return Ok(job.played);
    };
    let table = seat(&cx, job, ticket).await?;
    cx.timer(job.play).await;
    let winner = cx.activity(referee, (ticket.number, table.players.len())).await?;
    table.part(&cx, job, winner).await?;
    lobby.finish().await?;
    cx.continue_as_new(&Job { played: job.played + 1, ..job }).await
}

/// Decides which player of a game wins.
#[activity]
pub async fn referee(game: u64, players: usize) -> usize {
    let decided = xxh3_64(&game.to_le_bytes()) % players as u64;
    usize::try_from(decided).expect("it is less than the number of players")
}

/// The players of a game, with what they are rated.
struct Table {
    game: u64,
    players: Vec<u64>,
    ratings: Vec<i64>,
}

/// Chooses players until all of a choice are free, and seats them at a new game.
async fn seat(cx: &Context, job: Job, Ticket { number, players }: Ticket) -> Result<Table, CallError> {
    loop {
        let chosen = choose(cx, players);
        let refs = refer(cx, &chosen);
        let held = lock(cx, job, &refs).await?;
        if all_free(&refs).await? {
            let mut ratings = Vec::new();
            for player in &refs {
                ratings.push(player.enter(number).await?);
            }
            cx.entity::<Game>(Game::key(number)).begin(chosen.clone()).signal()?;
            return Ok(Table { game: number, players: chosen, ratings });
        }
        drop(held);
        // Somebody plays, who will be free again.
        let patience = job.play.as_micros().clamp(1_000, 100_000);
        let patience = u64::try_from(patience).expect("it is clamped");
        cx.timer(Duration::from_micros(1 + cx.random() % patience)).await;
    }
}

impl Table {
    /// Returns the players with new ratings, and ends the game.
    async fn part(self, cx: &Context, job: Job, winner: usize) -> Result<(), CallError> {
        let refs = refer(cx, &self.players);
        let held = lock(cx, job, &refs).await?;
        for (player, rating) in refs.iter().zip(ratings::after(&self.ratings, winner)) {
            player.leave(self.game, rating).await?;
        }
        drop(held);
        cx.entity::<Game>(Game::key(self.game)).end(self.players[winner]).await?;
        Ok(())
    }
}

/// Two different players, often a third.
fn choose(cx: &Context, players: u64) -> Vec<u64> {
    let count = (2 + cx.random() % 2).min(players);
    let mut chosen = Vec::new();
    while (chosen.len() as u64) < count {
        let player = cx.random() % players;
        if !chosen.contains(&player) {
            chosen.push(player);
        }
    }
    chosen
}

fn refer(cx: &Context, players: &[u64]) -> Vec<PlayerRef<Caller>> {
    players.iter().map(|player| cx.entity::<Player>(Player::key(*player))).collect()
}

/// Locks the players, unless that is what is to be left out.
async fn lock(
    cx: &Context,
    job: Job,
    players: &[PlayerRef<Caller>],
) -> Result<Option<Guard<Vec<PlayerRef<Caller>>>>, CallError> {
    Ok(if job.locks { Some(cx.lock(players.to_vec()).await?) } else { None })
}

async fn all_free(players: &[PlayerRef<Caller>]) -> Result<bool, CallError> {
    for player in players {
        if !player.is_free().await? {
            return Ok(false);
        }
    }
    Ok(true)
}
