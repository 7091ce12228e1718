//! Reading: what the overlay says, and behind it the tables.

use super::tables::Snapshot;
use crate::journal::Space;
use crate::overlay::{Overlay, Said, Sight};
use crate::page::Filling;
use bytes::Bytes;
use sarsen_protocol::{Page, Read};

/// What was seen of the overlay for one read.
pub(super) enum Look {
    /// The read is of one key, of which the overlay says this.
    Key(Said<Bytes>),
    Range(Sight),
}

/// Looks at the overlay for `read`.
pub(super) fn look(overlay: &mut Overlay, read: &Read) -> Look {
    let space = read.keyspace.into();
    if read.from >= read.to {
        Look::Range(Sight::default())
    } else if is_one_key(read) {
        Look::Key(overlay.get(space, &read.from))
    } else {
        Look::Range(overlay.look(space, read))
    }
}

/// Whether the range holds its first key alone: the key that follows it next has a 0 more. Most loads are such, and
/// a search is cheaper than an iterator.
fn is_one_key(read: &Read) -> bool {
    read.to.split_last().is_some_and(|(end, rest)| *end == 0 && *rest == read.from[..])
}

/// The pages that answer `reads`, given what was seen of the overlay before `snapshot` was taken.
pub(super) fn pages(
    reads: &[Read],
    looks: Vec<Look>,
    mut snapshot: Snapshot,
) -> Result<Vec<Page>, redb::Error> {
    reads.iter().zip(looks).map(|(read, look)| page(read, look, &mut snapshot)).collect()
}

fn page(read: &Read, look: Look, snapshot: &mut Snapshot) -> Result<Page, redb::Error> {
    let Some(mut filling) = Filling::begin(read) else { return Ok(Page::default()) };
    if filling.is_full() {
        return Ok(filling.end());
    }
    let space = Space::from(read.keyspace);
    match look {
        Look::Key(Said::Removed) => {}
        Look::Key(Said::Value(value)) => filling.push(read.from.clone(), || value),
        Look::Key(Said::Nothing) => {
            if let Some(value) = snapshot.table(space)?.get(&read.from[..])? {
                filling.push(read.from.clone(), || Bytes::copy_from_slice(value.value()));
            }
        }
        Look::Range(sight) => merge(read, &sight, snapshot, &mut filling)?,
    }
    Ok(filling.end())
}

/// Fills a page from a range; the overlay hides what the tables have under the same key.
fn merge(
    read: &Read,
    sight: &Sight,
    snapshot: &mut Snapshot,
    filling: &mut Filling<'_>,
) -> Result<(), redb::Error> {
    let space = Space::from(read.keyspace);
    let mut above = sight.rows(space, read).peekable();
    let mut resting = snapshot.table(space)?.range(&read.from[..]..&read.to[..])?;
    let mut below = resting.next().transpose()?;
    while !filling.is_full() {
        let order = match (above.peek(), &below) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((key, _)), Some(row)) => (*key).cmp(row.0.value()),
        };
        if order.is_le() {
            if let Some((key, Some(value))) = above.next() {
                filling.push(Bytes::copy_from_slice(key), || Bytes::copy_from_slice(value));
            }
        } else if let Some((key, value)) = &below {
            filling.push(Bytes::copy_from_slice(key.value()), || Bytes::copy_from_slice(value.value()));
        }
        if order.is_ge() {
            below = resting.next().transpose()?;
        }
    }
    Ok(())
}
