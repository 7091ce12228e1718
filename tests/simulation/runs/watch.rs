//! Watches the host: looks at what is durable, and compares it with what leaves.

use super::{
    brittle::brittle,
    code::{perform, queue},
    invariants::{self, promises},
    memory::Memory,
    met::{Met, Stand},
    oracle::Oracle,
    record::{Durable, Histories, Unseen},
    stage,
};
use crate::invariants::{Checked, Violation};
use sarsen_engine::Request;
use sarsen_protocol::{Answer, ExecutionId, RunId, RunOutcome, Task, Timestamp};
use sarsen_runtime::Run;
use sarsen_storage::Store;
use sarsen_testing::{Observer, Random};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// A run that a client has started.
#[derive(Clone, Debug)]
pub(crate) enum Started {
    Perform(Run<perform>),
    Queue(Run<queue>),
    Brittle(Run<brittle>),
}

/// What the watch and the clients of a seed share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    pub(crate) oracle: Rc<RefCell<Oracle>>,
    /// The runs that clients have started, for as long as their process lives.
    pub(crate) runs: Rc<RefCell<Vec<Started>>>,
    pub(crate) sight: Rc<RefCell<Sight>>,
    /// How often the number of shards has changed.
    pub(crate) changes: Rc<Cell<u64>>,
    /// Whether nothing goes wrong any more, and no more code is broken.
    pub(crate) calm: Rc<Cell<bool>>,
}

/// What has been seen of the store.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    pub(crate) memory: Memory,
    pub(crate) histories: Histories,
    pub(crate) met: Met,
    /// How often the store was looked at.
    pub(crate) looks: u64,
}

impl Shared {
    /// Notes what an invariant has found.
    pub(crate) fn note(&self, invariant: &'static str, checked: Checked) {
        if let Err(what) = checked {
            self.oracle.borrow_mut().violations.push(Violation { invariant, what });
        }
    }

    /// Looks at all that is durable, and notes what must not be. `None` when the store has failed.
    pub(crate) fn look<S: Store>(&self, store: &S) -> Option<Durable> {
        let Sight { memory, histories, met, looks } = &mut *self.sight.borrow_mut();
        *looks += 1;
        match Durable::of(store, histories) {
            Ok(durable) => {
                memory.note_ends(histories);
                if !self.calm.get() {
                    let stand = Stand { process: stage::process(), changes: self.changes.get() };
                    met.look(&durable, histories, stand);
                }
                let violations = &mut self.oracle.borrow_mut().violations;
                invariants::check_durable(&durable, histories, memory, violations);
                Some(durable)
            }
            Err(Unseen::Record(what)) => {
                self.note(invariants::well_formed::NAME, Err(what));
                None
            }
            Err(Unseen::Store) => None,
        }
    }
}

/// The observer of a seed.
pub(crate) struct Watch {
    shared: Shared,
    random: Random,
    /// One commit in so many is looked at.
    look_one_in: usize,
    /// One process in so many has code that does not fit.
    broken_one_in: usize,
    process: u64,
}

impl Watch {
    pub(crate) fn new(shared: Shared, random: Random, look_one_in: usize, broken_one_in: usize) -> Self {
        Self { shared, random, look_one_in, broken_one_in, process: 0 }
    }
}

impl<S: Store> Observer<S> for Watch {
    fn opened(&mut self, store: &S) {
        self.process += 1;
        let broken = self.process > 1 && !self.shared.calm.get() && self.random.one_in(self.broken_one_in);
        stage::next_process(self.process, broken);
        self.shared.look(store);
    }

    fn committed(&mut self, store: &S) {
        if self.random.one_in(self.look_one_in) {
            self.shared.look(store);
        }
    }

    fn released(&mut self, request: &Request, answer: &Answer, store: &S) {
        let Request::Message(message) = request else { return };
        let checked = promises::check_release(&mut self.shared.oracle.borrow_mut(), message, answer, store);
        self.shared.note(promises::NAME, checked);
    }

    fn ended(&mut self, run: &RunId, first: ExecutionId, outcome: Option<&RunOutcome>, store: &S) {
        if !self.shared.oracle.borrow().is_rewound(run.as_str()) {
            let checked = promises::check_end(run, first, outcome, store);
            self.shared.note(promises::NAME, checked);
        }
        if let Some(outcome) = outcome {
            let ends = &mut self.shared.sight.borrow_mut().memory.ends;
            let before = ends.insert(first, outcome.clone());
            let stands = !self.shared.oracle.borrow().is_rewound(run.as_str());
            if stands && before.as_ref().is_some_and(|before| before != outcome) {
                let what = format!("run {run} has ended as {before:?}, and again as {outcome:?}");
                self.shared.note(invariants::ends_stand::NAME, Err(what));
            }
        }
    }

    fn performing(&mut self, task: &Task, store: &S) {
        let Some(durable) = self.shared.look(store) else { return };
        let checked = promises::check_perform(task, &durable, &self.shared.sight.borrow().histories);
        self.shared.note(promises::NAME, checked);
    }

    fn turned(&mut self, _latest: Timestamp) {
        for violation in stage::take_violations() {
            self.shared.oracle.borrow_mut().violations.push(violation);
        }
    }
}
