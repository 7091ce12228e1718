//! All records of a store, for those who compare it with what was promised.

use sarsen_protocol::{Keyspace, Read, Row};
use sarsen_storage::{Error, Store};

/// All durable records of a keyspace, in key order.
///
/// # Errors
/// What the store reports, for example because it has stopped.
pub fn rows<S: Store>(store: &S, keyspace: Keyspace) -> Result<Vec<Row>, Error> {
    let read = Read {
        keyspace,
        from: Vec::new().into(),
        to: vec![0xff; 3].into(),
        rows_max: usize::MAX,
        bytes_max: usize::MAX,
        values: true,
    };
    Ok(store.read(&[read])?.into_iter().flat_map(|page| page.rows).collect())
}
