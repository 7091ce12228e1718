//! What may be chosen for an entity type.
//!
//! The type says it by `#[entity(..)]`, or by hand in [`Entity::options`](crate::Entity::options); whoever registers the
//! type may say otherwise. Nothing of it is stored: what the running program says counts.

use crate::RegisterError;
use std::time::Duration;

/// What may be chosen for an entity type: by its attribute `#[entity(..)]`, or where it is registered.
///
/// ```
/// # use sarsen_entities::EntityOptions;
/// # use std::time::Duration;
/// let options = EntityOptions::default().mailbox(500).ttl(Duration::from_secs(7 * 24 * 60 * 60));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "options do nothing until a type is registered with them"]
pub struct EntityOptions {
    mailbox: Option<usize>,
    state_bytes: Option<usize>,
    rate: Option<Rate>,
    ttl: Option<Duration>,
    audit: Option<AuditOptions>,
    concurrency: Option<usize>,
}

/// How much is kept of what was done to an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "options do nothing until a type is registered with them"]
pub struct AuditOptions {
    keep: u64,
    age: Duration,
}

impl Default for AuditOptions {
    /// 1,000 entries, for 30 days.
    fn default() -> Self {
        Self { keep: 1_000, age: Duration::from_secs(30 * 24 * 60 * 60) }
    }
}

impl AuditOptions {
    /// How many entries are kept of one entity, at least 1; beyond it the oldest goes in the commit that adds one.
    pub fn keep(self, entries: u64) -> Self {
        Self { keep: entries, ..self }
    }

    /// For how long an entry is kept, also of an entity that is deleted meanwhile. It goes within an eighth of that time
    /// behind it, while a process runs.
    pub fn age(self, time: Duration) -> Self {
        Self { age: time, ..self }
    }

    /// What [`keep`](Self::keep) says.
    pub fn kept_rows(&self) -> u64 {
        self.keep
    }

    /// What [`age`](Self::age) says.
    pub fn kept_for(&self) -> Duration {
        self.age
    }
}

/// How many operations of a type run off their shard at a time, unless it says otherwise.
const CONCURRENCY: usize = 256;

/// How many operations may come in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many.
    pub operations: u32,
    /// In so long.
    pub per: Duration,
}

impl EntityOptions {
    /// How many messages may wait at one entity, at least 1. Beyond it clients are refused as `Busy`, and calls of
    /// orchestrations fail; other messages of instances are accepted up to ten times as many and then become dead
    /// letters. Without it, what the limit `mailbox_messages_max` says. As an attribute: `mailbox = 500`.
    pub fn mailbox(self, messages: usize) -> Self {
        Self { mailbox: Some(messages), ..self }
    }

    /// The longest encoded state of an entity, in bytes, at least 1. An operation beyond it fails. Without it, what the
    /// limit `state_bytes_max` says. As an attribute: `state_bytes = 65_536`.
    pub fn state_bytes(self, bytes: usize) -> Self {
        Self { state_bytes: Some(bytes), ..self }
    }

    /// How many operations clients may ask of one entity in a time, both at least 1: so many at once of one that has
    /// rested, and from then on one each `per / operations`. Beyond it they are refused as `Busy`, with the time after
    /// which there is room. What orchestrations and entities send counts as well and is never refused; what was delayed or
    /// scheduled does not count when it comes due. It is kept in memory: an entity that leaves memory, as an idle one does,
    /// begins anew. As an attribute: `rate = "100/s"`, per `s`, `m` or `h`.
    pub fn rate(self, operations: u32, per: Duration) -> Self {
        Self { rate: Some(Rate { operations, per }), ..self }
    }

    /// Deletes an entity so long after the last operation that changed it: one that takes `&mut self` and succeeded.
    /// Reads, failures, and the state as clients read it do not count. Without it, entities stay until they are deleted.
    /// As an attribute: `ttl = "7d"`, with the units `ms`, `s`, `m`, `h` and `d`.
    ///
    /// When its time is over the deletion goes through the mailbox as a signal would: behind what was accepted before,
    /// and behind the section that has locked the entity. If something of that changes the entity, it lives on. It may
    /// come later, as when no process runs, but never earlier. The next operation begins with the initial state. An own
    /// operation `delete` is not asked. Entities that were last changed while their type had no time to live stay until
    /// something changes them again.
    pub fn ttl(self, time: Duration) -> Self {
        Self { ttl: Some(time), ..self }
    }

    /// Keeps what is done to each entity: each operation that takes `&mut self`, with its time, its caller, its input and
    /// what came of it, and the state behind the operations that were done together, in their commit. Failed ones are
    /// kept with their failure; those that take `&self` change nothing and are left out, unless they delete the entity.
    /// `choose` is given the defaults, or what was chosen before. As an attribute: `audit`, or `audit(keep = 1000, for = "30d")`, which are the defaults.
    ///
    /// It costs a row an operation, with the input and the answer in it, and the state in the last row of those that
    /// were done together: for a state of many bytes that is most of what is written, `keep` times what it has at most.
    pub fn audit(self, choose: impl FnOnce(AuditOptions) -> AuditOptions) -> Self {
        Self { audit: Some(choose(self.audit.unwrap_or_default())), ..self }
    }

    /// What [`audit`](Self::audit) says.
    pub fn audit_options(&self) -> Option<AuditOptions> {
        self.audit
    }

    /// How many operations of the type run off their shard at a time, in each shard: 256 by default, at least 1. Those are the
    /// asynchronous ones and those that block. Further ones wait, in the order in which they came, and so does the mailbox of
    /// their entity; when thousands wait, the order is not kept between them, but each has its turn. An operation that waits for
    /// another of its own type may wait for ever: give it a timeout. As an attribute: `concurrency = 8`.
    ///
    /// An operation counts until its outcome is there or its [time](crate::OperationOptions::timeout) is over. Code that goes on
    /// past its time counts no more, so there may be more of it than this; `operations_overrun` of the client's statistics
    /// says how much.
    pub fn concurrency(self, operations: usize) -> Self {
        Self { concurrency: Some(operations), ..self }
    }

    /// What [`concurrency`](Self::concurrency) says, or the default.
    pub fn concurrent_operations(&self) -> usize {
        self.concurrency.unwrap_or(CONCURRENCY)
    }

    /// What [`mailbox`](Self::mailbox) says, in messages.
    pub fn mailbox_messages(&self) -> Option<usize> {
        self.mailbox
    }

    /// What [`state_bytes`](Self::state_bytes) says, in bytes.
    pub fn state_bytes_max(&self) -> Option<usize> {
        self.state_bytes
    }

    /// What [`rate`](Self::rate) says.
    pub fn operation_rate(&self) -> Option<Rate> {
        self.rate
    }

    /// What [`ttl`](Self::ttl) says.
    pub fn time_to_live(&self) -> Option<Duration> {
        self.ttl
    }

    /// Checks that entities of the type could do anything.
    ///
    /// # Errors
    /// [`RegisterError::IdleOption`] with the first option that lets them do nothing.
    pub fn check(&self, entity: &'static str) -> Result<(), RegisterError> {
        let idle = [
            ("mailbox", self.mailbox == Some(0)),
            ("state_bytes", self.state_bytes == Some(0)),
            ("rate", self.rate.is_some_and(|rate| rate.operations == 0 || rate.per.is_zero())),
            ("audit", self.audit.is_some_and(|audit| audit.keep == 0 || audit.age.is_zero())),
            ("ttl", self.ttl.is_some_and(|time| time.is_zero())),
            ("concurrency", self.concurrency == Some(0)),
        ];
        match idle.into_iter().find(|(_, idle)| *idle) {
            Some((option, _)) => Err(RegisterError::IdleOption { entity, option }),
            None => Ok(()),
        }
    }
}
