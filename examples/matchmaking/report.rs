//! What is shown: the progress, the table, the speed.

use crate::{entities::Player, verify::Records};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::{
    cmp::Reverse,
    io::{self, Write},
    time::Instant,
};

/// How many matches there are to a line of the progress.
const STEP: u64 = 100;

/// How many of the best players are shown.
const TOP: usize = 5;

/// How far the matches have come: a bar on a terminal, lines with `--json`, otherwise nothing.
pub struct Progress {
    bar: ProgressBar,
    json: bool,
    started: Instant,
    finished_before: u64,
    told: u64,
}

impl Progress {
    /// The progress towards so many matches, of which some are finished already.
    pub fn of(matches: u64, finished: u64, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} matches, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(matches), target)
            .with_style(style.expect("the template is well formed"))
            .with_position(finished);
        bar.reset_eta();
        Self { bar, json, started: Instant::now(), finished_before: finished, told: finished }
    }

    /// So many matches are finished.
    pub fn finished(&mut self, matches: u64) -> io::Result<()> {
        self.bar.set_position(matches);
        while self.json && self.told / STEP < matches / STEP {
            self.told = (self.told / STEP + 1) * STEP;
            print([json!({ "finished": self.told })])?;
        }
        Ok(())
    }

    /// Takes the bar away and tells how fast it went.
    pub fn finish(self, matches: u64) -> String {
        self.bar.finish_and_clear();
        let matches = matches - self.finished_before;
        let per_second = u128::from(matches) * 1_000_000 / self.started.elapsed().as_micros().max(1);
        format!("{matches} matches, {per_second} matches per second")
    }
}

/// Prints the table, for eyes or as JSON.
pub fn print_table(records: &Records, json: bool) -> io::Result<()> {
    let mut players: Vec<(&String, &Player)> = records.players.iter().collect();
    players.sort_by_key(|(key, player)| (Reverse(player.rating), *key));
    let best = players.iter().take(TOP);
    let rows = best.map(|(key, player)| (*key, player.rating, player.stays.len()));
    let matches = records.games.len();
    if json {
        let summary = json!({ "matches": matches, "players": players.len() });
        let rows =
            rows.map(|(key, rating, games)| json!({ "player": key, "rating": rating, "games": games }));
        return print([summary].into_iter().chain(rows));
    }
    let summary = format!("{matches} matches of {} players", players.len());
    let rows = rows.map(|(key, rating, games)| format!("{key}  rating {rating:5}  games {games:4}"));
    print([summary].into_iter().chain(rows))
}

/// Prints lines, and flushes them: the reader may be a program that acts on them.
pub fn print<L: ToString>(lines: impl IntoIterator<Item = L>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{}", line.to_string())?;
    }
    stdout.flush()
}
