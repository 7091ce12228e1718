//! Faults that no host may have, to show that an invariant notices them.

use sarsen_protocol::Keyspace;

/// Something that a host does wrong on purpose, now and then. Armed by [`VirtualHost::arm`](crate::VirtualHost::arm).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A message of another shard comes a second time under the number of the next.
    RepeatDelivery,
    /// The rows that a committed batch sets in one keyspace are lost.
    LoseRows(Keyspace),
    /// The rows that a committed batch removes from one keyspace stay.
    KeepRows(Keyspace),
    /// Two requests of a lane change places.
    SwapRequests,
    /// A load is answered with what an earlier one had read.
    StaleLoad,
    /// Effects leave when their batch is sealed.
    EarlyEffects,
    /// A wake-up is lost, number and all.
    LoseDelivery,
    /// A load is never answered.
    LoseLoad,
    /// A shard is told a time that has not come yet.
    FastClock,
    /// An activity's answer comes under the token of another one that has not answered.
    AnswerTaskAsAnother,
    /// An activity's answer is lost.
    LoseTaskAnswer,
    /// An activity begins when its batch is sealed.
    PerformEarly,
    /// An operation that runs off its shard begins when its batch is sealed.
    OperateEarly,
    /// Who waits for a run's end is told when its batch is sealed.
    RunEndedEarly,
    /// Two messages to one slot of another shard change places.
    ReorderDeliveries,
}
