//! What the store itself keeps in its file: its tables, its format, its leases and its place in the journal.
//!
//! One table holds the last three. Under [`FORMAT_KEY`] lies how slots were made, which keys of records are built on;
//! under [`LEASE_PREFIX`] and a first slot lies the lease that begins there; under [`RESTING_KEY`] lies the last group of
//! the journal of which all is in the tables. Each has the version byte of [`record`].

use super::fault::damaged;
use crate::Error;
use crate::journal::{GroupNumber, Space};
use crate::leases::Held;
use bytes::Bytes;
use redb::TableDefinition;
use sarsen_protocol::record::{self, RecordError};
use sarsen_protocol::{BatchNumber, Epoch, Keyspace, Lease, Slot, SlotRange};

pub(super) type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// The store's own table.
pub(super) const STORE: Table = TableDefinition::new("store");

pub(super) const FORMAT_KEY: &[u8] = b"format";
pub(super) const LEASE_PREFIX: &[u8] = b"lease ";
/// Behind every key of a lease.
pub(super) const LEASE_END: &[u8] = b"lease!";

/// Where the tables end in the journal; 0 when there is no such record.
pub(super) const RESTING_KEY: &[u8] = b"resting";

/// The version of these records.
const VERSION: u8 = 1;

/// The table of a space.
pub(super) fn table(space: Space) -> Table {
    let Some(keyspace) = space.keyspace() else { return STORE };
    TableDefinition::new(match keyspace {
        Keyspace::Instances => "instances",
        Keyspace::History => "history",
        Keyspace::Inbox => "inbox",
        Keyspace::Mailbox => "mailbox",
        Keyspace::Timers => "timers",
        Keyspace::Tasks => "tasks",
        Keyspace::Keys => "keys",
        Keyspace::Dead => "dead",
        Keyspace::Meta => "meta",
        Keyspace::Locks => "locks",
        Keyspace::Audit => "audit",
    })
}

/// The record of this build's format.
pub(super) fn encode_format() -> Vec<u8> {
    record::encode(VERSION, &(Slot::COUNT, Slot::HASH_VERSION))
}

/// Checks that this build places records as the writer of `value` did.
pub(super) fn check_format(what: &str, value: &[u8]) -> Result<(), Error> {
    let (slots, hash): (u16, u16) = whole(what, record::decode(VERSION, &Bytes::copy_from_slice(value)))?;
    if hash > Slot::HASH_VERSION {
        let what = format!("the slot hash of {what}");
        return Err(Error::Newer { what, found: hash.into(), known: Slot::HASH_VERSION.into() });
    }
    if (slots, hash) != (Slot::COUNT, Slot::HASH_VERSION) {
        return Err(damaged(
            what,
            format!("it claims {slots} slots by hash {hash}, which no version has written"),
        ));
    }
    Ok(())
}

/// The record of the last group that rests in the tables.
pub(super) fn encode_resting(group: GroupNumber) -> Vec<u8> {
    record::encode(VERSION, &group.0)
}

/// Reads the record of the last group that rests in the tables.
pub(super) fn decode_resting(what: &str, value: &[u8]) -> Result<GroupNumber, Error> {
    whole(what, record::decode(VERSION, &Bytes::copy_from_slice(value))).map(GroupNumber)
}

/// The bytes of a lease's key.
pub(super) const LEASE_KEY_BYTES: usize = LEASE_PREFIX.len() + 2;

/// The key of a lease.
pub(super) fn lease_key(lease: Lease) -> [u8; LEASE_KEY_BYTES] {
    let mut key = [0; LEASE_KEY_BYTES];
    key[..LEASE_PREFIX.len()].copy_from_slice(LEASE_PREFIX);
    key[LEASE_PREFIX.len()..].copy_from_slice(&lease.slots.start().to_be_bytes());
    key
}

/// The record of a lease.
pub(super) fn encode_lease(held: Held) -> Vec<u8> {
    let slots = (held.lease.slots.start(), held.lease.slots.end());
    record::encode(VERSION, &(slots, held.lease.epoch, held.last))
}

/// Reads the record of a lease.
pub(super) fn decode_lease(what: &str, value: &[u8]) -> Result<Held, Error> {
    let lease = record::decode(VERSION, &Bytes::copy_from_slice(value));
    let ((start, end), epoch, last): ((u16, u16), Epoch, BatchNumber) = whole(what, lease)?;
    let slots = SlotRange::new(start, end).ok_or_else(|| {
        damaged(what, format!("it has a lease of the slots {start}..{end}, which do not exist"))
    })?;
    Ok(Held { lease: Lease { slots, epoch }, last })
}

/// The decoded record, if nothing follows it.
fn whole<T>(what: &str, decoded: Result<(T, Bytes), RecordError>) -> Result<T, Error> {
    match decoded {
        Ok((record, rest)) if rest.is_empty() => Ok(record),
        Ok(_) => Err(damaged(what, "one of its own records is too long")),
        Err(RecordError::Newer { found, known }) => {
            Err(Error::Newer { what: what.to_owned(), found: found.into(), known: known.into() })
        }
        Err(error) => Err(damaged(what, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Held {
        let slots = SlotRange::new(16, 4096).expect("a valid range");
        Held { lease: Lease { slots, epoch: Epoch(7) }, last: BatchNumber(300) }
    }

    #[test]
    fn records_of_version_1_have_these_bytes() {
        assert_eq!(encode_format(), [1, 251, 0, 16, 1]);
        assert_eq!(lease_key(held().lease), *b"lease \x00\x10");
        assert_eq!(encode_lease(held()), [1, 16, 251, 0, 16, 7, 251, 44, 1]);
        assert_eq!(RESTING_KEY, b"resting");
        assert_eq!(encode_resting(GroupNumber(300)), [1, 251, 44, 1]);
    }

    #[test]
    fn records_come_back() {
        check_format("x", &encode_format()).expect("it is ours");
        assert_eq!(decode_lease("x", &encode_lease(held())).expect("it is ours"), held());
        let resting = decode_resting("x", &encode_resting(GroupNumber(7)));
        assert_eq!(resting.expect("it is ours"), GroupNumber(7));
    }

    #[test]
    fn another_slot_hash_is_newer_and_other_slots_are_damage() {
        let newer = check_format("x", &record::encode(VERSION, &(Slot::COUNT, Slot::HASH_VERSION + 1)));
        let text = newer.expect_err("it is newer").to_string();
        assert_eq!(
            text,
            "the slot hash of x has format 2, this build knows up to 1: use the sarsen that wrote it"
        );
        assert!(matches!(check_format("x", &[2]), Err(Error::Newer { found: 2, known: 1, .. })));
        let fewer = check_format("x", &record::encode(VERSION, &(Slot::COUNT - 1, Slot::HASH_VERSION)));
        assert!(matches!(fewer, Err(Error::Damaged { .. })));
        let long = check_format("x", &[1, 251, 0, 16, 1, 0]);
        assert!(matches!(long, Err(Error::Damaged { .. })));
        assert!(matches!(decode_lease("x", &[1, 16, 16, 7, 1]), Err(Error::Damaged { .. })));
    }
}
