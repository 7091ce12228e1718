//! What is kept of an entity beside its state and its producers. Most entities have nothing of it, and their record
//! does not say so.

use super::RowId;
use sarsen_protocol::{CommandId, Life, Timestamp};
use serde::{Deserialize, Serialize};

/// What an entity's record holds since version 2, where it holds anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extras {
    /// The timer that looks whether something of the entity has had its time.
    pub(crate) alarm: Option<Alarm>,
    /// When an operation last changed it, if its type's entities have a time to live.
    pub(crate) changed: Option<Timestamp>,
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
