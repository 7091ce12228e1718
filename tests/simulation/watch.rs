//! Watches the host: what has left and whether it was durable, and which situations the entities have met.

use crate::{
    agendas,
    durable::id_of,
    invariants::{Checked, Violation, audited, durable_before_visible, not_early},
    ledger::{self, Deed, Ledger, OperationId, Run},
    oracle::{Asker, Oracle},
    plan::Leeway,
};
use sarsen_engine::Request;
use sarsen_entities::EntityType as _;
use sarsen_protocol::{Answer, Delivery, Dispatch, Timestamp};
use sarsen_storage::Store;
use sarsen_testing::{Observer, Situation, Situations};
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
    time::Duration,
};

/// What the watch and the clients of a run share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    pub(crate) oracle: Rc<RefCell<Oracle>>,
    pub(crate) situations: Rc<RefCell<Situations>>,
    /// How many processes have been opened.
    pub(crate) process: Rc<Cell<u64>>,
    pub(crate) leeway: Leeway,
    /// What clients know of agendas.
    pub(crate) agendas: agendas::Known,
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
    /// Before which time an operation must not run.
    due: HashMap<OperationId, Timestamp>,
    /// The latest time that the process has seen.
    latest: Timestamp,
}

impl Watch {
    pub(crate) fn new(shared: Shared) -> Self {
        Self {
            shared,
            ran: HashMap::new(),
            erased: HashSet::new(),
            due: HashMap::new(),
            latest: Timestamp::default(),
        }
    }

    /// Notes what an invariant has found.
    fn note(&self, invariant: &'static str, checked: Checked) {
        if let Err(what) = checked {
            self.shared.oracle.borrow_mut().violations.push(Violation { invariant, what });
        }
    }

    /// Counts what one operation shows by running.
    fn ran(&mut self, Run { id, deed, now }: Run) {
        let process = self.shared.process.get();
        let count = |situation| self.shared.count(situation);
        match deed {
            Deed::Panic | Deed::FetchPanic => count(Situation::Panicked),
            Deed::Spoil => count(Situation::NotANumber),
            _ => {}
        }
        if self.ran.insert(id, process).is_some_and(|earlier| earlier < process) {
            count(Situation::RanAgain);
        }
        let oracle = self.shared.oracle.borrow();
        let Some(asked) = oracle.get(id) else { return };
        for child in asked.children.iter().filter(|child| child.delay_ms > 0) {
            let due = now.after(Duration::from_millis(child.delay_ms));
            // What is sent off the shard may be due at once: the clock there may have gone back.
            if due > self.latest {
                self.due.insert(child.id, due);
            } else {
                self.due.remove(&child.id);
            }
        }
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
        if deed.erases() {
            count(Situation::Deleted);
            self.erased.insert(asked.to.clone());
        } else if deed == Deed::Append && self.erased.contains(&asked.to) {
            count(Situation::Recreated);
        }
    }
}

impl<S: Store> Observer<S> for Watch {
    fn released(&mut self, request: &Request, answer: &Answer, store: &S) {
        let checked = durable_before_visible::check_release(
            &self.shared.oracle.borrow(),
            request,
            answer,
            store,
            self.shared.leeway,
        );
        self.note(durable_before_visible::NAME, checked);
        if let Request::Message(message) = request
            && message.to.name() == Ledger::NAME
        {
            self.note(audited::NAME, audited::check_store(store, &message.to, self.shared.leeway));
        }
        if let (Request::Message(message), Answer::Acknowledged) = (request, answer) {
            agendas::note_due(&self.shared.agendas, message, self.latest);
        }
        if let (Request::Message(message), Answer::Acknowledged) = (request, answer)
            && let (Some(due), Some(id)) = (message.due, id_of(message))
        {
            // Of several attempts it may be another one, with another time, that was accepted.
            let alone = self.shared.oracle.borrow().get(id).is_some_and(|asked| asked.attempts.len() == 1);
            if alone && due > self.latest {
                self.due.insert(id, due);
            }
        }
    }

    fn operating(&mut self, dispatch: &Dispatch, store: &S) {
        let checked = durable_before_visible::check_operating(dispatch, store);
        self.note(durable_before_visible::NAME, checked);
    }

    fn delivering(&mut self, delivery: &Delivery) {
        let id = delivery.message.as_ref().and_then(id_of);
        if id.is_some_and(|id| self.ran.get(&id) == Some(&self.shared.process.get())) {
            self.shared.count(Situation::LateWakeUp);
        }
    }

    fn turned(&mut self, latest: Timestamp) {
        self.latest = latest;
        agendas::turned(&self.shared.agendas, latest);
        // What has been due once stays so, also when a crash takes the process to an earlier time.
        self.due.retain(|_, due| *due > latest);
        let runs = ledger::take_run();
        let inside = || runs.iter().filter(|run| !run.deed.is_elsewhere());
        let several = inside().any(|run| inside().next().is_some_and(|first| first.id != run.id));
        if several && inside().any(|run| !run.deed.succeeds()) {
            self.shared.count(Situation::RollbackInRun);
        }
        for run in runs {
            let checked = not_early::check_run(run.id, self.due.get(&run.id).copied(), latest);
            self.note(not_early::NAME, checked);
            self.ran(run);
        }
    }
}
