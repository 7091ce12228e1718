//! Carrying the overlay into the tables.
//!
//! A walk takes the oldest layer, frozen, through all spaces in the order of keys, in commits of one contiguous range
//! each, so that each page is touched once and no commit is long. The last one also says which group of the journal now
//! rests in the tables; until it is durable the layer stays where it is, and a crash begins with that group's predecessor
//! again, which does no harm: what was carried is carried once more.

use super::format::{self, RESTING_KEY, STORE};
use super::tables::{self, Tables};
use super::{RedbOptions, RedbStore};
use crate::journal::{Row, Space};
use crate::overlay::{Frozen, Overlay};
use crate::{Error, Progress};
use std::sync::Arc;

/// So many bytes one commit carries at most, and one row.
const RANGE_BYTES: usize = 8 << 20;

/// The rows of a step that a commit makes, since nobody else makes room.
const OWN_STEP_ROWS: usize = 16_384;

/// From so much of its limits on, in percent, a backlog is worked off before a commit goes on: one step for each, and
/// all of it beyond the second.
const FULL: u32 = 100;
const OVERFULL: u32 = 125;

/// A frozen layer on its way into the tables.
#[derive(Debug)]
pub(super) struct Walk {
    frozen: Arc<Frozen>,
    /// The next row: its space, and its place there.
    space: usize,
    index: usize,
}

impl RedbStore {
    /// Carries the next range. Begins a walk when there is none.
    pub(super) fn step(&self, rows_max: usize) -> Result<Progress, Error> {
        let mut walk = self.held(&self.walk)?;
        let under_way = match walk.take() {
            Some(walk) => walk,
            None => match self.held(&self.overlay)?.oldest() {
                Some(frozen) => Walk { frozen, space: 0, index: 0 },
                None => return Ok(Progress::Done),
            },
        };
        let resting = under_way.frozen.end.group;
        *walk = under_way.carry(&self.tables, rows_max.max(1))?;
        if walk.is_some() {
            return Ok(Progress::More);
        }
        self.held(&self.overlay)?.settle();
        self.held(&self.writer)?.journal.release(resting);
        Ok(Progress::Ended)
    }

    /// Keeps what waits for a checkpoint within its bounds.
    pub(super) fn make_room(&self) -> Result<(), Error> {
        let mut backlog = self.options.backlog(&*self.held(&self.overlay)?);
        while backlog >= FULL && self.step(OWN_STEP_ROWS)? != Progress::Done {
            if backlog < OVERFULL {
                return Ok(());
            }
            backlog = self.options.backlog(&*self.held(&self.overlay)?);
        }
        Ok(())
    }
}

impl RedbOptions {
    /// How much waits for a checkpoint, in percent of what may.
    pub(super) fn backlog(&self, overlay: &Overlay) -> u32 {
        let percent =
            |now: u64, max: u64| u32::try_from(now.saturating_mul(100) / max.max(1)).unwrap_or(u32::MAX);
        percent(overlay.tail_bytes(), self.tail_bytes_max)
            .max(percent(overlay.tail_rows(), self.tail_rows_max))
            .max(percent(overlay.bytes() as u64, self.overlay_bytes_max() as u64))
    }

    /// The memory for pages of the tables.
    pub(super) fn pages_bytes_max(&self) -> usize {
        self.cache_bytes / 2
    }

    /// The memory for what does not rest in the tables.
    pub(super) fn overlay_bytes_max(&self) -> usize {
        self.cache_bytes - self.pages_bytes_max()
    }
}

impl Walk {
    /// Carries up to `rows_max` rows in one commit. Returns the rest, if there is any.
    fn carry(mut self, tables: &Tables, rows_max: usize) -> Result<Option<Self>, Error> {
        tables.call(|| {
            let transaction = tables.transaction()?;
            let (mut rows, mut bytes) = (0, 0);
            while self.space < Space::COUNT && rows < rows_max && bytes < RANGE_BYTES {
                let Some(space) = u8::try_from(self.space).ok().and_then(Space::new) else { break };
                let sorted = self.frozen.layer.sorted(space);
                let mut taken = 0;
                let range = sorted.from(self.index).take_while(|(key, value)| {
                    let fits = rows + taken < rows_max && bytes < RANGE_BYTES;
                    if fits {
                        taken += 1;
                        bytes += key.len() + value.map_or(0, <[u8]>::len);
                    }
                    fits
                });
                let mut range = range.map(|(key, value)| Row { space, key, value }).peekable();
                if range.peek().is_some() {
                    tables::apply(&transaction, space, range)?;
                } else {
                    drop(range);
                }
                rows += taken;
                self.index += taken;
                if self.index == sorted.len() {
                    (self.space, self.index) = (self.space + 1, 0);
                }
            }
            let is_end = self.space == Space::COUNT;
            if is_end {
                let resting = format::encode_resting(self.frozen.end.group);
                transaction.open_table(STORE)?.insert(RESTING_KEY, resting.as_slice())?;
            }
            transaction.commit()?;
            Ok((!is_end).then_some(self))
        })
    }
}
