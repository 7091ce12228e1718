//! Opening: what a crash may have left, what must be there, and what is read once.

use super::fault::{Guarded, calling, damaged};
use super::format::{self, FORMAT_KEY, LEASE_END, LEASE_PREFIX, RESTING_KEY, STORE};
use super::tables::Tables;
use super::{RedbOptions, RedbStore, Writer};
use crate::journal::{self, GroupNumber, Recording, Row, Space};
use crate::leases::Leases;
use crate::meter::{Meter, Metered};
use crate::overlay::Overlay;
use crate::{Disk, DiskFile, Error};
use redb::{ReadableDatabase, TableHandle};
use sarsen_protocol::Keyspace;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// The file of the tables.
pub(crate) const STATE: &str = "state.redb";

/// The first bytes of a redb file declare it one.
const MAGIC_BYTES: u64 = 9;
/// So many bytes redb writes in a new file before it declares it one.
const HEADER_BYTES: u64 = 320;

/// What the tables hold of the store itself.
struct Resting {
    /// The last group of the journal that rests in the tables.
    group: GroupNumber,
    /// The records of leases by their keys.
    leases: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Opens the store on `disk`, creating it on an empty one.
pub(super) fn open(disk: Arc<dyn Disk>, options: RedbOptions, meter: Arc<Meter>) -> Result<RedbStore, Error> {
    let tables = open_tables(&*disk, options, &meter)?;
    let Resting { group, mut leases } = check(&tables)?;
    let mut overlay = Overlay::new(group);
    let journal = journal::recover(disk, &meter, options.segment_bytes, group, |recovered| {
        for row in recovered.rows().filter(|row| row.space == Space::STORE) {
            change(&mut leases, row);
        }
        overlay.apply(recovered.group, recovered.bytes, recovered.rows());
    })?;
    let mut restored = Leases::default();
    for lease in leases.values() {
        restored.restore(format::decode_lease(&tables.what, lease)?);
    }
    let writer = Writer { journal, recording: Recording::default() };
    Ok(RedbStore {
        tables,
        options,
        leases: Mutex::new(restored),
        writer: Mutex::new(writer),
        overlay: Mutex::new(overlay),
        walk: Mutex::default(),
        meter,
        _directory: None,
    })
}

fn change(leases: &mut BTreeMap<Vec<u8>, Vec<u8>>, row: Row<'_>) {
    match row.value {
        Some(value) => leases.insert(row.key.to_vec(), value.to_vec()),
        None => leases.remove(row.key),
    };
}

fn open_tables(disk: &dyn Disk, options: RedbOptions, meter: &Arc<Meter>) -> Result<Tables, Error> {
    let what = disk.called(STATE);
    let in_file = |source| Error::Io { what: disk.called(STATE), source };
    let file = Metered::new(meter.change(|| disk.open(STATE)).map_err(in_file)?, Arc::clone(meter));
    prepare(&file).map_err(in_file)?;
    let database = calling(&what, || {
        let mut builder = redb::Builder::new();
        let database = builder.set_cache_size(options.pages_bytes_max()).create_with_backend(file)?;
        Ok(Guarded::new(database, Arc::clone(meter)))
    })?;
    let tables = Tables { database, meter: Arc::clone(meter), what };
    if tables.call(|| Ok(tables.database.begin_read()?.list_tables()?.next().is_none()))? {
        tables.call(|| create(&tables))?;
    } else {
        tables.call(|| extend(&tables))?;
    }
    Ok(tables)
}

/// Takes back a creation that did not get far enough for redb to take it up again.
fn prepare(file: &Metered) -> io::Result<()> {
    let len = DiskFile::len(file)?;
    // redb writes its magic number last of all, after a sync, so a file without one that is empty behind the header
    // never held a record. Anything else without one is damage, which redb will name.
    if is_zero(file, 0..MAGIC_BYTES.min(len))? && is_zero(file, HEADER_BYTES..len)? {
        DiskFile::set_len(file, 0)?;
    }
    Ok(())
}

fn is_zero(file: &Metered, mut bytes: Range<u64>) -> io::Result<bool> {
    let mut chunk = [0; 4096];
    while !bytes.is_empty() {
        let len = chunk.len().min(usize::try_from(bytes.end - bytes.start).unwrap_or(usize::MAX));
        file.read_at(bytes.start, &mut chunk[..len])?;
        if chunk[..len].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        bytes.start += len as u64;
    }
    Ok(true)
}

/// Creates all tables and the records of the store itself in one commit: a database has all of them or no table at all.
fn create(tables: &Tables) -> Result<(), redb::Error> {
    let transaction = tables.transaction()?;
    for keyspace in Keyspace::ALL {
        transaction.open_table(format::table(keyspace.into()))?;
    }
    let mut store = transaction.open_table(STORE)?;
    store.insert(FORMAT_KEY, format::encode_format().as_slice())?;
    store.insert(RESTING_KEY, format::encode_resting(GroupNumber(0)).as_slice())?;
    drop(store);
    Ok(transaction.commit()?)
}

/// Adds the tables that have come since the first format: a database that has those of then lacks nothing.
fn extend(tables: &Tables) -> Result<(), redb::Error> {
    let audit = format::table(Keyspace::Audit.into());
    if tables.database.begin_read()?.list_tables()?.any(|table| table.name() == audit.name()) {
        return Ok(());
    }
    let transaction = tables.transaction()?;
    transaction.open_table(audit)?;
    Ok(transaction.commit()?)
}

/// Checks the format and that each table is there, and reads what is known of leases and journal.
fn check(tables: &Tables) -> Result<Resting, Error> {
    let (format, resting, leases) = tables.call(|| {
        let transaction = tables.database.begin_read()?;
        let store = transaction.open_table(STORE)?;
        for keyspace in Keyspace::ALL {
            transaction.open_table(format::table(keyspace.into()))?;
        }
        let record = |key: &'static [u8]| -> Result<_, redb::Error> {
            Ok(store.get(key)?.map(|value| value.value().to_vec()))
        };
        let leases = store.range(LEASE_PREFIX..LEASE_END)?.map(|row| {
            let (key, value) = row?;
            Ok((key.value().to_vec(), value.value().to_vec()))
        });
        let leases = leases.collect::<Result<_, redb::Error>>()?;
        Ok((record(FORMAT_KEY)?, record(RESTING_KEY)?, leases))
    })?;
    let what = &tables.what;
    format::check_format(what, &format.ok_or_else(|| damaged(what, "it has no format record"))?)?;
    // A store from before there were journals has no such record.
    let group = resting.map_or(Ok(GroupNumber(0)), |resting| format::decode_resting(what, &resting))?;
    Ok(Resting { group, leases })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FaultyDisk, Outcome, Progress, RedbStore, Store};
    use bytes::Bytes;
    use sarsen_protocol::{Batch, BatchNumber, Read, SlotRange, Write};

    fn store(disk: &FaultyDisk) -> RedbStore {
        RedbStore::open(disk.clone(), RedbOptions::default()).expect("the disk is whole")
    }

    fn commit(store: &RedbStore, keyspace: Keyspace) {
        let lease = store.acquire(SlotRange::ALL).expect("nobody else has them");
        let value = Some(Bytes::from_static(b"value"));
        let write = Write { keyspace, key: Bytes::from_static(b"key"), value };
        let batch = Batch { lease, number: BatchNumber(1), writes: vec![write] };
        assert!(matches!(store.commit(&[batch])[..], [(_, Outcome::Durable(_))]));
        while store.checkpoint(1_000).expect("the disk is whole") != Progress::Done {}
    }

    fn rows(store: &RedbStore, keyspace: Keyspace) -> usize {
        let (from, to) = (Bytes::new(), Bytes::from_static(&[0xff]));
        let read = Read { keyspace, from, to, rows_max: 10, bytes_max: usize::MAX, values: true };
        store.read(&[read]).expect("the disk is whole")[0].rows.len()
    }

    /// A data directory as it was before there were audits.
    #[test]
    fn a_database_of_before_gets_the_tables_that_have_come_since() {
        let disk = FaultyDisk::new();
        commit(&store(&disk), Keyspace::Locks);
        let tables = open_tables(&disk, RedbOptions::default(), &Arc::default()).expect("it is whole");
        let transaction = tables.database.begin_write().expect("nobody else writes");
        let audit = format::table(Keyspace::Audit.into());
        assert!(transaction.delete_table(audit).expect("it can be deleted"), "it was there");
        transaction.commit().expect("the disk is whole");
        assert!(check(&tables).is_err(), "one that lacks a table is not whole");
        drop(tables);
        let opened = store(&disk);
        assert_eq!((rows(&opened, Keyspace::Locks), rows(&opened, Keyspace::Audit)), (1, 0));
        commit(&opened, Keyspace::Audit);
        drop(opened);
        assert_eq!(rows(&store(&disk), Keyspace::Audit), 1);
    }
}
