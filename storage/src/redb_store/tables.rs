//! The database: the resting place of records.

use super::fault::{Guarded, calling};
use super::format;
use crate::Error;
use crate::journal::{Row, Space};
use crate::meter::Meter;
use redb::{
    Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, Table, WriteTransaction,
};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

/// A database that is left alone once anything of the store has failed.
pub(super) struct Tables {
    pub(super) database: Guarded,
    pub(super) meter: Arc<Meter>,
    /// The file's name, for errors.
    pub(super) what: String,
}

impl Tables {
    /// Calls the database, and never again once that has failed.
    pub(super) fn call<T>(&self, call: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Error> {
        if self.meter.is_stopped() {
            return Err(Error::Stopped);
        }
        calling(&self.what, call).inspect_err(|_| self.meter.stop())
    }

    /// The tables as they are now.
    pub(super) fn snapshot(&self) -> Result<Snapshot, Error> {
        self.call(|| Ok(Snapshot { transaction: self.database.begin_read()?, tables: Default::default() }))
    }

    /// A transaction whose commit is durable, and after which the file opens at once also behind a crash.
    pub(super) fn transaction(&self) -> Result<WriteTransaction, redb::Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.set_quick_repair(true);
        Ok(transaction)
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").field("what", &self.what).finish_non_exhaustive()
    }
}

/// One state of the tables, with those that were needed so far.
pub(super) struct Snapshot {
    transaction: ReadTransaction,
    tables: [Option<ReadOnlyTable<&'static [u8], &'static [u8]>>; Space::COUNT],
}

impl Snapshot {
    pub(super) fn table(
        &mut self,
        space: Space,
    ) -> Result<&ReadOnlyTable<&'static [u8], &'static [u8]>, redb::Error> {
        Ok(match &mut self.tables[space.index()] {
            Some(table) => table,
            closed => closed.insert(self.transaction.open_table(format::table(space))?),
        })
    }
}

/// Applies rows of one space, which stand in the order of their keys.
pub(super) fn apply<'a>(
    transaction: &WriteTransaction,
    space: Space,
    rows: impl Iterator<Item = Row<'a>>,
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(format::table(space))?;
    let last = table.last()?.map(|(key, _)| key.value().to_vec());
    let mut rows = rows.peekable();
    if let Some(last) = last {
        while let Some(row) = rows.next_if(|row| row.key <= &last[..]) {
            match row.value {
                Some(value) => table.insert(row.key, value)?,
                None => table.remove(row.key)?,
            };
        }
    }
    if rows.peek().is_none() {
        return Ok(());
    }
    append(&mut table, rows)
}

/// Appends rows whose keys are behind all others. Deletions find nothing there.
fn append<'a>(
    table: &mut Table<'_, &'static [u8], &'static [u8]>,
    rows: impl Iterator<Item = Row<'a>>,
) -> Result<(), redb::Error> {
    let mut cursor = table.upper_bound_mut(Bound::<&[u8]>::Unbounded)?;
    for row in rows {
        if let Some(value) = row.value {
            cursor.insert_before(row.key, value)?;
        }
    }
    Ok(cursor.close()?)
}
