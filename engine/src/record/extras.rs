//! What is kept of an entity beside its state and its producers. Most entities have nothing of it, and their record
//! does not say so.

use super::RowId;
use sarsen_protocol::{
    CommandId, Epoch, Life, OperationName, Period, ScheduleId, ScheduledSignal, Timestamp,
};
use serde::{Deserialize, Serialize};

/// What an entity's record holds since version 2, where it holds anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extras {
    /// The timer that looks whether something of the entity has had its time.
    pub(crate) alarm: Option<Alarm>,
    /// When an operation last changed it, if its type's entities have a time to live.
    pub(crate) changed: Option<Timestamp>,
    /// What is scheduled under ids, in the order in which it was.
    pub(crate) schedules: Vec<ScheduleRecord>,
}

/// What is scheduled at an entity under an id, and which timer stands for it. The timer's row holds the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScheduleRecord {
    pub(crate) id: ScheduleId,
    pub(crate) operation: OperationName,
    /// When the timer is due.
    pub(crate) due: Timestamp,
    pub(crate) every: Option<Period>,
    /// Names the timer's row, with the counter.
    pub(crate) epoch: Epoch,
    pub(crate) counter: u64,
}

impl ScheduleRecord {
    /// Whether the timer that stands for the id is the one by which a signal has come.
    pub(crate) fn stands_for(&self, signal: &ScheduledSignal) -> bool {
        (&self.id, self.epoch, self.counter) == (&signal.id, signal.epoch, signal.counter)
    }

    /// The timer's row.
    pub(crate) fn row(&self) -> RowId {
        RowId { epoch: self.epoch, counter: self.counter }
    }
}

/// A timer of an entity as a whole. It has one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alarm {
    /// Names it; another life of the entity has another.
    pub(crate) life: Life,
    pub(crate) due: Timestamp,
}

impl Extras {
    /// Whether there is nothing to keep.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl RowId {
    /// The timer of an entity as a whole.
    pub(crate) fn of_life(life: Life) -> Self {
        Self::of_unique(life.0, CommandId(u32::MAX))
    }
}
