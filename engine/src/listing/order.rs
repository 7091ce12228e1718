//! Runs in an order, page by page.
//!
//! Records lie by slot, so each page is a walk over all runs that keeps the best of those behind the page before: its
//! memory is a page, whatever the number of runs, and a page is where it is however many runs come and go before it.

use super::runs::ListedRun;
use sarsen_protocol::{RunId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An order of runs; those of the same moment are in the order of their ids. By the moment of the end, those that are
/// not over are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RunOrder {
    /// The last that was created comes first.
    CreatedNewest,
    /// The first that was created comes first.
    CreatedOldest,
    /// The last that ended comes first.
    CompletedNewest,
    /// The first that ended comes first.
    CompletedOldest,
}

/// Where a page ended, and in which order. It has JSON, so it may go through other hands; it stays good for ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PageToken {
    order: RunOrder,
    at: Timestamp,
    run: RunId,
}

impl PageToken {
    /// The order of the page.
    pub fn order(&self) -> RunOrder {
        self.order
    }
}

/// A run's place in an order.
type Place = (u64, RunId);

impl RunOrder {
    fn moment(self, run: &ListedRun) -> Option<Timestamp> {
        match self {
            Self::CreatedNewest | Self::CreatedOldest => Some(run.record.created),
            Self::CompletedNewest | Self::CompletedOldest => run.record.completed,
        }
    }

    fn place(self, at: Timestamp, run: &RunId) -> Place {
        let micros = at.as_micros();
        let micros = match self {
            Self::CreatedNewest | Self::CompletedNewest => u64::MAX - micros,
            Self::CreatedOldest | Self::CompletedOldest => micros,
        };
        (micros, run.clone())
    }
}

/// Keeps the runs of a page.
#[derive(Clone, Debug)]
pub struct RunSorter {
    order: RunOrder,
    rows: usize,
    after: Option<Place>,
    best: BTreeMap<Place, ListedRun>,
}

impl RunSorter {
    /// A page of `rows` runs, at least one, from the beginning or behind an earlier page of the same order.
    pub fn new(order: RunOrder, rows: usize, after: Option<&PageToken>) -> Self {
        let after = after.map(|token| order.place(token.at, &token.run));
        Self { order, rows: rows.max(1), after, best: BTreeMap::new() }
    }

    /// Looks at a run.
    pub fn add(&mut self, run: ListedRun) {
        let Some(at) = self.order.moment(&run) else { return };
        let place = self.order.place(at, &run.run);
        if self.after.as_ref().is_some_and(|after| place <= *after) {
            return;
        }
        // One more than are wanted tells that there is another page.
        let worst = self.best.last_key_value().filter(|_| self.best.len() > self.rows);
        if worst.is_some_and(|(worst, _)| *worst <= place) {
            return;
        }
        self.best.insert(place, run);
        if self.best.len() > self.rows + 1 {
            self.best.pop_last();
        }
    }

    /// The page, and where the next one begins if there is another.
    pub fn finish(mut self) -> (Vec<ListedRun>, Option<PageToken>) {
        let more = self.best.len() > self.rows;
        if more {
            self.best.pop_last();
        }
        let order = self.order;
        let last = self.best.last_key_value().filter(|_| more).map(|(_, run)| run);
        let token = last.and_then(|run| {
            let at = order.moment(run)?;
            Some(PageToken { order, at, run: run.run.clone() })
        });
        (self.best.into_values().collect(), token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::runs::tests::listed;

    /// All pages of so many rows.
    fn pages(order: RunOrder, rows: usize) -> Vec<Vec<String>> {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let mut sorter = RunSorter::new(order, rows, after.as_ref());
            for (id, created, completed) in
                [("c", 3, None), ("b", 1, Some(9)), ("e", 3, Some(4)), ("a", 2, Some(9)), ("d", 5, None)]
            {
                sorter.add(listed(id, created, completed));
            }
            let (runs, next) = sorter.finish();
            pages.push(runs.into_iter().map(|run| run.run.to_string()).collect());
            let Some(token) = next else { return pages };
            assert_eq!(token.order(), order);
            let json = sarsen_protocol::json::encode(&token).expect("it has JSON");
            after = Some(sarsen_protocol::json::decode(&json).expect("it comes back"));
        }
    }

    #[test]
    fn pages_of_any_size_hold_each_run_once_and_in_order() {
        for (order, expect) in [
            (RunOrder::CreatedNewest, "d c e a b"),
            (RunOrder::CreatedOldest, "b a c e d"),
            (RunOrder::CompletedNewest, "a b e"),
            (RunOrder::CompletedOldest, "e a b"),
        ] {
            for rows in 1..7 {
                let pages = pages(order, rows);
                assert!(pages.iter().rev().skip(1).all(|page| page.len() == rows), "{pages:?}");
                assert_eq!(pages.concat().join(" "), expect);
            }
        }
    }
}
