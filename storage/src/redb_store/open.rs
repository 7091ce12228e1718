//! Opening: what a crash may have left, what must be there, and what is read once.

use super::backend::{Backend, Meter};
use super::fault::{Guarded, calling, damaged};
use super::format::{self, FORMAT_KEY, LEASE_END, LEASE_PREFIX, STORE};
use super::{RedbOptions, immediate};
use crate::leases::Leases;
use crate::{Disk, Error};
use redb::{Database, ReadableDatabase, StorageBackend};
use sarsen_protocol::Keyspace;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// The first bytes of a redb file declare it one.
const MAGIC_BYTES: u64 = 9;
/// So many bytes redb writes in a new file before it declares it one.
const HEADER_BYTES: u64 = 320;

/// Opens the database on `disk`, creating it on an empty one, and reads its leases.
pub(super) fn open<D: Disk>(
    disk: D,
    what: &str,
    options: RedbOptions,
    meter: Arc<Meter>,
) -> Result<(Guarded, Leases), Error> {
    let backend = Backend::new(disk, meter);
    prepare(&backend).map_err(|source| Error::Io { what: what.to_owned(), source })?;
    let database = calling(what, || {
        let mut builder = redb::Builder::new();
        Ok(Guarded::new(builder.set_cache_size(options.cache_bytes).create_with_backend(backend)?))
    })?;
    if calling(what, || Ok(database.begin_read()?.list_tables()?.next().is_none()))? {
        calling(what, || create(&database))?;
    }
    let leases = check(&database, what)?;
    Ok((database, leases))
}

/// Takes back a creation that did not get far enough for redb to take it up again.
fn prepare<D: Disk>(backend: &Backend<D>) -> io::Result<()> {
    let len = backend.len()?;
    // redb writes its magic number last of all, after a sync, so a file without one that is empty behind the header
    // never held a record. Anything else without one is damage, which redb will name.
    if is_zero(backend, 0..MAGIC_BYTES.min(len))? && is_zero(backend, HEADER_BYTES..len)? {
        backend.set_len(0)?;
    }
    Ok(())
}

fn is_zero<D: Disk>(backend: &Backend<D>, mut bytes: Range<u64>) -> io::Result<bool> {
    let mut chunk = [0; 4096];
    while !bytes.is_empty() {
        let len = chunk.len().min(usize::try_from(bytes.end - bytes.start).unwrap_or(usize::MAX));
        backend.read(bytes.start, &mut chunk[..len])?;
        if chunk[..len].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        bytes.start += len as u64;
    }
    Ok(true)
}

/// Creates all tables and the format record in one commit: a database has all of them or no table at all.
fn create(database: &Database) -> Result<(), redb::Error> {
    let transaction = immediate(database)?;
    for keyspace in Keyspace::ALL {
        transaction.open_table(format::table(keyspace))?;
    }
    transaction.open_table(STORE)?.insert(FORMAT_KEY, format::encode_format().as_slice())?;
    Ok(transaction.commit()?)
}

/// Checks the format and that each table is there, and reads the leases.
fn check(database: &Database, what: &str) -> Result<Leases, Error> {
    let (format, leases) = calling(what, || {
        let transaction = database.begin_read()?;
        let store = transaction.open_table(STORE)?;
        for keyspace in Keyspace::ALL {
            transaction.open_table(format::table(keyspace))?;
        }
        let format = store.get(FORMAT_KEY)?.map(|value| value.value().to_vec());
        let leases = store.range(LEASE_PREFIX..LEASE_END)?;
        let leases =
            leases.map(|row| Ok(row?.1.value().to_vec())).collect::<Result<Vec<_>, redb::Error>>()?;
        Ok((format, leases))
    })?;
    let format = format.ok_or_else(|| damaged(what, "it has no format record"))?;
    format::check_format(what, &format)?;
    let mut restored = Leases::default();
    for lease in leases {
        restored.restore(format::decode_lease(what, &lease)?);
    }
    Ok(restored)
}
