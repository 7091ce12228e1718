//! Watches the host: what has left and whether it was durable, and which situations the entities have met.

use crate::{
    durable::ids_in,
    invariants::{self, durable_before_visible},
    ledger::{self, Deed, OperationId},
    oracle::{Asker, Oracle},
    plan::Leeway,
};
use sarsen_engine::Request;
use sarsen_protocol::{Answer, Delivery};
use sarsen_storage::Store;
use sarsen_testing::{Observer, Situation, Situations};
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
};

/// What the watch and the clients of a run share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    pub(crate) oracle: Rc<RefCell<Oracle>>,
    pub(crate) situations: Rc<RefCell<Situations>>,
    /// How many processes have been opened.
    pub(crate) process: Rc<Cell<u64>>,
    pub(crate) leeway: Leeway,
}

impl Shared {
    pub(crate) fn count(&self, situation: Situation) {
        self.situations.borrow_mut().count(situation);
    }
}

/// The observer of a run.
#[derive(Debug)]
pub(crate) struct Watch {
    shared: Shared,
    /// The last process in which each operation ran.
    ran: HashMap<OperationId, u64>,
    erased: HashSet<String>,
}

impl Watch {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared, ran: HashMap::new(), erased: HashSet::new() }
    }

    /// Counts what one operation shows by running.
    fn ran(&mut self, id: OperationId, deed: Deed) {
        let process = self.shared.process.get();
        let count = |situation| self.shared.count(situation);
        match deed {
            Deed::Panic => count(Situation::Panicked),
            Deed::Spoil => count(Situation::NotANumber),
            Deed::Append | Deed::Fail | Deed::Erase => {}
        }
        if self.ran.insert(id, process).is_some_and(|earlier| earlier < process) {
            count(Situation::RanAgain);
        }
        let oracle = self.shared.oracle.borrow();
        let Some(asked) = oracle.get(id) else { return };
        if asked.delayed {
            count(Situation::DelayedRan);
            if asked.process < process {
                count(Situation::DelayedRanAfterRestart);
            }
        }
        if let Asker::Operation(parent) = asked.by
            && oracle.get(parent).is_some_and(|parent| parent.to == asked.to)
        {
            count(Situation::SignalledItself);
        }
        if deed == Deed::Erase {
            count(Situation::Deleted);
            self.erased.insert(asked.to.clone());
        } else if deed == Deed::Append && self.erased.contains(&asked.to) {
            count(Situation::Recreated);
        }
    }
}

impl<S: Store> Observer<S> for Watch {
    fn released(&mut self, request: &Request, answer: &Answer, store: &S) {
        let mut oracle = self.shared.oracle.borrow_mut();
        let checked =
            durable_before_visible::check_release(&oracle, request, answer, store, self.shared.leeway);
        if let Err(what) = checked {
            oracle.violations.push(invariants::Violation { invariant: durable_before_visible::NAME, what });
        }
    }

    fn delivering(&mut self, delivery: &Delivery) {
        let id = delivery.message.as_ref().and_then(|message| ids_in(message.input.as_bytes()).next());
        if id.is_some_and(|id| self.ran.get(&id) == Some(&self.shared.process.get())) {
            self.shared.count(Situation::LateWakeUp);
        }
    }

    fn turned(&mut self) {
        let run = ledger::take_run();
        let several = run.iter().any(|(id, _)| *id != run[0].0);
        if several && run.iter().any(|(_, deed)| !deed.succeeds()) {
            self.shared.count(Situation::RollbackInRun);
        }
        for (id, deed) in run {
            self.ran(id, deed);
        }
    }
}
