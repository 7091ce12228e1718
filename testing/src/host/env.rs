//! What outlives a process of the host: its choices, its counts, its faults.

use super::sight::Sight;
use crate::{Fault, Observer, Odds, Random, Situation, Situations, clock::Clock, trace::Trace};
use sarsen_engine::{Limits, Registry};
use sarsen_entities::Ended;
use sarsen_protocol::{Address, DispatchToken, TaskToken};
use sarsen_runtime::gate::ActivityHandler;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// One fault in so many chances strikes.
const FAULT_ONE_IN: usize = 4;

pub(super) struct Env<S> {
    pub(super) random: Random,
    pub(super) odds: Odds,
    pub(super) limits: Arc<Limits>,
    pub(super) registry: Arc<Registry>,
    pub(super) activities: BTreeMap<&'static str, Arc<dyn ActivityHandler>>,
    /// Tokens of earlier processes that have not been answered.
    pub(super) outdated: Vec<TaskToken>,
    /// Outcomes of operations of earlier processes that have not been given.
    pub(super) outdated_outcomes: Vec<(DispatchToken, Ended)>,
    /// What is known of runs.
    pub(super) sight: Sight,
    pub(super) situations: Situations,
    pub(super) trace: Trace,
    pub(super) observer: Box<dyn Observer<S>>,
    pub(super) fault: Option<Fault>,
    /// The clock with which the next process begins.
    pub(super) clock: Clock,
    /// The number of shards of the last process.
    pub(super) shards: Option<u16>,
    /// The entities and runs that the host has heard of, for evictions.
    pub(super) known: Vec<Address>,
    /// No crash, no failure, no jump, no fault: the run comes to its end.
    pub(super) calm: bool,
}

impl<S> Env<S> {
    /// Adds a line to the trace.
    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        self.trace.note(line);
    }

    /// Counts a situation.
    pub(super) fn count(&mut self, situation: Situation) {
        self.situations.count(situation);
    }

    /// Remembers an entity or a run.
    pub(super) fn know(&mut self, address: &Address) {
        if !self.known.contains(address) {
            self.known.push(address.clone());
        }
    }

    /// Whether a crash comes here, `times` as often as at any step.
    pub(super) fn crashes_now(&mut self, times: usize) -> bool {
        !self.calm
            && self.odds.crash_one_in != 0
            && self.random.one_in((self.odds.crash_one_in / times).max(2))
    }

    /// Whether `fault` is armed and strikes now.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        !self.calm && self.fault == Some(fault) && self.random.one_in(FAULT_ONE_IN)
    }
}

impl<S> fmt::Debug for Env<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("odds", &self.odds)
            .field("situations", &self.situations)
            .finish_non_exhaustive()
    }
}
