//! What was refused because of a limit of an entity type, counted.

use super::Shard;
use std::collections::BTreeMap;

/// How often the limits of an entity type were met since the shard was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusals {
    /// Requests of clients that were refused as busy because a mailbox was full.
    pub mailbox_full: u64,
    /// Messages of orchestrations and entities that were given up, and calls that failed, because a mailbox was full.
    pub mailbox_overflowed: u64,
    /// Requests of clients that were refused as busy because they came too fast.
    pub too_fast: u64,
    /// Operations that failed because the state would have become too long.
    pub states_too_large: u64,
}

impl Refusals {
    /// Adds those of another shard.
    pub fn add(&mut self, other: Self) {
        let Self { mailbox_full, mailbox_overflowed, too_fast, states_too_large } = other;
        self.mailbox_full += mailbox_full;
        self.mailbox_overflowed += mailbox_overflowed;
        self.too_fast += too_fast;
        self.states_too_large += states_too_large;
    }
}

impl Shard {
    /// Counts for a type. Of runs nothing is counted.
    pub(super) fn refused(&mut self, name: &str, count: impl FnOnce(&mut Refusals)) {
        if let Some(registered) = self.config.registry.registered(name) {
            count(self.refused.entry(registered.behaviour.name()).or_default());
        }
    }

    /// The counts of all registered types.
    pub(super) fn refusals_by_type(&self) -> BTreeMap<&'static str, Refusals> {
        let names = self.config.registry.entity_names();
        names.map(|name| (name, self.refused.get(name).copied().unwrap_or_default())).collect()
    }
}
