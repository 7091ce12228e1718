//! The entity whose signals are scheduled, and the one that keeps its log when it is deleted.

use sarsen_entities::{Entity, EntityContext, EntityType, Operations, Port, Reference, Returns, StatePort};
use sarsen_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, time::Duration};

/// A moment: seconds and microseconds. No part of it has ten digits of which the first is a 9, as an operation's id has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Moment(u64, u64);

impl Moment {
    pub(super) fn of(time: Timestamp) -> Self {
        Self(time.as_micros() / 1_000_000, time.as_micros() % 1_000_000)
    }

    pub(crate) fn micros(self) -> u64 {
        self.0 * 1_000_000 + self.1
    }
}

/// What an agenda writes down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// Something was scheduled under a name.
    Planned { name: String, id: u64, due: Moment, every_ms: Option<u64> },
    /// Nothing is scheduled under a name any longer.
    Dropped { name: String },
    /// Something came.
    Came { id: u64, at: Moment },
}

/// An entity that writes down what is scheduled and what comes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Agenda {
    pub(crate) log: Vec<Entry>,
}

/// Name, id, milliseconds until it is due, milliseconds between two, and whether the operation fails.
pub(crate) type Plan = (String, u64, u64, Option<u64>, bool);

/// What an operation has done, undone or not.
#[derive(Clone, Copy, Debug)]
pub(super) enum Did {
    /// It has scheduled something for this moment.
    Planned(u64, Timestamp),
    /// It came, at this moment.
    Came(u64, Timestamp),
}

thread_local! {
    /// What has been done on this thread since it was last taken.
    static DONE: RefCell<Vec<Did>> = const { RefCell::new(Vec::new()) };
}

/// Takes what has been done on this thread.
pub(super) fn take_done() -> Vec<Did> {
    DONE.with(RefCell::take)
}

fn done(did: Did) {
    DONE.with(|all| all.borrow_mut().push(did));
}

impl Agenda {
    fn plan(&mut self, cx: &EntityContext<'_>, plan: Plan) -> Result<(), String> {
        let (name, id, delay_ms, every_ms, fails) = plan;
        let delay = Duration::from_millis(delay_ms);
        let request = cx.entity::<Self>(cx.key()).come(id).after(delay);
        match every_ms.map(Duration::from_millis) {
            Some(every) => request.every(every).scheduled_as(&name).signal(),
            None => request.scheduled_as(&name).signal(),
        }
        let due = cx.now().after(delay);
        done(Did::Planned(id, due));
        self.log.push(Entry::Planned { name, id, due: Moment::of(due), every_ms });
        if fails { Err("as it was asked".to_owned()) } else { Ok(()) }
    }

    fn cancel(&mut self, cx: &EntityContext<'_>, name: String) {
        cx.cancel_scheduled(&cx.entity::<Self>(cx.key()), &name);
        self.log.push(Entry::Dropped { name });
    }
}

impl EntityType for Agenda {
    const NAME: &'static str = "agenda";
    type Ref<P: Port> = AgendaRef<P>;

    fn refer<P: Port>(port: P) -> AgendaRef<P> {
        AgendaRef { port }
    }
}

impl Entity for Agenda {
    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        Operations::new()
            .update("plan", Returns::fallible(), |agenda: &mut Self, cx, plan| agenda.plan(cx, plan))
            .update("cancel", Returns::value(), |agenda: &mut Self, cx, name| agenda.cancel(cx, name))
            .update("come", Returns::value(), |agenda: &mut Self, cx, id| {
                done(Did::Came(id, cx.now()));
                agenda.log.push(Entry::Came { id, at: Moment::of(cx.now()) });
            })
            .update("tell", Returns::value(), |_: &mut Self, cx, (to, id, delay_ms): (String, u64, u64)| {
                let delay = Duration::from_millis(delay_ms);
                done(Did::Planned(id, cx.now().after(delay)));
                let request = cx.entity::<Self>(to).come(id).after(delay);
                request.scheduled_as("told").signal();
            })
            .update("erase", Returns::value(), |agenda: &mut Self, cx, ()| {
                cx.entity::<Archive>(cx.key()).keep(&agenda.log).signal();
                cx.delete();
            })
    }
}

/// What may be asked of an agenda.
#[derive(Clone, Debug)]
pub(crate) struct AgendaRef<P> {
    port: P,
}

impl<P: Port> AgendaRef<P> {
    pub(super) fn plan(&self, plan: &Plan) -> P::Request<Result<(), String>> {
        self.port.request("plan", plan, Returns::fallible())
    }

    pub(super) fn cancel(&self, name: &str) -> P::Request<()> {
        self.port.request("cancel", name, Returns::value())
    }

    pub(super) fn come(&self, id: u64) -> P::Request<()> {
        self.port.request("come", &id, Returns::value())
    }

    pub(super) fn tell(&self, what: &(String, u64, u64)) -> P::Request<()> {
        self.port.request("tell", what, Returns::value())
    }

    pub(super) fn erase(&self) -> P::Request<()> {
        self.port.request("erase", &(), Returns::value())
    }
}

impl<P: StatePort> AgendaRef<P> {
    pub(super) fn state(&self) -> P::State<Agenda> {
        self.port.state()
    }
}

impl<P: Port> Reference for AgendaRef<P> {
    type Port = P;
    type Over<Q: Port> = AgendaRef<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> AgendaRef<Q> {
        AgendaRef { port }
    }
}

/// Keeps the logs of an agenda that was erased, in the order in which they come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Archive {
    pub(crate) kept: Vec<Vec<Entry>>,
}

impl EntityType for Archive {
    const NAME: &'static str = "archive";
    type Ref<P: Port> = ArchiveRef<P>;

    fn refer<P: Port>(port: P) -> ArchiveRef<P> {
        ArchiveRef { port }
    }
}

impl Entity for Archive {
    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        Operations::new().update("keep", Returns::value(), |archive: &mut Self, _cx, log: Vec<Entry>| {
            archive.kept.push(log);
        })
    }
}

/// What may be asked of an archive.
#[derive(Clone, Debug)]
pub(crate) struct ArchiveRef<P> {
    port: P,
}

impl<P: Port> ArchiveRef<P> {
    fn keep(&self, log: &[Entry]) -> P::Request<()> {
        self.port.request("keep", log, Returns::value())
    }
}

impl<P: Port> Reference for ArchiveRef<P> {
    type Port = P;
    type Over<Q: Port> = ArchiveRef<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> ArchiveRef<Q> {
        ArchiveRef { port }
    }
}

impl<P: StatePort> ArchiveRef<P> {
    pub(super) fn state(&self) -> P::State<Archive> {
        self.port.state()
    }
}
