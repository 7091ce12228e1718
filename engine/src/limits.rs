//! Every limit of the engine, with its unit and what happens beyond it.

use sarsen_entities::{EntityOptions, RunLimits};
use sarsen_protocol::ExecutionLimits;
use std::time::Duration;

/// How many times longer than for clients a mailbox may get by the messages of instances before they become dead
/// letters.
pub const INSTANCE_MAILBOX_FACTOR: usize = 10;

/// When a client that was refused as busy is told to come back, unless it is known when there is room again.
pub const BUSY_RETRY_AFTER: Duration = Duration::from_millis(20);

/// When a client is told to come back at the latest that was refused since an entity's mailbox is full behind a lock.
pub const LOCKED_RETRY_AFTER_MAX: Duration = Duration::from_secs(5);

/// The engine's limits. Counts are per shard unless they say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Messages that may wait at one entity. Beyond it clients are refused as `Busy`; messages of instances are
    /// accepted up to ten times as many and then become dead letters.
    pub mailbox_messages_max: usize,
    /// Accepted messages of one entity that are kept in memory; the rest is read from the store when its turn comes.
    pub mailbox_window: usize,
    /// Bytes of one input or answer. Beyond it the request is refused or the operation fails.
    pub payload_bytes_max: usize,
    /// Bytes of one entity's encoded state. Beyond it the operation fails.
    pub state_bytes_max: usize,
    /// Signals that one operation may send. Beyond it the operation fails.
    pub messages_per_operation_max: usize,
    /// Operations in one run. Beyond it the rest waits for the entity's next turn.
    pub run_operations_max: usize,
    /// Bytes of the inputs of one run. Beyond it the rest waits for the entity's next turn.
    pub run_bytes_max: usize,
    /// Turns in one batch. Beyond it the shard waits until the batch is sealed.
    pub batch_turns_max: usize,
    /// Bytes of one batch's writes and effects. Beyond it the shard waits until the batch is sealed.
    pub batch_bytes_max: usize,
    /// Bytes of activations in memory. Beyond it the least recently used leave, and clients wait.
    pub cache_bytes: usize,
    /// How long an activation may be unused before it leaves.
    pub idle_after: Duration,
    /// How long the outcome under an idempotency key, and a silent producer's number, are remembered.
    pub key_retention: Duration,
    /// Idempotency keys remembered. Beyond it requests with new keys are refused as `Busy`.
    pub keys_max: usize,
    /// Producers that one entity remembers. Beyond it new ones are refused as `Busy`.
    pub producers_max: usize,
    /// Dead letters that each shard keeps. Beyond it its oldest goes, and is counted.
    pub dead_letters_max: usize,
    /// Delayed signals of a shard, those that are scheduled under ids among them. Beyond it clients are refused as `Busy` and
    /// messages of instances become dead letters. Timers of runs, times to live and the ages of audits do not count.
    pub timers_max: usize,
    /// Signals that are scheduled at one entity under ids. Beyond it clients are refused as `Busy` and what instances
    /// schedule becomes a dead letter. Each is a part of the entity's record.
    pub schedules_per_entity_max: usize,
    /// Delayed signals that come due in one turn. The rest comes in the next.
    pub timers_per_turn_max: usize,
    /// Activities that are handed out to the host and have not ended. Beyond it they wait as rows.
    pub tasks_window: usize,
    /// Bytes of the inputs of the activities that are handed out. Beyond it the rest waits as rows.
    pub tasks_bytes_max: usize,
    /// Entities of one type that are listed while they wait until fewer of its operations run off the shard. Beyond it they
    /// are found by their rows.
    pub operations_window: usize,
    /// Commands that an orchestration may issue because of one input. Beyond it it fails.
    pub commands_per_turn_max: usize,
    /// Events of one execution's history. Beyond it the execution fails, unless it continues as new before.
    pub history_events_max: u64,
    /// Events of a history that are replayed in one turn. The rest comes in the next.
    pub replay_events_per_turn_max: usize,
    /// Events that are kept for a run which has not been started. Beyond it they are refused as `Busy`.
    pub events_before_start_max: usize,
    /// Runs that wait until fewer of their orchestration are under way. Beyond it clients' starts of orchestrations with
    /// such a limit are refused as `Busy`.
    pub runs_waiting_max: usize,
    /// How long a section may hold a lock before its owner is reported: once for each lock and process, as a warning in
    /// the log, in the figure `locks_overdue` of the client's statistics, and wherever locks are listed. The lock stays
    /// held. [`Duration::MAX`] reports nobody.
    ///
    /// 65,536 locks are watched in each shard. Those that are taken while so many are held are never warned of or counted;
    /// where locks are listed, they are overdue like others.
    pub lock_held_report_after: Duration,
    /// How far ahead delayed signals are kept in memory.
    pub timer_window: Duration,
    /// Delayed signals that are kept in memory. Beyond it those that are due last wait as rows.
    pub timers_window: usize,
    /// Requests of clients that wait in the outside lane. Beyond it they are refused as `Busy`.
    pub lane_messages_max: usize,
    /// Bytes of the requests in the outside lane. Beyond it they are refused as `Busy`.
    pub lane_bytes_max: usize,
    /// Bytes of the messages of other shards in the inside lane. Beyond it only their numbers are handed over.
    pub inside_bytes_max: usize,
    /// Reads of the store under way.
    pub loads_max: usize,
    /// Whether to check each encoded state by reading it back; see [`RunLimits::verify`].
    pub verify: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mailbox_messages_max: 10_000,
            mailbox_window: 1_024,
            payload_bytes_max: 1 << 20,
            state_bytes_max: 16 << 20,
            messages_per_operation_max: 10_000,
            run_operations_max: 1_024,
            run_bytes_max: 4 << 20,
            batch_turns_max: 65_536,
            batch_bytes_max: 32 << 20,
            cache_bytes: 256 << 20,
            idle_after: Duration::from_secs(60),
            key_retention: Duration::from_secs(24 * 60 * 60),
            keys_max: 10_000_000,
            producers_max: 64,
            dead_letters_max: 10_000,
            timers_max: 10_000_000,
            schedules_per_entity_max: 1_000,
            timers_per_turn_max: 1_024,
            tasks_window: 65_536,
            tasks_bytes_max: 64 << 20,
            operations_window: 4_096,
            commands_per_turn_max: 10_000,
            history_events_max: 1_000_000,
            replay_events_per_turn_max: 1_024,
            events_before_start_max: 1_000,
            runs_waiting_max: 1_000_000,
            lock_held_report_after: Duration::from_secs(60),
            timer_window: Duration::from_secs(600),
            timers_window: 32_768,
            lane_messages_max: 1 << 20,
            lane_bytes_max: 256 << 20,
            inside_bytes_max: 64 << 20,
            loads_max: 4_096,
            verify: cfg!(debug_assertions),
        }
    }
}

/// A limit is so low that nothing could go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit `{name}` is 0, with which nothing could go on: set it to at least 1")]
pub struct LimitTooLow {
    /// The limit's name.
    pub name: &'static str,
}

impl Limits {
    /// Checks that the limits let work go on. The others may be 0, which refuses what they bound.
    ///
    /// # Errors
    /// [`LimitTooLow`] with the first limit that does not.
    pub fn check(&self) -> Result<(), LimitTooLow> {
        let needed = [
            ("mailbox_messages_max", self.mailbox_messages_max),
            ("mailbox_window", self.mailbox_window),
            ("run_operations_max", self.run_operations_max),
            ("batch_turns_max", self.batch_turns_max),
            ("batch_bytes_max", self.batch_bytes_max),
            ("timers_per_turn_max", self.timers_per_turn_max),
            ("tasks_window", self.tasks_window),
            ("tasks_bytes_max", self.tasks_bytes_max),
            ("operations_window", self.operations_window),
            ("commands_per_turn_max", self.commands_per_turn_max),
            ("replay_events_per_turn_max", self.replay_events_per_turn_max),
            ("timer_window", usize::from(!self.timer_window.is_zero())),
            ("timers_window", self.timers_window),
            ("lane_messages_max", self.lane_messages_max),
            ("lane_bytes_max", self.lane_bytes_max),
            ("loads_max", self.loads_max),
        ];
        match needed.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(LimitTooLow { name }),
            None => Ok(()),
        }
    }

    /// The part that bounds one execution.
    pub(crate) fn execution(&self) -> ExecutionLimits {
        ExecutionLimits {
            payload_bytes_max: self.payload_bytes_max,
            commands_per_turn_max: self.commands_per_turn_max,
            history_events_max: self.history_events_max,
        }
    }

    /// The part that bounds one run of operations of a type with these options.
    pub(crate) fn run(&self, options: &EntityOptions) -> RunLimits {
        RunLimits {
            payload_bytes_max: self.payload_bytes_max,
            state_bytes_max: options.state_bytes_max().unwrap_or(self.state_bytes_max),
            messages_max: self.messages_per_operation_max,
            verify: self.verify,
        }
    }
}
