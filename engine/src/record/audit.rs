//! Audit rows: what was done to an entity, one row an operation, in the batch that holds what came of it.

use super::{RecordError, number, start};
use bytes::{BufMut, Bytes};
use sarsen_protocol::{
    Address, Failure, OperationName, Origin, Payload, RunId, Timestamp, json,
    record::{decode_all, encode_exact},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

const VERSION: u8 = 1;

/// Into so many parts the time is divided for which rows are kept: they go a part at a time.
const PARTS: u32 = 8;

/// Which audit rows an entity has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditSpan {
    /// The last row that was written; they are numbered from 1.
    pub(crate) written: u64,
    /// The last row that has been removed.
    pub(crate) removed: u64,
    /// When the first row of those was written that stand behind the last mark.
    since: Timestamp,
    /// When the last row was written.
    last: Timestamp,
    /// Moments, in their order, each with the last row that had been written by then.
    marks: Vec<(Timestamp, u64)>,
}

impl AuditSpan {
    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.removed == self.written
    }

    /// Adds a row. Returns its number.
    pub(crate) fn append(&mut self, now: Timestamp, age: Duration) -> u64 {
        if self.is_empty() {
            self.since = now;
        } else if now >= self.since.after(age / PARTS) {
            self.marks.push((self.last, self.written));
            self.since = now;
        }
        self.last = now.max(self.last);
        self.written += 1;
        self.written
    }

    /// Moments, each with the last row that is surely as old.
    fn known(&self) -> impl Iterator<Item = (Timestamp, u64)> {
        let rest = self.marks.iter().copied().chain([(self.last, self.written)]);
        rest.filter(|(_, row)| *row > self.removed)
    }

    /// The last row that has had its time.
    pub(crate) fn outlived(&self, now: Timestamp, age: Duration) -> u64 {
        let over = self.known().filter(|(at, _)| at.after(age) <= now);
        over.map(|(_, row)| row).max().unwrap_or(self.removed)
    }

    /// When the next rows have had their time.
    pub(crate) fn due(&self, age: Duration) -> Option<Timestamp> {
        self.known().map(|(at, _)| at.after(age)).min()
    }

    /// Notes that rows up to this one are gone.
    pub(crate) fn remove(&mut self, row: u64) {
        self.removed = row;
        self.marks.retain(|(_, last)| *last > row);
    }
}

/// Something that was done to an entity, as its audit tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its place, counted from 1 over all lives of the entity that its audit remembers.
    pub sequence: u64,
    /// When it was done: the time of its turn.
    pub at: Timestamp,
    /// Who asked for it.
    pub caller: Caller,
    /// What was done, and what came of it.
    pub act: Act,
    /// The state behind the operations that were done together, at the last of them; nothing at the others, and where
    /// they left the state as it was.
    pub after: After,
}

/// Who asked for something that was done to an entity. The order is part of the stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Caller {
    /// A client.
    Client {
        /// The run for which it worked, when it was the client of an activity.
        within: Option<RunId>,
    },
    /// A run of an orchestration.
    Run(RunId),
    /// An entity, perhaps itself.
    Entity(Address),
    /// Nobody: its time was over.
    Expiry,
}

/// What was done to an entity. The order is part of the stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Act {
    /// An operation.
    Operation {
        /// Its name.
        name: OperationName,
        /// Its input, as JSON: `null`, one value, or an array of several.
        input: Payload,
        /// What it answered, as JSON, or why it failed and changed nothing.
        outcome: Result<Payload, Failure>,
    },
    /// It was deleted, because so long nothing had changed it.
    Expired,
    /// An operator took its lock from the section that held it.
    LockForced {
        /// The run whose section it was.
        run: RunId,
    },
}

/// What is told of the state behind something that was done. The order is part of the stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum After {
    /// Nothing: it is as it was, or is told at a later operation that was done together with this.
    Untold,
    /// There is none.
    Deleted,
    /// It is this, as JSON.
    State(Payload),
}

impl AuditEntry {
    /// The operation's name, if it was one.
    pub fn operation(&self) -> Option<&str> {
        match &self.act {
            Act::Operation { name, .. } => Some(name.as_str()),
            Act::Expired | Act::LockForced { .. } => None,
        }
    }

    /// The operation's input: a value, or a tuple of several; `None` when it was no operation.
    ///
    /// # Errors
    /// A failure when it is no `T`.
    pub fn input<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        match &self.act {
            Act::Operation { input, .. } => json::decode(input).map(Some),
            Act::Expired | Act::LockForced { .. } => Ok(None),
        }
    }

    /// What the operation answered; `None` when it failed or was none.
    ///
    /// # Errors
    /// A failure when it is no `T`.
    pub fn answer<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        match &self.act {
            Act::Operation { outcome: Ok(answer), .. } => json::decode(answer).map(Some),
            Act::Operation { outcome: Err(_), .. } | Act::Expired | Act::LockForced { .. } => Ok(None),
        }
    }

    /// Why the operation failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.act {
            Act::Operation { outcome, .. } => outcome.as_ref().err(),
            Act::Expired | Act::LockForced { .. } => None,
        }
    }

    /// The state behind it, if it is told and there is one.
    ///
    /// # Errors
    /// A failure when it is no `E`.
    pub fn state<E: DeserializeOwned>(&self) -> Result<Option<E>, Failure> {
        match &self.after {
            After::State(state) => json::decode(state).map(Some),
            After::Untold | After::Deleted => Ok(None),
        }
    }
}

impl Caller {
    /// Who sent a message.
    pub(crate) fn of(origin: &Origin) -> Self {
        match origin {
            Origin::Client { within, .. } => {
                Self::Client { within: within.as_deref().map(|within| within.run.clone()) }
            }
            Origin::Execution { run, .. } => Self::Run(run.clone()),
            Origin::Instance(address) => match address.as_run() {
                Some(run) => Self::Run(run),
                None => Self::Entity(address.clone()),
            },
        }
    }
}

/// A row without its place, which is in its key.
#[derive(Serialize, Deserialize)]
struct Written {
    at: Timestamp,
    caller: Caller,
    act: Act,
    after: After,
}

/// What is written of something that was done.
pub(crate) fn write_audit(at: Timestamp, caller: Caller, act: Act, after: After) -> Bytes {
    encode_exact(VERSION, &Written { at, caller, act, after }).into()
}

pub(crate) fn audit_key(address: &Address, row: u64) -> Bytes {
    let mut key = start(address.slot(), address.as_bytes().len() + 1 + 8);
    key.put_slice(address.as_bytes());
    key.put_u8(0);
    key.put_u64(row);
    key.into()
}

/// The bounds of an entity's rows from one number to another, both included.
pub(crate) fn audit_bounds(address: &Address, first: u64, last: u64) -> (Bytes, Bytes) {
    (audit_key(address, first), audit_key(address, last.saturating_add(1)))
}

pub(crate) fn read_audit(key: &[u8], value: &[u8]) -> Result<AuditEntry, RecordError> {
    let sequence = key.len().checked_sub(8).and_then(|at| number(&key[at..]));
    let sequence = sequence.ok_or_else(|| super::damaged("an audit row's key is none"))?;
    let Written { at, caller, act, after } = decode_all(VERSION, value)?;
    Ok(AuditEntry { sequence, at, caller, act, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_secs(80);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn rows_go_when_they_are_as_old_as_they_may_get_and_an_eighth_of_that_later_at_most() {
        let (mut span, mut written) = (AuditSpan::default(), vec![]);
        for second in 0..1_000 {
            span.append(at(second), AGE);
            written.push(second);
            span.remove(span.outlived(at(second), AGE));
            assert!(span.marks.len() <= 10, "{span:?}");
            let oldest = usize::try_from(span.removed).ok().and_then(|row| written.get(row)).copied();
            let oldest = oldest.expect("the last row is not old");
            assert!(second - oldest <= 90, "row of {oldest} at {second}");
            assert!(
                span.removed == 0 || second - written[usize::try_from(span.removed - 1).unwrap_or(0)] >= 80
            );
        }
        while let Some(due) = span.due(AGE) {
            assert!(due <= at(999 + 80));
            span.remove(span.outlived(due, AGE));
        }
        assert!(span.is_empty() && span.written == 1_000 && span.marks.is_empty());
    }
}
