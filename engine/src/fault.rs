//! Faults on purpose, to show that the simulation notices each of them. Without the feature `faults` there are none.

/// Something that the engine does wrong on purpose, always while it is armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "faults", non_exhaustive)]
#[cfg_attr(not(feature = "faults"), expect(unreachable_pub, reason = "it is public with the feature alone"))]
pub enum Fault {
    /// A run that leaves memory gives its locks back.
    ReleaseOnEviction,
    /// A section that still waits is ended by a release to each of its entities, which overtakes its request.
    ReleaseOvertakes,
    /// The first entity of a section is not told of its end.
    ReleaseMissesOne,
    /// A lock request that is refused keeps the locks that it was granted.
    RefusalKeepsLocks,
    /// A cancel ends where it meets the first lock that was granted.
    CancelStops,
    /// A grant that finds no waiting section is not answered.
    GrantUnanswered,
    /// An entity serves everybody although it is locked.
    LockIgnored,
    /// A lock is granted to the second of those who wait for it.
    GrantOutOfTurn,
    /// A lock is granted to two of those who wait for it.
    GrantTwice,
    /// Half of the sections ask for their locks in descending order.
    LockOrder,
    /// The first entity of a set is asked for twice.
    DuplicateInSet,
    /// A section that gives up waiting does not cancel its request.
    CancelUnsent,
    /// A cancel goes to the last entity of the set at once, and not along the path.
    CancelOvertakes,
    /// A cancel goes on although its request may still be in a row that has not been read.
    CancelForgotten,
    /// A lock request that is not to wait does wait.
    TryWaits,
    /// What comes from the holder of a lock waits in the mailbox with all others.
    FrontIgnored,
    /// A release that was accepted and not taken in its batch gets no row.
    ReleaseUnwritten,
    /// A lock that outlives its batch gets no row.
    LockUnwritten,
    /// The row of a lock that was given back stays.
    LockKept,
    /// A release frees the lock of any section of its execution.
    ReleaseByExecution,
    /// A release by an operator frees the lock whoever holds it.
    ForceAnyone,
    /// A call of a section that has lost its lock is done all the same.
    LostLockServes,
    /// A run that is suspended gives its locks back.
    ReleaseOnSuspend,
    /// A run that is parked gives its locks back.
    ReleaseOnParking,
    /// The row of a message that was taken from a mailbox stays.
    MailboxRowStays,
    /// The row of a message that was accepted from another shard stays.
    InboxRowStays,
    /// A message of another shard is accepted again when its wake-up comes late.
    SequenceUnchecked,
    /// Reading on in a mailbox leaves out the first of the rows.
    WindowSkips,
    /// The answer of an activity counts whatever the epoch of its token.
    AcceptOldToken,
    /// What is meant for an earlier execution of a run is given to the one under way.
    AnyExecution,
    /// The next execution of a run begins without the events that the last one has not taken.
    DropCarried,
    /// What a terminated execution has asked for goes on.
    KeepTasks,
    /// A rewound run is not given again what had come behind its point of failure.
    RewindForgets,
    /// How far a failed attempt had got is not told to the next.
    ForgetProgress,
    /// The outcome of an operation off the shard counts whatever the epoch of its token.
    AcceptOldOutcome,
    /// An entity goes on with its mailbox while an operation of it runs off the shard.
    BusyIgnored,
    /// A scheduled signal that was replaced or cancelled is done when its time comes.
    ReplacedFires,
    /// The next timer of a reminder is in memory alone.
    ReminderUnwritten,
    /// An entity's alarm ends the entity, though it was used since the alarm was set.
    AlarmEndsAll,
    /// An audit does not tell of an operation that has failed.
    AuditForgetsFailures,
    /// An audit does not tell of what was scheduled.
    AuditForgetsSchedules,
    /// An audit tells that a client has asked, whoever did.
    AuditWrongCaller,
}

#[cfg(feature = "faults")]
mod seam {
    use super::Fault;
    use std::cell::Cell;

    thread_local! {
        static ARMED: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// Arms a fault on this thread until this is dropped.
    #[derive(Debug)]
    #[must_use = "dropped, it disarms the fault"]
    pub struct Armed(());

    /// Arms a fault on this thread; one at a time.
    pub fn arm(fault: Fault) -> Armed {
        ARMED.set(Some(fault));
        Armed(())
    }

    impl Drop for Armed {
        fn drop(&mut self) {
            ARMED.set(None);
        }
    }

    pub(crate) fn armed(fault: Fault) -> bool {
        ARMED.get() == Some(fault)
    }
}

#[cfg(feature = "faults")]
pub(crate) use seam::armed;
#[cfg(feature = "faults")]
pub use seam::{Armed, arm};

/// Whether a fault is armed: never.
#[cfg(not(feature = "faults"))]
pub(crate) const fn armed(_fault: Fault) -> bool {
    false
}
