//! Reading an entity's audit, from either end.

use crate::record::{self, AuditEntry};
use sarsen_protocol::{Address, Keyspace, Page, Read, record::RecordError};

/// Bytes of rows read at a time; a row may have more.
const PAGE_BYTES: usize = 1 << 20;

/// Walks the audit of one entity, as it was when the walk began; rows that are removed meanwhile are left out.
///
/// A read ends behind the row with which it reaches a mebibyte. From the oldest entry on, the next one begins there. From
/// the newest on, such a read has missed the rows that were wanted: they are read again, as many as it has found room for.
#[derive(Clone, Debug)]
pub struct AuditListing {
    address: Address,
    newest_first: bool,
    page_rows: u64,
    /// How many rows the next read is to hold, at least one.
    span: u64,
    /// The rows that are left, from the first to the last; `None` before they are known.
    rest: Option<(u64, u64)>,
}

impl AuditListing {
    /// Of an entity, in pages of at most so many rows, and of few bytes.
    pub fn new(address: Address, newest_first: bool, page_rows: usize) -> Self {
        let page_rows = u64::try_from(page_rows.max(1)).unwrap_or(u64::MAX);
        Self { address, newest_first, page_rows, span: page_rows, rest: None }
    }

    /// What to read next; `None` when the walk is over.
    pub fn next_read(&self) -> Option<Read> {
        let Some(rest) = self.rest else {
            let (from, to) = record::exactly(&record::instance_key(&self.address));
            let keyspace = Keyspace::Instances;
            return Some(Read { keyspace, from, to, rows_max: 1, bytes_max: PAGE_BYTES, values: true });
        };
        let (first, last) = self.page(rest)?;
        let (from, to) = record::audit_bounds(&self.address, first, last);
        let keyspace = Keyspace::Audit;
        Some(Read { keyspace, from, to, rows_max: usize::MAX, bytes_max: PAGE_BYTES, values: true })
    }

    /// The rows of the next page.
    fn page(&self, (first, last): (u64, u64)) -> Option<(u64, u64)> {
        let more = self.span - 1;
        match self.newest_first {
            _ if first > last => None,
            true => Some((first.max(last.saturating_sub(more)), last)),
            false => Some((first, last.min(first.saturating_add(more)))),
        }
    }

    /// Takes in what was read and moves on. There may be nothing in it though the walk goes on.
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
        let Some((first, last)) = self.page(rest) else { return Ok(Vec::new()) };
        let rows = page.rows.iter().map(|row| record::read_audit(&row.key, &row.value));
        let mut entries = rows.collect::<Result<Vec<_>, _>>()?;
        // The last row of the range may be the one with which the read was full.
        let end = entries.last().map(|entry| entry.sequence).filter(|end| page.more && *end < last);
        self.resize(page, end.is_some());
        self.rest = match (end, self.newest_first) {
            (Some(_), true) => return Ok(Vec::new()),
            (Some(end), false) => Some((end + 1, rest.1)),
            (None, true) => Some((rest.0, first - 1)),
            (None, false) => Some((last + 1, rest.1)),
        };
        if self.newest_first {
            entries.reverse();
        }
        Ok(entries)
    }

    /// Lets the next read hold as many rows as there was room for, or more where this one had little in it.
    fn resize(&mut self, page: &Page, full: bool) {
        let bytes: usize = page.rows.iter().map(|row| row.key.len() + row.value.len()).sum();
        if full {
            let rows = u64::try_from(page.rows.len()).unwrap_or(u64::MAX);
            self.span = rows.min(self.span - 1).max(1);
        } else if bytes < PAGE_BYTES / 2 {
            self.span = self.span.saturating_mul(2).min(self.page_rows);
        }
    }
}

#[cfg(test)]
mod tests;
