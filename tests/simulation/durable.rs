//! What a store holds, read without the engine: operations are found in its records by their ten digits.

use crate::ledger::{Ledger, OperationId};
use sarsen_engine::{Act, AuditEntry, AuditListing};
use sarsen_entities::EntityType;
use sarsen_protocol::{Address, Body, Keyspace, Message};
use sarsen_storage::{Error, Store};
use sarsen_testing::rows;

/// How many digits an operation's id has.
const DIGITS: usize = 10;

/// What is durable at a moment.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    /// Operations in any record, sorted.
    known: Vec<OperationId>,
    /// Operations in the state of a ledger, or in a list that is on its way to the witness or has come there; sorted.
    applied: Vec<OperationId>,
    /// The keys of the rows of idempotency keys.
    keys: Vec<Vec<u8>>,
}

impl Durable {
    /// Reads all records of `store`.
    ///
    /// # Errors
    /// What the store reports, for example because it has stopped.
    pub(crate) fn of<S: Store>(store: &S) -> Result<Self, Error> {
        let mut durable = Self::default();
        for row in rows(store, Keyspace::Instances)? {
            durable.applied.extend(ids_in(&row.value));
        }
        for keyspace in [Keyspace::Inbox, Keyspace::Mailbox, Keyspace::Timers, Keyspace::Dead] {
            for row in rows(store, keyspace)? {
                let is_list = contains(&row.value, b"witness\0");
                let place = if is_list { &mut durable.applied } else { &mut durable.known };
                place.extend(ids_in(&row.value));
            }
        }
        durable.known.extend_from_slice(&durable.applied);
        durable.known.sort_unstable();
        durable.applied.sort_unstable();
        durable.keys = rows(store, Keyspace::Keys)?.into_iter().map(|row| row.key.to_vec()).collect();
        Ok(durable)
    }

    /// Adds what the audits of ledgers say that was applied: of one whose time is over nothing else tells.
    ///
    /// # Errors
    /// What the store reports.
    pub(crate) fn add_audits<S: Store>(&mut self, store: &S) -> Result<(), Error> {
        for row in rows(store, Keyspace::Instances)? {
            let parts: Vec<&[u8]> = row.key[2..].split(|byte| *byte == 0).collect();
            let [name, key] = parts[..] else { continue };
            if name != Ledger::NAME.as_bytes() {
                continue;
            }
            let key = std::str::from_utf8(key).expect("a key is text");
            let address = Address::entity(Ledger::NAME, key).expect("it was valid");
            let applied = audit_of(store, &address)?.into_iter().filter_map(|entry| match entry.act {
                Act::Operation { input, outcome: Ok(_), .. } => ids_in(input.as_bytes()).next(),
                _ => None,
            });
            self.applied.extend(applied);
        }
        self.known.extend_from_slice(&self.applied);
        self.known.sort_unstable();
        self.applied.sort_unstable();
        Ok(())
    }

    /// Whether an operation is in any record.
    pub(crate) fn knows(&self, id: OperationId) -> bool {
        self.known.binary_search(&id).is_ok()
    }

    /// Whether an operation is in a list.
    pub(crate) fn has_applied(&self, id: OperationId) -> bool {
        self.applied.binary_search(&id).is_ok()
    }

    /// Whether an idempotency key is remembered.
    pub(crate) fn remembers(&self, key: &str) -> bool {
        self.keys.iter().any(|row| row.ends_with(key.as_bytes()))
    }
}

/// The audit of an entity, from the oldest entry on.
///
/// # Errors
/// What the store reports.
pub(crate) fn audit_of<S: Store>(store: &S, of: &Address) -> Result<Vec<AuditEntry>, Error> {
    let mut listing = AuditListing::new(of.clone(), false, 1_000);
    let mut entries = Vec::new();
    while let Some(read) = listing.next_read() {
        for page in &store.read(&[read])? {
            entries.extend(listing.take(page).expect("an audit can be read"));
        }
    }
    Ok(entries)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The operation that a message asks for, if it is one of the simulation's.
pub(crate) fn id_of(message: &Message) -> Option<OperationId> {
    match &message.body {
        Body::Operation(operation) => ids_in(operation.input.as_bytes()).next(),
        _ => None,
    }
}

/// The operations whose ids stand in a record.
pub(crate) fn ids_in(bytes: &[u8]) -> impl Iterator<Item = OperationId> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at + DIGITS <= bytes.len() {
            let digits = &bytes[at..at + DIGITS];
            match digits.iter().rposition(|byte| !byte.is_ascii_digit()) {
                Some(other) => at += other + 1,
                None if digits[0] != b'9' => at += 1,
                None => {
                    at += DIGITS;
                    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
                    return Some(OperationId(number));
                }
            }
        }
        None
    })
}

#[test]
fn ids_are_found_among_other_bytes() {
    let found: Vec<u64> = ids_in(b"\x01[9000000012,[90000],9000000345]9000000006").map(|id| id.0).collect();
    assert_eq!(found, [9_000_000_012, 9_000_000_345, 9_000_000_006]);
}
