//! What the code of entities, activities and orchestrations tells of itself while it runs. A seed runs on one thread,
//! so it is told without being in anybody's state.

use super::act::Node;
use crate::invariants::Violation;
use sarsen_protocol::{CallError, ExecutionId, SectionError};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

/// A fault of the code itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeFault {
    /// The orchestration is handed an activity's output as it was, while a replay decodes it.
    Undecoded,
    /// What the orchestration does depends on whether it is replayed.
    ReplaySensitive,
}

#[derive(Debug, Default)]
struct Stage {
    process: u64,
    ticks: u64,
    performances: u64,
    /// How often each activity was performed.
    performed: HashMap<(Node, u64), u8>,
    /// The attempt of each activity, how far it was told to have got when it first ran, and the furthest that it has said.
    progress: HashMap<(Node, u64), (u32, u64, u64)>,
    /// What each execution has seen since the process began, as hashes.
    decisions: BTreeMap<ExecutionId, Vec<u64>>,
    violations: Vec<Violation>,
    broken: bool,
    /// Whether the code has been broken since somebody asked.
    was_broken: bool,
    fault: Option<CodeFault>,
    /// Executions that were begun, and how many of them by a replay.
    activations: u64,
    replays: u64,
    /// Whether a lock was refused because it was taken, and because it was not had in time.
    refused: [bool; 2],
}

thread_local! {
    static STAGE: RefCell<Stage> = RefCell::default();
}

fn on<T>(act: impl FnOnce(&mut Stage) -> T) -> T {
    STAGE.with_borrow_mut(act)
}

/// Begins a run of the simulation.
pub(crate) fn clear(fault: Option<CodeFault>) {
    on(|stage| *stage = Stage { fault, ..Stage::default() });
}

/// Another process has begun; `broken`: with code that does not do what it did.
pub(crate) fn next_process(process: u64, broken: bool) {
    on(|stage| {
        stage.process = process;
        stage.broken = broken;
        stage.was_broken |= broken;
        // What the last process ran ahead of the disk is gone.
        stage.decisions.clear();
    });
}

/// The process that runs.
pub(crate) fn process() -> u64 {
    on(|stage| stage.process)
}

/// The next of the moments in the order in which everything on this thread happens.
pub(crate) fn tick() -> u64 {
    on(|stage| {
        stage.ticks += 1;
        stage.ticks
    })
}

/// Whether the code of orchestrations has changed.
pub(crate) fn is_broken() -> bool {
    on(|stage| stage.broken)
}

/// Whether the code of orchestrations has changed at any time since this was last asked.
pub(crate) fn was_broken() -> bool {
    on(|stage| std::mem::replace(&mut stage.was_broken, stage.broken))
}

/// Whether this fault is armed.
pub(crate) fn is_armed(fault: CodeFault) -> bool {
    on(|stage| stage.fault == Some(fault))
}

/// Notes that an activity is performed. Returns the number of the performance, and how often this one was before.
pub(crate) fn perform(node: Node, execution: u64) -> (u64, u8) {
    on(|stage| {
        stage.performances += 1;
        let times = stage.performed.entry((node, execution)).or_default();
        *times = times.saturating_add(1);
        (stage.performances, *times - 1)
    })
}

/// Notes what an attempt of an activity is told of how far it had got: not less than attempts before, and not more than it
/// ever said. Returns how far it gets now.
pub(crate) fn progress(place: (Node, u64), attempt: u32, told: u64) -> u64 {
    on(|stage| {
        let (last, before, said) = stage.progress.entry(place).or_default();
        if told < *before || told > *said {
            let what = format!("{place:?} was told {told} behind {before}, and has said {said}");
            stage.violations.push(Violation { invariant: super::invariants::progress_kept::NAME, what });
        }
        // One that is run again may have been cut off before it could begin.
        if attempt > *last {
            (*last, *before) = (attempt, told);
        }
        *said = (*said).max(told + 1);
        told + 1
    })
}

/// Notes that the code of an execution begins.
pub(crate) fn activate(replaying: bool) {
    on(|stage| {
        stage.activations += 1;
        stage.replays += u64::from(replaying);
    });
}

/// How many activities have been performed.
pub(crate) fn performances() -> u64 {
    on(|stage| stage.performances)
}

/// How many executions have begun, and how many of them by a replay.
pub(crate) fn activations() -> (u64, u64) {
    on(|stage| (stage.activations, stage.replays))
}

/// Compares what an execution sees as its `at`th thing with what it saw before it left memory.
pub(crate) fn decide(execution: ExecutionId, at: usize, seen: u64, text: impl FnOnce() -> String) {
    on(|stage| {
        if stage.broken {
            return;
        }
        let decisions = stage.decisions.entry(execution).or_default();
        match decisions.get(at) {
            None => decisions.push(seen),
            Some(before) if *before == seen => {}
            Some(_) => {
                let what = format!("execution {execution} saw something else before than {}", text());
                stage.violations.push(Violation { invariant: super::invariants::same_commands::NAME, what });
            }
        }
    });
}

/// Notes why a lock was not had.
pub(crate) fn refuse(error: &CallError) {
    on(|stage| match error {
        CallError::Section(SectionError::Taken { .. }) => stage.refused[0] = true,
        CallError::Section(SectionError::TimedOut { .. }) => stage.refused[1] = true,
        _ => {}
    });
}

/// Whether a lock was refused because it was taken, and because it was not had in time.
pub(crate) fn met() -> [bool; 2] {
    on(|stage| stage.refused)
}

/// Takes the violations that the code has noticed.
pub(crate) fn take_violations() -> Vec<Violation> {
    on(|stage| std::mem::take(&mut stage.violations))
}
