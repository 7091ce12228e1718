//! What happened in a run, counted: a simulation that never meets a situation proves nothing about it.

use std::fmt;

macro_rules! situations {
    ($($(#[$of:meta])* $group:ident { $($(#[$doc:meta])* $name:ident),* $(,)? })*) => {
        /// Something that a simulation must have met.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Situation { $($($(#[$doc])* $name),*),* }

        impl Situation {
            /// All situations.
            pub const ALL: &'static [Self] = &[$($(Self::$name),*),*];

            $($(#[$of])* pub const $group: &'static [Self] = &[$(Self::$name),*];)*

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $($(Self::$name => stringify!($name)),*),* }
            }
        }
    };
}

situations! {
/// What happens to entities, and to a host whatever is on it.
OF_ENTITIES {
    /// The process was killed; what it had written stayed.
    CrashKill,
    /// The power was cut; what was not synced was lost.
    CrashPower,
    /// A crash came before all that the last one left had been taken up.
    CrashInRecovery,
    /// A crash left a group durable whose commit nobody had heard of.
    CrashAfterCommitUnheard,
    /// A group in commit was lost by a power cut.
    CrashLostGroup,
    /// A commit failed and the process stopped.
    CommitFailed,
    /// The process was closed in good order.
    Restarted,
    /// The store was opened with another number of shards.
    ShardsChanged,
    /// An entity left memory.
    Evicted,
    /// A load was answered after a later one.
    LoadOutOfOrder,
    /// A load was answered with what it had read before a later commit.
    LoadStale,
    /// A mailbox was read on behind its window.
    WindowRead,
    /// A slot's inbox rows were read because of a gap.
    GapRead,
    /// A wake-up lost its message and brought its number alone.
    BodyDropped,
    /// A message went to another shard.
    CrossShard,
    /// A wake-up came late: its message had been accepted before.
    LateWakeUp,
    /// A batch without writes let its effects out.
    WritelessBatch,
    /// A batch was sealed because it was full.
    FullBatch,
    /// A commit held batches of several shards.
    GroupOfShards,
    /// A commit held several batches of one shard.
    GroupOfBatches,
    /// A shard did not take requests because it was over a limit.
    OutsideHeldBack,
    /// The clock went forward by a jump.
    ClockForward,
    /// The clock went back.
    ClockBack,
    /// A future was dropped before its first poll.
    DroppedUnpolled,
    /// A future was dropped after one poll.
    DroppedAfterOnePoll,
    /// A future was dropped after two polls.
    DroppedAfterTwoPolls,
    /// A listing was answered later than it was asked.
    ListedLater,
    /// A signal was acknowledged.
    Acknowledged,
    /// A call was answered.
    Returned,
    /// A call's operation failed.
    Failed,
    /// An entity's state was read, and there was one.
    StateSeen,
    /// An entity's state was read, and there was none.
    StateMissed,
    /// A request was refused as busy because a mailbox was full.
    BusyMailbox,
    /// A request was refused as busy because its entity was asked too fast.
    BusyRate,
    /// A request was refused as busy because a lane was full.
    BusyLane,
    /// A request was refused as busy because too many keys are remembered.
    BusyKeys,
    /// A request was refused as busy because the entity remembers too many producers.
    BusyProducers,
    /// A request was refused as busy because too many delayed signals wait.
    BusyTimers,
    /// A request under a key was repeated before the first one had its outcome.
    KeyRepeatedPending,
    /// A request under a key was repeated after the first one had its outcome.
    KeyRepeatedDone,
    /// A key was used for another request.
    KeyReused,
    /// A producer's number was repeated.
    ProducerRepeated,
    /// A producer left out a number.
    OutOfSequence,
    /// A request's deadline passed before it was accepted.
    Expired,
    /// A request was given up by its timeout.
    TimedOut,
    /// A caller was told that its outcome is not known.
    OutcomeUnknown,
    /// A caller was told that the runtime has stopped.
    Stopped,
    /// A dead letter was made because an operation failed.
    DeadByFailure,
    /// A dead letter was made because a mailbox was full.
    DeadByOverflow,
    /// A dead letter made room for a later one.
    DeadDropped,
    /// A dead letter was sent again.
    LetterSentAgain,
    /// A dead letter was discarded.
    LetterDiscarded,
    /// A dead letter that something was asked of was gone.
    LetterGone,
    /// A delayed signal ran.
    DelayedRan,
    /// A delayed signal ran after a restart.
    DelayedRanAfterRestart,
    /// An operation failed in a run of several.
    RollbackInRun,
    /// An operation panicked.
    Panicked,
    /// An operation left a float that is none.
    NotANumber,
    /// An entity was deleted.
    Deleted,
    /// An entity came into being again after it was deleted.
    Recreated,
    /// An entity came into being again after its time to live was over.
    Reborn,
    /// An operation ran again after a crash had undone it.
    RanAgain,
    /// An entity signalled itself.
    SignalledItself,
    /// The outcome of an operation that ran off its shard was given.
    OperationEnded,
    /// Such an outcome was given a second time.
    OperationAnsweredTwice,
    /// Such an outcome came after the operation's time was over.
    OperationAnsweredLate,
    /// The time of an operation that ran off its shard was over.
    OperationTimedOut,
    /// An operation ran off its shard when the process ended.
    OperationLost,
    /// The outcome of an operation of an earlier process was given.
    OutcomeOutdated,
    /// A signal that was scheduled was replaced under its id.
    SignalReplaced,
    /// A signal that was scheduled was cancelled.
    SignalCancelled,
    /// What was scheduled ended with its entity.
    SchedulesEnded,
    /// What a client had scheduled came.
    ScheduledCame,
    /// A reminder came.
    ReminderCame,
}
/// What happens to runs, their activities and their locks.
OF_RUNS {
    /// A run was started, or was there already and given back.
    RunStarted,
    /// A start was refused because a run has its id.
    RunExists,
    /// Something was asked of a run that is not there.
    RunNotFound,
    /// Something was asked of a run that is over.
    RunFinished,
    /// A run's code returned.
    RunReturned,
    /// A run's code failed.
    RunFailed,
    /// A run that is not over left memory.
    ExecutionEvicted,
    /// A history was read, to be replayed.
    Replayed,
    /// A history was read that is replayed in more than one turn.
    ReplayedInSlices,
    /// An activity's answer was given to its shard.
    TaskPerformed,
    /// An activity failed because the host said so.
    TaskFailed,
    /// An activity's answer was given a second time.
    TaskAnsweredTwice,
    /// An activity's answer came after its run was over, or after it was cancelled.
    TaskAnsweredLate,
    /// An activity had not answered when the process ended.
    TaskLost,
    /// An activity was told that its result is of no more use.
    TaskCancelled,
    /// An activity was cancelled before it had begun.
    TaskTakenBack,
    /// An activity was answered by the token of an earlier process.
    TokenOutdated,
    /// Activities beyond the window were read.
    TasksRead,
    /// A lock was held when its batch was durable.
    LockGranted,
    /// A request for a lock waited in a mailbox when its batch was durable.
    LockWaited,
    /// A request for locks was cancelled on its way.
    LockCancelled,
    /// A lock that was not to be waited for was held by another run.
    LockTaken,
    /// A lock was not had within the time that was given.
    LockLate,
    /// A section was reported that held a lock for long.
    LockOverdue,
    /// A request for locks went to another shard.
    LockAcrossShards,
    /// An operator took a lock from the section that held it.
    LockForced,
    /// A call was refused because its own run holds the lock or waits for it.
    WouldDeadlock,
    /// A run was suspended.
    Suspended,
    /// A run was resumed.
    Resumed,
    /// A run was terminated.
    Terminated,
    /// A run went on as another execution.
    ContinuedAsNew,
    /// A run was started that another one waits for.
    ChildStarted,
    /// A run could not go on with the code that is there.
    Parked,
    /// An event was raised at a run.
    EventRaised,
    /// An event was raised at a run that has not been started.
    EventBeforeStart,
    /// An event was given up because its run was not started in time.
    EventExpired,
    /// An event was given up because its run was over, or never was.
    EventUntaken,
    /// A run was purged.
    Purged,
    /// A run took the place of another with its id.
    Replaced,
    /// A run that had failed went on from its point of failure.
    Rewound,
    /// A run was to begin later.
    Scheduled,
    /// A run waited until fewer of its orchestration were under way.
    WaitedForPermit,
    /// A run that was over was to be purged later.
    ToBePurged,
}
}

/// How often each situation occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situations([u64; Situation::ALL.len()]);

impl Situations {
    /// None at all.
    pub fn new() -> Self {
        Self([0; Situation::ALL.len()])
    }

    /// Counts one.
    pub fn count(&mut self, situation: Situation) {
        self.0[situation as usize] += 1;
    }

    /// How often one occurred.
    pub fn of(&self, situation: Situation) -> u64 {
        self.0[situation as usize]
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Those of `situations` that never occurred.
    pub fn missing(&self, situations: &[Situation]) -> Vec<Situation> {
        situations.iter().copied().filter(|situation| self.of(*situation) == 0).collect()
    }
}

impl Default for Situations {
    fn default() -> Self {
        Self::new()
    }
}

/// A line for each situation, but for the groups of which none has occurred.
impl fmt::Display for Situations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let met = |group: &&&[Situation]| group.iter().any(|situation| self.of(*situation) > 0);
        let groups = [Situation::OF_ENTITIES, Situation::OF_RUNS];
        for situation in groups.iter().filter(met).copied().flatten() {
            writeln!(f, "{:>12}  {}", self.of(*situation), situation.name())?;
        }
        Ok(())
    }
}
