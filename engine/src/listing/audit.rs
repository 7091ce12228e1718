//! Reading an entity's audit, from either end.

use crate::record::{self, AuditEntry};
use sarsen_protocol::{Address, Keyspace, Page, Read, record::RecordError};

/// Walks the audit of one entity, as it was when the walk began; rows that are removed meanwhile are left out.
#[derive(Clone, Debug)]
pub struct AuditListing {
    address: Address,
    newest_first: bool,
    page_rows: u64,
    /// The rows that are left, from the first to the last; `None` before they are known.
    rest: Option<(u64, u64)>,
}

impl AuditListing {
    /// Of an entity, in pages of so many rows.
    pub fn new(address: Address, newest_first: bool, page_rows: usize) -> Self {
        let page_rows = u64::try_from(page_rows.max(1)).unwrap_or(u64::MAX);
        Self { address, newest_first, page_rows, rest: None }
    }

    /// What to read next; `None` when the walk is over.
    pub fn next_read(&self) -> Option<Read> {
        let Some(rest) = self.rest else {
            let (from, to) = record::exactly(&record::instance_key(&self.address));
            let keyspace = Keyspace::Instances;
            return Some(Read { keyspace, from, to, rows_max: 1, bytes_max: usize::MAX, values: true });
        };
        let (first, last) = self.page(rest)?;
        let (from, to) = record::audit_bounds(&self.address, first, last);
        let keyspace = Keyspace::Audit;
        Some(Read { keyspace, from, to, rows_max: usize::MAX, bytes_max: usize::MAX, values: true })
    }

    /// The rows of the next page.
    fn page(&self, (first, last): (u64, u64)) -> Option<(u64, u64)> {
        let more = self.page_rows - 1;
        match self.newest_first {
            _ if first > last => None,
            true => Some((first.max(last.saturating_sub(more)), last)),
            false => Some((first, last.min(first.saturating_add(more)))),
        }
    }

    /// Takes in what was read and moves on.
    ///
    /// # Errors
    /// [`RecordError`] when a record is damaged or newer than this build.
    pub fn take(&mut self, page: &Page) -> Result<Vec<AuditEntry>, RecordError> {
        let Some(rest) = self.rest else {
            let record = page.rows.first().map(|row| record::read_instance(&row.value)).transpose()?;
            let span = record.and_then(|(header, _)| header.extras?.audit).unwrap_or_default();
            self.rest = Some((span.removed + 1, span.written));
            return Ok(Vec::new());
        };
        if let Some((first, last)) = self.page(rest) {
            self.rest = Some(if self.newest_first { (rest.0, first - 1) } else { (last + 1, rest.1) });
        }
        let rows = page.rows.iter().map(|row| record::read_audit(&row.key, &row.value));
        let mut entries = rows.collect::<Result<Vec<_>, _>>()?;
        if self.newest_first {
            entries.reverse();
        }
        Ok(entries)
    }
}
