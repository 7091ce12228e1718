//! Runs by orchestration, status and id prefix.

use super::walk::Walk;
use crate::record::{self, RunRecord};
use sarsen_protocol::{Keyspace, Page, Read, RunId, RunStatus, record::RecordError};

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
}

impl RunFilter {
    fn wants(&self, record: &RunRecord) -> bool {
        self.orchestration.as_ref().is_none_or(|name| record.name.as_str() == name)
            && (self.statuses.is_empty() || self.statuses.contains(&record.status))
    }
}

/// A walk over runs. Each is found once, in an order that stays the same while the store's format does: by slot, then
/// by id.
#[derive(Clone, Debug)]
pub struct RunListing {
    walk: Walk,
    filter: RunFilter,
}

impl RunListing {
    /// A walk that reads about `page_rows` runs a page.
    pub fn new(filter: RunFilter, page_rows: usize) -> Self {
        // A run's name is empty.
        let prefix = format!("\0{}", filter.id_prefix);
        Self { walk: Walk::new(Keyspace::Instances, &prefix, page_rows), filter }
    }

    /// What to read next, from one state of the store; `None` when the walk is over.
    pub fn next_read(&self) -> Option<Vec<Read>> {
        self.walk.next_read()
    }

    /// Takes in what was read and moves on.
    ///
    /// # Errors
    /// [`RecordError`] when a record is damaged or newer than this build.
    pub fn take(&mut self, pages: &[Page]) -> Result<Vec<ListedRun>, RecordError> {
        let filter = &self.filter;
        self.walk.take(pages, |row| {
            let Some(record) = record::read_run_row(&row.value)?.run else { return Ok(None) };
            let run = record::read_instance_key(&row.key)?.as_run();
            Ok(run.filter(|_| filter.wants(&record)).map(|run| ListedRun { run, record }))
        })
    }
}
