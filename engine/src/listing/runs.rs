//! Runs by what is known of them.

use super::{changed::ChangedSlots, walk::Walk};
use crate::record::{self, RunRecord};
use sarsen_protocol::{Keyspace, Page, Read, RunId, RunStatus, Timestamp, record::RecordError};

/// A run that a listing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRun {
    /// Its id.
    pub run: RunId,
    /// What is known of it.
    pub record: RunRecord,
}

/// Which runs are wanted. The default: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Those of this orchestration.
    pub orchestration: Option<String>,
    /// Those that have one of these statuses; none named: any.
    pub statuses: Vec<RunStatus>,
    /// Those whose id begins so.
    pub id_prefix: String,
    /// Those that have all of these tags.
    pub tags: Vec<(String, String)>,
    /// Those whose start was accepted then.
    pub created: TimeSpan,
    /// Those that ended then.
    pub completed: TimeSpan,
    /// Those whose record has changed at this moment or later.
    pub changed_since: Option<Timestamp>,
}

/// From a moment on, and before another. The default: at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSpan {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The first moment behind it.
    pub before: Option<Timestamp>,
}

impl TimeSpan {
    fn contains(self, moment: Option<Timestamp>) -> bool {
        let Some(moment) = moment else { return self == Self::default() };
        self.from.is_none_or(|from| from <= moment) && self.before.is_none_or(|before| moment < before)
    }
}

impl RunFilter {
    fn wants(&self, record: &RunRecord) -> bool {
        self.orchestration.as_ref().is_none_or(|name| record.name.as_str() == name)
            && (self.statuses.is_empty() || self.statuses.contains(&record.status))
            && self.tags.iter().all(|tag| record.labels.tags.contains(tag))
            && self.created.contains(Some(record.created))
            && self.completed.contains(record.completed)
            && self.changed_since.is_none_or(|since| since <= record.changed)
    }
}

/// A walk over runs. Each is found once, in an order that stays the same while the store's format does: by slot, then
/// by id.
#[derive(Clone, Debug)]
pub struct RunListing {
    /// The slots to walk are found first, when only those are wanted that have changed.
    changed: Option<ChangedSlots>,
    walk: Walk,
    filter: RunFilter,
}

impl RunListing {
    /// A walk that reads about `page_rows` runs a page.
    pub fn new(filter: RunFilter, page_rows: usize) -> Self {
        // A run's name is empty.
        let prefix = format!("\0{}", filter.id_prefix);
        let changed = filter.changed_since.map(ChangedSlots::since);
        Self { changed, walk: Walk::new(Keyspace::Instances, &prefix, page_rows), filter }
    }

    /// What to read next, from one state of the store; `None` when the walk is over.
    pub fn next_read(&self) -> Option<Vec<Read>> {
        match &self.changed {
            Some(changed) => Some(changed.next_read()),
            None => self.walk.next_read(),
        }
    }

    /// Takes in what was read and moves on.
    ///
    /// # Errors
    /// [`RecordError`] when a record is damaged or newer than this build.
    pub fn take(&mut self, pages: &[Page]) -> Result<Vec<ListedRun>, RecordError> {
        if let Some(changed) = &mut self.changed {
            if let Some(slots) = changed.take(pages)? {
                self.walk.only(slots);
                self.changed = None;
            }
            return Ok(Vec::new());
        }
        let filter = &self.filter;
        self.walk.take(pages, |row| {
            let Some(record) = record::read_run_row(&row.value)?.run else { return Ok(None) };
            let run = record::read_instance_key(&row.key)?.as_run();
            Ok(run.filter(|_| filter.wants(&record)).map(|run| ListedRun { run, record }))
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::record::RunRow;
    use bytes::Bytes;
    use sarsen_protocol::{ExecutionId, Labels, OrchestrationName, Row, Slot, Uuid};
    use std::collections::BTreeMap;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    /// A run that was created at a second, and is over since another.
    pub(crate) fn listed(id: &str, created: u64, completed: Option<u64>) -> ListedRun {
        let first = ExecutionId(Uuid::nil());
        let record = RunRecord {
            name: OrchestrationName::of("o"),
            first,
            execution: first,
            status: if completed.is_some() { RunStatus::Completed } else { RunStatus::Running },
            created: at(created),
            changed: at(completed.unwrap_or(created)),
            completed: completed.map(at),
            custom_status: None,
            outcome: None,
            parent: None,
            labels: Labels::default(),
            parked: None,
            chunks: 0,
            extras: None,
        };
        ListedRun { run: RunId::new(id).expect("valid"), record }
    }

    type Rows = BTreeMap<(Keyspace, Bytes), Bytes>;

    fn answer(rows: &Rows, read: &Read) -> Page {
        let of = |key: &Bytes| (read.keyspace, key.clone());
        let found = rows.range(of(&read.from)..of(&read.to)).take(read.rows_max + 1);
        let mut rows: Vec<Row> =
            found.map(|((_, key), value)| Row { key: key.clone(), value: value.clone() }).collect();
        let more = rows.len() > read.rows_max;
        rows.truncate(read.rows_max);
        Page { rows, more }
    }

    /// The ids that a filter finds, and how many instances were read for them.
    fn found(rows: &Rows, filter: RunFilter) -> (Vec<String>, usize) {
        let mut listing = RunListing::new(filter, 2);
        let (mut ids, mut read) = (Vec::new(), 0);
        while let Some(reads) = listing.next_read() {
            let pages: Vec<Page> = reads.iter().map(|read| answer(rows, read)).collect();
            if reads[0].keyspace == Keyspace::Instances {
                read += reads.len();
            }
            ids.extend(listing.take(&pages).expect("whole").into_iter().map(|found| found.run.to_string()));
        }
        ids.sort();
        (ids, read)
    }

    fn tag(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn store() -> Rows {
        let mut rows = Rows::new();
        let runs = [
            ("a", 1, None, "blue"),
            ("b", 2, Some(25), "red"),
            ("c", 30, None, "blue"),
            ("d", 4, Some(50), "blue"),
        ];
        let mut spans: BTreeMap<u16, u64> = BTreeMap::new();
        for (id, created, completed, team) in runs {
            let mut run = listed(id, created, completed);
            run.record.labels.tags = vec![tag("team", team), tag("id", id)];
            let address = sarsen_protocol::Address::run(&run.run);
            let span = spans.entry(address.slot().number()).or_default();
            *span = (*span).max(record::span_of(run.record.changed));
            let row = RunRow { run: Some(run.record), garbage: Vec::new() };
            rows.insert((Keyspace::Instances, record::instance_key(&address)), record::write_run(&row));
        }
        for (slot, span) in spans {
            let slot = Slot::new(slot).expect("a slot");
            rows.insert((Keyspace::Meta, record::changed_key(slot)), record::write_changed(span));
        }
        rows
    }

    #[test]
    fn a_filter_by_tags_and_moments_finds_those_for_which_all_of_it_holds() {
        let rows = store();
        let check = |filter: RunFilter, expect: &[&str]| assert_eq!(found(&rows, filter).0, expect);
        let tags = |tags: &[(&str, &str)]| RunFilter {
            tags: tags.iter().map(|(name, value)| tag(name, value)).collect(),
            ..RunFilter::default()
        };
        let span =
            |from: Option<u64>, before: Option<u64>| TimeSpan { from: from.map(at), before: before.map(at) };
        check(RunFilter::default(), &["a", "b", "c", "d"]);
        check(tags(&[("team", "blue")]), &["a", "c", "d"]);
        check(tags(&[("team", "blue"), ("id", "c")]), &["c"]);
        check(tags(&[("team", "green")]), &[]);
        check(RunFilter { created: span(Some(2), Some(30)), ..RunFilter::default() }, &["b", "d"]);
        check(RunFilter { completed: span(None, Some(50)), ..RunFilter::default() }, &["b"]);
        check(RunFilter { completed: span(Some(0), None), ..tags(&[("team", "blue")]) }, &["d"]);
    }

    #[test]
    fn only_slots_are_read_whose_runs_have_changed_since() {
        let rows = store();
        for (since, expect, most) in
            [(0, "a b c d", 4), (25, "b c d", 3), (29, "c d", 3), (50, "d", 1), (60, "", 0)]
        {
            let (ids, read) =
                found(&rows, RunFilter { changed_since: Some(at(since)), ..RunFilter::default() });
            assert_eq!(ids.join(" "), expect);
            assert!(read <= most, "{read} slots were read for {since}");
        }
    }
}
