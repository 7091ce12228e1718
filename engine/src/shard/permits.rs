//! Permits: how many runs of an orchestration are under way at a time, where that is limited.
//!
//! A run of such an orchestration has a row from the moment at which its execution could begin until its end: it waits
//! for a permit or holds one. The rows are read before the first turn, so each life of a shard begins with the permits
//! that the last one left, and with the same order of those who wait. What is here is ahead of the rows by the open
//! batch alone, which writes them together with the records that they belong to.

use super::batch::OpenBatch;
use crate::record::{self, PermitRecord, RowId};
use sarsen_protocol::{Address, HashMap, Keyspace, OrchestrationName, Page, record::RecordError};
use std::collections::BTreeMap;

/// The permits of a shard.
#[derive(Debug, Default)]
pub(crate) struct Permits {
    pools: BTreeMap<OrchestrationName, Pool>,
    runs: HashMap<Address, Permit>,
    /// Runs whose rows may have to be written.
    changed: Vec<Address>,
    waiting: usize,
}

/// The runs of one orchestration.
#[derive(Debug, Default)]
struct Pool {
    holders: usize,
    /// Who waits, in the order in which they came.
    waiting: BTreeMap<RowId, Address>,
}

/// What is known of a run.
#[derive(Debug)]
struct Permit {
    /// `None` when it is over, and its row is to go.
    record: Option<PermitRecord>,
    /// The row as it was last written.
    stored: Option<PermitRecord>,
}

impl Permits {
    /// Whether nobody waits for a permit or holds one.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many runs wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether a run waits for a permit or holds one.
    pub(crate) fn knows(&self, run: &Address) -> bool {
        self.record(run).is_some()
    }

    /// Whether a run holds a permit.
    pub(crate) fn holds(&self, run: &Address) -> bool {
        self.record(run).is_some_and(|record| record.holds)
    }

    fn record(&self, run: &Address) -> Option<&PermitRecord> {
        self.runs.get(run)?.record.as_ref()
    }

    /// Takes in rows that are there at open. A run that came into memory before they were read may have been counted in:
    /// what is here of it is newer.
    pub(crate) fn found(&mut self, page: &Page) -> Result<(), RecordError> {
        for row in &page.rows {
            let Some(run) = record::read_permit_key(&row.key)? else { continue };
            let record = record::read_permit(&row.value)?;
            if let Some(permit) = self.runs.get_mut(&run) {
                permit.stored.get_or_insert(record);
                continue;
            }
            self.count(&run, &record);
            let stored = Some(record.clone());
            self.runs.insert(run, Permit { record: Some(record), stored });
        }
        Ok(())
    }

    fn count(&mut self, run: &Address, record: &PermitRecord) {
        let pool = self.pools.entry(record.name.clone()).or_default();
        if record.holds {
            pool.holders += 1;
        } else {
            pool.waiting.insert(record.order(), run.clone());
            self.waiting += 1;
        }
    }

    fn set(&mut self, run: &Address, record: PermitRecord) {
        self.count(run, &record);
        match self.runs.get_mut(run) {
            Some(permit) => permit.record = Some(record),
            None => drop(self.runs.insert(run.clone(), Permit { record: Some(record), stored: None })),
        }
        self.changed.push(run.clone());
    }

    /// Gives a run a permit if there is one, with `most` of them in all; else it waits for one in the order of `order`.
    /// Returns whether it has one.
    pub(crate) fn ask(&mut self, run: &Address, name: &OrchestrationName, most: usize, order: RowId) -> bool {
        if let Some(record) = self.record(run) {
            return record.holds;
        }
        let holds = self.pools.get(name).is_none_or(|pool| pool.holders < most && pool.waiting.is_empty());
        self.set(run, PermitRecord::new(name, order, holds));
        holds
    }

    /// Counts a run that has begun without a permit: before its orchestration had a limit.
    pub(crate) fn count_in(&mut self, run: &Address, name: &OrchestrationName, order: RowId) {
        if !self.knows(run) {
            self.set(run, PermitRecord::new(name, order, true));
        }
    }

    /// Takes back what a run holds, or its place among those who wait.
    pub(crate) fn end(&mut self, run: &Address) {
        let Some(record) = self.runs.get_mut(run).and_then(|permit| permit.record.take()) else { return };
        if let Some(pool) = self.pools.get_mut(&record.name) {
            if record.holds {
                pool.holders -= 1;
            } else {
                pool.waiting.remove(&record.order());
                self.waiting -= 1;
            }
            if pool.holders == 0 && pool.waiting.is_empty() {
                self.pools.remove(&record.name);
            }
        }
        self.changed.push(run.clone());
    }

    /// Gives a free permit to the run that has waited the longest.
    pub(crate) fn give_next(&mut self, name: &OrchestrationName, most: usize) -> Option<Address> {
        let pool = self.pools.get_mut(name).filter(|pool| pool.holders < most)?;
        let (_, run) = pool.waiting.pop_first()?;
        pool.holders += 1;
        self.waiting -= 1;
        if let Some(record) = self.runs.get_mut(&run).and_then(|permit| permit.record.as_mut()) {
            record.holds = true;
        }
        self.changed.push(run.clone());
        Some(run)
    }

    /// The orchestrations of which runs wait.
    pub(crate) fn waited_for(&self) -> Vec<OrchestrationName> {
        let waited = self.pools.iter().filter(|(_, pool)| !pool.waiting.is_empty());
        waited.map(|(name, _)| name.clone()).collect()
    }

    /// Writes the rows that have changed since the last seal: none for who came and went within it.
    pub(crate) fn write(&mut self, batch: &mut OpenBatch) {
        for run in self.changed.drain(..) {
            let Some(permit) = self.runs.get_mut(&run) else { continue };
            if permit.record != permit.stored {
                let value = permit.record.as_ref().map(record::write_permit);
                batch.write(Keyspace::Meta, record::permit_key(&run), value);
                permit.stored.clone_from(&permit.record);
            }
            if permit.record.is_none() {
                self.runs.remove(&run);
            }
        }
    }

    /// Whether a seal would write anything.
    pub(crate) fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarsen_protocol::{Epoch, Row, RunId};

    fn run(id: &str) -> Address {
        Address::run(&RunId::new(id).expect("valid"))
    }

    fn at(counter: u64) -> RowId {
        RowId { epoch: Epoch(1), counter }
    }

    const NAME: OrchestrationName = OrchestrationName::of("o");

    /// What is written of the changes, by the runs' ids.
    fn written(permits: &mut Permits) -> Vec<(String, Option<bool>)> {
        let mut batch = OpenBatch::default();
        permits.write(&mut batch);
        let row = |write: sarsen_protocol::Write| {
            let run = record::read_permit_key(&write.key).expect("whole").expect("a permit's");
            let holds = write.value.map(|value| record::read_permit(&value).expect("whole").holds);
            (run.key().to_owned(), holds)
        };
        batch.take_writes().into_iter().map(row).collect()
    }

    /// A run that was loaded before the rows were read was counted in, and by its row once more: its permit was never free.
    #[test]
    fn a_run_that_is_known_before_its_row_is_read_counts_once() {
        let mut permits = Permits::default();
        permits.count_in(&run("a"), &NAME, at(1));
        let value = record::write_permit(&PermitRecord::new(&NAME, at(7), true));
        let row = Row { key: record::permit_key(&run("a")), value };
        permits.found(&Page { rows: vec![row], more: false }).expect("whole");
        permits.end(&run("a"));
        assert_eq!(written(&mut permits), [("a".to_owned(), None)], "its row goes");
        assert!(permits.ask(&run("b"), &NAME, 1, at(2)));
    }

    #[test]
    fn permits_are_given_in_the_order_in_which_they_were_asked_for() {
        let mut permits = Permits::default();
        let asked: Vec<bool> = ["a", "b", "c"]
            .iter()
            .zip(1..)
            .map(|(id, at_)| permits.ask(&run(id), &NAME, 1, at(at_)))
            .collect();
        assert_eq!(asked, [true, false, false]);
        assert_eq!(permits.give_next(&NAME, 1), None);
        permits.end(&run("a"));
        assert_eq!((permits.give_next(&NAME, 1), permits.give_next(&NAME, 1)), (Some(run("b")), None));
        assert!(permits.holds(&run("b")) && !permits.holds(&run("c")));
        permits.end(&run("c"));
        permits.end(&run("b"));
        assert!(permits.waited_for().is_empty() && permits.waiting() == 0);
    }

    #[test]
    fn who_comes_and_goes_between_two_seals_has_no_row() {
        let mut permits = Permits::default();
        permits.ask(&run("a"), &NAME, 1, at(1));
        permits.ask(&run("b"), &NAME, 1, at(2));
        permits.end(&run("a"));
        assert_eq!(written(&mut permits), [("b".to_owned(), Some(false))]);
        assert_eq!(permits.give_next(&NAME, 1), Some(run("b")));
        assert_eq!(written(&mut permits), [("b".to_owned(), Some(true))]);
        permits.end(&run("b"));
        permits.ask(&run("b"), &NAME, 1, at(3));
        permits.end(&run("b"));
        assert_eq!(written(&mut permits), [("b".to_owned(), None)]);
        assert!(permits.is_empty());
    }

    #[test]
    fn rows_bring_back_who_holds_and_who_waits() {
        let mut before = Permits::default();
        for (id, place) in [("a", 1), ("b", 2), ("c", 3)] {
            before.ask(&run(id), &NAME, 1, at(place));
        }
        let mut batch = OpenBatch::default();
        before.write(&mut batch);
        let row = |write: sarsen_protocol::Write| {
            Some(sarsen_protocol::Row { key: write.key, value: write.value? })
        };
        let rows = batch.take_writes().into_iter().rev().filter_map(row).collect();
        let mut permits = Permits::default();
        permits.found(&Page { rows, more: false }).expect("whole");
        assert_eq!((permits.holds(&run("a")), permits.waiting()), (true, 2));
        assert_eq!(permits.waited_for(), [NAME]);
        assert_eq!(permits.give_next(&NAME, 2), Some(run("b")));
        assert_eq!(permits.give_next(&NAME, 2), None);
    }
}
