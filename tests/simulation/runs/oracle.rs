//! What clients have asked for, and what they were told.

use super::{
    account::Op,
    act::{Act, Node},
    brittle::Stages,
    code::{Report, Stopped},
};
use crate::invariants::Violation;
use sarsen_protocol::{CallError, ExecutionId};
use sarsen_runtime::Reuse;
use std::collections::{BTreeMap, BTreeSet};

/// A moment in the order of everything that clients do and learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

/// Names something that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AskedId(usize);

/// What a client asks for.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Start {
        id: Option<String>,
        reuse: Reuse,
        acts: Vec<Act>,
        /// Of the orchestration of which only so many may be under way.
        queued: bool,
        begin_ms: Option<u64>,
        team: &'static str,
    },
    Raise {
        run: String,
        name: u8,
        event: Node,
        before_start_ms: Option<u64>,
    },
    Suspend {
        run: String,
    },
    Resume {
        run: String,
    },
    Terminate {
        run: String,
        recurse: bool,
    },
    Purge {
        run: String,
    },
    /// A run that fails until it has been rewound often enough.
    StartBrittle {
        id: Option<String>,
        stages: Stages,
    },
    Rewind {
        run: String,
    },
    /// Again what a run was started with, in its place or beside it.
    Restart {
        run: String,
        id: Option<String>,
    },
    /// Of all runs of a team those that are over.
    PurgeTeam {
        team: &'static str,
        with_children: bool,
    },
    /// Something that only adds itself to the log of an account.
    Note {
        account: usize,
        op: Op,
        call: bool,
    },
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing yet.
    Waiting,
    /// It was never polled.
    Unpolled,
    /// It is durable.
    Done,
    /// It was done and undone.
    Failed,
    /// It was certainly not done.
    NotDone(CallError),
    /// Nobody knows.
    Unknown,
}

/// One attempt of a client.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) handle: u32,
    pub(crate) begun: Option<Moment>,
    pub(crate) outcome: Outcome,
}

/// Something that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) what: What,
    /// Under which a repeat is recognised.
    pub(crate) key: Option<String>,
    pub(crate) attempts: Vec<Attempt>,
}

impl Asked {
    /// Whether an attempt is known to have been done.
    pub(crate) fn is_done(&self) -> bool {
        self.is_applied() || self.is_undone()
    }

    /// Whether an attempt is known to have been done for good.
    pub(crate) fn is_applied(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.outcome == Outcome::Done)
    }

    /// Whether an attempt is known to have been done and undone.
    pub(crate) fn is_undone(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.outcome == Outcome::Failed)
    }

    /// Whether it cannot have been done.
    pub(crate) fn is_impossible(&self) -> bool {
        self.attempts.iter().all(|attempt| matches!(attempt.outcome, Outcome::NotDone(_) | Outcome::Unpolled))
    }

    /// Whether it is to be asked for again.
    pub(crate) fn is_open(&self) -> bool {
        let waiting = self.attempts.iter().any(|attempt| attempt.outcome == Outcome::Waiting);
        let final_no = self.attempts.last().is_some_and(|attempt| match &attempt.outcome {
            // Keys are remembered for longer than a seed lasts.
            Outcome::NotDone(CallError::Busy { what, .. }) => what.contains("idempotency keys"),
            Outcome::NotDone(error) => !error.is_retryable(),
            _ => false,
        });
        self.key.is_some() && !waiting && !self.is_done() && !final_no
    }
}

/// What a client was told of a run's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Returned(Result<Report, Stopped>),
    /// It failed, with a failure of this message.
    Failed(String),
    Terminated,
}

/// Everything that clients did and learned.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) asked: Vec<Asked>,
    /// The first execution that each key has started.
    pub(crate) started: BTreeMap<String, ExecutionId>,
    /// What was told of the end of runs, by their first execution.
    pub(crate) told: BTreeMap<ExecutionId, Told>,
    /// Runs that somebody wanted to purge or to put another in the place of.
    cleared: BTreeSet<String>,
    /// Runs that somebody wanted to be rewound: their ends need not stand.
    rewound: BTreeSet<String>,
    /// Whether any run may be gone once it is over.
    pub(crate) clears_all: bool,
    /// Violations that were noticed on the way.
    pub(crate) violations: Vec<Violation>,
    moments: u64,
}

impl Oracle {
    fn moment(&mut self) -> Moment {
        self.moments += 1;
        Moment(self.moments)
    }

    pub(crate) fn ask(&mut self, what: What, key: Option<String>) -> AskedId {
        if let What::Start {
            id: Some(id), reuse: Reuse::ReplaceFinished | Reuse::TerminateAndReplace, ..
        }
        | What::Purge { run: id }
        | What::Restart { run: id, id: None } = &what
        {
            self.clear(id);
        }
        if let What::Rewind { run } = &what {
            self.rewind(run);
        }
        self.clears_all |= matches!(what, What::PurgeTeam { .. });
        self.asked.push(Asked { what, key, attempts: Vec::new() });
        AskedId(self.asked.len() - 1)
    }

    /// Notes that a run may be purged or replaced from now on.
    pub(crate) fn clear(&mut self, run: &str) {
        self.cleared.insert(run.to_owned());
    }

    /// Notes that a run may be rewound from now on.
    pub(crate) fn rewind(&mut self, run: &str) {
        self.rewound.insert(run.to_owned());
    }

    /// Whether a run may have gone on behind an end that was told.
    pub(crate) fn is_rewound(&self, run: &str) -> bool {
        self.rewound.contains(run)
    }

    /// Whether a run may have been purged or replaced.
    pub(crate) fn is_cleared(&self, run: &str) -> bool {
        self.clears_all || self.cleared.contains(run)
    }

    pub(crate) fn get(&self, id: AskedId) -> &Asked {
        &self.asked[id.0]
    }

    /// What is to be asked for again.
    pub(crate) fn open(&self) -> Vec<AskedId> {
        let open = self.asked.iter().enumerate().filter(|(_, asked)| asked.is_open());
        open.map(|(at, _)| AskedId(at)).collect()
    }

    pub(crate) fn attempt(&mut self, id: AskedId, handle: u32) -> usize {
        let attempts = &mut self.asked[id.0].attempts;
        attempts.push(Attempt { handle, begun: None, outcome: Outcome::Waiting });
        attempts.len() - 1
    }

    pub(crate) fn begin(&mut self, id: AskedId, attempt: usize) {
        let moment = self.moment();
        self.asked[id.0].attempts[attempt].begun = Some(moment);
    }

    pub(crate) fn end(&mut self, id: AskedId, attempt: usize, outcome: Outcome) {
        self.asked[id.0].attempts[attempt].outcome = outcome;
    }

    pub(crate) fn dropped(&mut self, id: AskedId, attempt: usize) {
        let polled = self.asked[id.0].attempts[attempt].begun.is_some();
        self.end(id, attempt, if polled { Outcome::Unknown } else { Outcome::Unpolled });
    }

    /// Notes what was told of a run's end: always the same.
    pub(crate) fn tell(&mut self, first: ExecutionId, told: Told) {
        match self.told.get(&first) {
            Some(before) if *before != told => {
                let what =
                    format!("the run of {first} was told to have ended as {before:?}, and as {told:?}");
                self.violations.push(Violation { invariant: super::invariants::promises::NAME, what });
            }
            _ => {
                self.told.insert(first, told);
            }
        }
    }
}
