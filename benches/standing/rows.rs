//! What rests in a store that nobody has open.

use crate::{Error, arguments::Options};
use sarsen_protocol::Keyspace;
use sarsen_storage::{Directory, RedbOptions};

/// Rows, and the bytes of their keys and values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

/// Counts the rows of a store.
pub(crate) fn count(options: &Options) -> Result<Rows, Error> {
    let store = Directory::open(&options.data)?.open_store(RedbOptions::default())?;
    let mut rows = Rows::default();
    for keyspace in Keyspace::ALL {
        for row in sarsen_testing::rows(&store, keyspace)? {
            rows.count += 1;
            rows.bytes += (row.key.len() + row.value.len()) as u64;
        }
    }
    Ok(rows)
}
