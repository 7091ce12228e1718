//! The orchestration that never has to end: it looks, notes what it saw, waits, and begins anew.

use sarsen::{CallError, Context, Entity, activity, operations, orchestration};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a round begins with, and hands to the next one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Watch {
    /// The key of the [`Logbook`].
    pub logbook: String,
    /// The last round that is over.
    pub round: u64,
    /// The last round of all.
    pub rounds: u64,
    pub pause: Duration,
    /// How often it was down.
    pub outages: u64,
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    Up,
    Down,
}

/// What was seen in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub round: u64,
    pub reading: Reading,
}

/// Keeps what was seen, in the order in which it was noted.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
pub struct Logbook {
    pub notes: Vec<Note>,
}

#[operations]
impl Logbook {
    pub fn note(&mut self, note: Note) {
        self.notes.push(note);
    }
}

/// Looks whether what is watched is up: here, whatever is down in every seventh round.
#[activity]
pub async fn look(round: u64) -> Reading {
    if round.is_multiple_of(7) { Reading::Down } else { Reading::Up }
}

/// One round. The next one is an execution of its own, with a history of its own, so that this may go on for ever.
///
/// Returns how often it was down.
#[orchestration]
pub async fn monitor(cx: Context, watch: Watch) -> Result<u64, CallError> {
    let round = watch.round + 1;
    let reading = cx.activity(look, round).await?;
    cx.entity::<Logbook>(&watch.logbook).note(Note { round, reading }).await?;
    let outages = watch.outages + u64::from(reading == Reading::Down);
    cx.set_status(&round)?;
    if round >= watch.rounds {
        return Ok(outages);
    }
    cx.timer(watch.pause).await;
    cx.continue_as_new(&Watch { round, outages, ..watch }).await
}
