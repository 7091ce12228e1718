//! While a section is held nobody else does anything to its accounts: between what it has done to one of them nothing
//! else is done to that one, and from the first of its calls that were answered to the last nothing to any of them, but
//! for those whose lock an operator has taken from it. And nothing is done twice.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        account::{Account, Entry, Op},
        memory::Memory,
    },
};
use sarsen_engine::Fault;
use sarsen_protocol::Keyspace;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const NAME: &str = "exclusion";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(sarsen_testing::Fault::LoseRows(Keyspace::Keys))];

/// The faults that break it where sections overlap.
pub(crate) const ARMED_IN_SECTIONS: &[Armed] =
    &[Armed::Engine(Fault::LockIgnored), Armed::Engine(Fault::LostLockServes)];

/// Names a section: its execution and its command.
type Tag = (u64, u32);

/// From its first call to its last.
type Spans<Key> = BTreeMap<Key, (u64, u64)>;

fn tag(entry: &Entry) -> Option<Tag> {
    Some((entry.op.execution, entry.section?))
}

fn widen<Key: Ord>(spans: &mut Spans<Key>, key: Key, tick: u64) {
    let span = spans.entry(key).or_insert((tick, tick));
    *span = (span.0.min(tick), span.1.max(tick));
}

pub(crate) fn check(accounts: &BTreeMap<String, Account>, memory: &Memory) -> Checked {
    let mut own: Spans<(&str, Tag)> = Spans::new();
    let mut whole: Spans<Tag> = Spans::new();
    let mut done: BTreeSet<Op> = BTreeSet::new();
    for (key, account) in accounts {
        if let Some(pair) = account.log.windows(2).find(|pair| pair[0].tick >= pair[1].tick) {
            return Err(format!("account {key} has done {pair:?} in another order"));
        }
        for entry in &account.log {
            if !done.insert(entry.op) {
                return Err(format!("account {key} has done once too often: {entry:?}"));
            }
            let Some(tag) = tag(entry) else { continue };
            widen(&mut own, (key, tag), entry.tick);
            if memory.answered.contains(&entry.op) {
                widen(&mut whole, tag, entry.tick);
            }
        }
    }
    for ((key, section), (first, last)) in &own {
        let (first, last) = match whole.get(section).filter(|_| !memory.is_forced(key, *section)) {
            Some(span) => (*first.min(&span.0), *last.max(&span.1)),
            None => (*first, *last),
        };
        let mut inside = accounts[*key].log.iter().filter(|entry| (first..=last).contains(&entry.tick));
        if let Some(other) = inside.find(|entry| tag(entry) != Some(*section)) {
            return Err(format!("account {key} has done {other:?} in the middle of section {section:?}"));
        }
    }
    Ok(())
}
