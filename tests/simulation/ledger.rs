//! The entities of the simulation: a ledger whose state is the list of the operations that were applied to it, and a
//! witness to whom a ledger hands its list when it is erased.

use sarsen_entities::{
    Entity, EntityContext, EntityType, OperationOptions, Operations, Port, Reference, Returns, StatePort,
};
use sarsen_protocol::Timestamp;
use sarsen_runtime::OperationContext;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    cell::RefCell,
    fmt,
    future::{Future, pending},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// Names an operation that somebody asked for, once and for all: ten digits that begin with a 9, so that it is found
/// in any record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct OperationId(pub(crate) u64);

impl OperationId {
    pub(crate) const FIRST: Self = Self(9_000_000_000);
}

/// What an operation does with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    /// Adds itself to the list and sends what it was given to send.
    Append,
    /// The same, and then returns an error.
    Fail,
    /// The same, and then panics.
    Panic,
    /// The same, and leaves a float that is none.
    Spoil,
    /// Adds itself, hands the list to a witness and deletes the ledger.
    Erase,
    /// As [`Append`](Self::Append), off the shard, after a while.
    Fetch,
    /// As [`Fail`](Self::Fail), off the shard.
    FetchFail,
    /// As [`Panic`](Self::Panic), off the shard.
    FetchPanic,
    /// As [`Erase`](Self::Erase), off the shard.
    FetchErase,
    /// As [`Fetch`](Self::Fetch), and there is not always time enough.
    Late,
    /// Never comes to its end, and has a time.
    Hang,
    /// As [`Append`](Self::Append), and holds up the thread on which it runs.
    Grind,
}

impl Deed {
    /// The name of the operation.
    pub(crate) fn operation(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Fail => "fail",
            Self::Panic => "panic",
            Self::Spoil => "spoil",
            Self::Erase => "erase",
            Self::Fetch => "fetch",
            Self::FetchFail => "fetch_fail",
            Self::FetchPanic => "fetch_panic",
            Self::FetchErase => "fetch_erase",
            Self::Late => "late",
            Self::Hang => "hang",
            Self::Grind => "grind",
        }
    }

    /// Whether it succeeds when it runs.
    pub(crate) fn succeeds(self) -> bool {
        match self {
            Self::Append | Self::Erase | Self::Fetch | Self::FetchErase | Self::Late | Self::Grind => true,
            Self::Fail | Self::Panic | Self::Spoil | Self::FetchFail | Self::FetchPanic | Self::Hang => false,
        }
    }

    /// Whether it deletes its ledger.
    pub(crate) fn erases(self) -> bool {
        matches!(self, Self::Erase | Self::FetchErase)
    }

    /// Whether it runs off the shard.
    pub(crate) fn is_elsewhere(self) -> bool {
        match self {
            Self::Append | Self::Erase | Self::Fail | Self::Panic | Self::Spoil => false,
            Self::Fetch
            | Self::FetchFail
            | Self::FetchPanic
            | Self::FetchErase
            | Self::Late
            | Self::Hang
            | Self::Grind => true,
        }
    }

    /// Whether its time may be over before it is.
    pub(crate) fn may_be_late(self) -> bool {
        matches!(self, Self::Late | Self::Hang)
    }
}

/// A signal that an operation sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Child {
    pub(crate) id: OperationId,
    pub(crate) to: String,
    pub(crate) deed: Deed,
    pub(crate) delay_ms: u64,
    pub(crate) children: Vec<Child>,
}

/// The input of each deed.
pub(crate) type Order = (OperationId, Vec<Child>);

/// Where an operation stands in the list, counted from 1.
pub(crate) type Answer = Result<usize, Refused>;

/// The error of [`Deed::Fail`]: what it saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// The list before it, which is to be as if it had never run.
    pub(crate) before: Vec<OperationId>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused behind {} operations", self.before.len())
    }
}

/// A list of operations. A trait, since one of the armed faults is a list that its clones share.
pub(crate) trait List: Clone + Default + Send + Serialize + DeserializeOwned + 'static {
    fn push(&mut self, id: OperationId);
    fn ids(&self) -> Vec<OperationId>;
}

impl List for Vec<OperationId> {
    fn push(&mut self, id: OperationId) {
        Self::push(self, id);
    }

    fn ids(&self) -> Vec<OperationId> {
        self.clone()
    }
}

/// A list whose clones are one list: no entity may have such a state, and the simulation must notice it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<OperationId>>>);

impl List for Shared {
    fn push(&mut self, id: OperationId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    fn ids(&self) -> Vec<OperationId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Serialize for Shared {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.ids().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Shared {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|ids| Self(Arc::new(Mutex::new(ids))))
    }
}

/// An entity whose state is what was applied to it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(bound = "L: List")]
pub(crate) struct Book<L> {
    pub(crate) list: L,
    weight: f64,
}

/// The ledger of the simulation.
pub(crate) type Ledger = Book<Vec<OperationId>>;

/// An operation that has been run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) id: OperationId,
    pub(crate) deed: Deed,
    /// What it was told of the time.
    pub(crate) now: Timestamp,
}

thread_local! {
    /// What has been run on this thread, undone or not, since it was last taken.
    static RUN: RefCell<Vec<Run>> = const { RefCell::new(Vec::new()) };
}

/// Takes what has been run on this thread.
pub(crate) fn take_run() -> Vec<Run> {
    RUN.with(RefCell::take)
}

/// What the panic of [`Deed::Panic`] says; the panics of a run of the simulation are not printed.
pub(crate) const PANIC: &str = "a panic as the simulation asked";

impl<L: List> Book<L> {
    fn perform(&mut self, cx: &mut EntityContext<'_>, deed: Deed, (id, children): Order) -> Answer {
        RUN.with(|run| run.borrow_mut().push(Run { id, deed, now: cx.now() }));
        let before = self.list.ids();
        self.list.push(id);
        for child in children {
            let Child { id, to, deed, delay_ms, children } = child;
            let request = cx.entity::<Self>(to).ask(deed, &(id, children));
            request.after(Duration::from_millis(delay_ms)).signal();
        }
        match deed {
            Deed::Fail => return Err(Refused { before }),
            Deed::Panic => panic!("{PANIC}"),
            Deed::Spoil => self.weight = f64::NAN,
            Deed::Erase => {
                cx.entity::<Witness>(WITNESS).keep(cx.key(), &self.list.ids()).signal();
                cx.delete();
            }
            _ => {}
        }
        Ok(before.len() + 1)
    }

    /// What a deed off the shard does, but for waiting.
    fn perform_elsewhere(&mut self, cx: &OperationContext, deed: Deed, (id, children): Order) -> Answer {
        RUN.with(|run| run.borrow_mut().push(Run { id, deed, now: cx.now() }));
        let before = self.list.ids();
        self.list.push(id);
        for child in children {
            let Child { id, to, deed, delay_ms, children } = child;
            let request = cx.entity::<Self>(to).ask(deed, &(id, children));
            request.after(Duration::from_millis(delay_ms)).signal();
        }
        match deed {
            Deed::FetchFail => return Err(Refused { before }),
            Deed::FetchPanic => panic!("{PANIC}"),
            Deed::FetchErase => {
                cx.entity::<Witness>(WITNESS).keep(cx.key(), &self.list.ids()).signal();
                cx.delete();
            }
            _ => {}
        }
        Ok(before.len() + 1)
    }

    /// An `async` operation: the state is given, and given back.
    async fn fetch(mut self, cx: OperationContext, deed: Deed, order: Order) -> (Self, Answer) {
        Pause::default().await;
        if deed == Deed::Hang {
            pending::<()>().await;
        }
        let answer = self.perform_elsewhere(&cx, deed, order);
        Pause::default().await;
        (self, answer)
    }
}

/// Waits for its next poll.
#[derive(Debug, Default)]
pub(crate) struct Pause(bool);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The time that [`Deed::Late`] and [`Deed::Hang`] are given.
const TIME: Duration = Duration::from_millis(700);

impl<L: List> EntityType for Book<L> {
    const NAME: &'static str = "ledger";
    type Ref<P: Port> = BookRef<P>;

    fn refer<P: Port>(port: P) -> BookRef<P> {
        BookRef { port }
    }
}

impl<L: List> Entity for Book<L> {
    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        let deeds = [Deed::Append, Deed::Fail, Deed::Panic, Deed::Spoil, Deed::Erase];
        let read = |book: &Self, _cx: &mut EntityContext<'_>, ()| book.list.ids();
        let inside = deeds.into_iter().fold(
            Operations::new().read("read", Returns::value(), read),
            |operations, deed| {
                operations.update(deed.operation(), Returns::fallible(), move |book: &mut Self, cx, order| {
                    book.perform(cx, deed, order)
                })
            },
        );
        let deeds =
            [Deed::Fetch, Deed::FetchFail, Deed::FetchPanic, Deed::FetchErase, Deed::Late, Deed::Hang];
        let grind =
            |book: &mut Self, cx: OperationContext, order| book.perform_elsewhere(&cx, Deed::Grind, order);
        let free = OperationOptions::new();
        deeds
            .into_iter()
            .fold(inside, |operations, deed| {
                let options = if deed.may_be_late() { free.timeout(TIME) } else { free };
                let fetch = move |book: Self, cx: OperationContext, order| book.fetch(cx, deed, order);
                operations.update_async(deed.operation(), options, Returns::fallible(), fetch)
            })
            .update_blocking(Deed::Grind.operation(), free, Returns::fallible(), grind)
    }
}

/// What may be asked of a ledger.
#[derive(Clone, Debug)]
pub(crate) struct BookRef<P> {
    port: P,
}

impl<P: Port> Reference for BookRef<P> {
    type Port = P;
    type Over<Q: Port> = BookRef<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> BookRef<Q> {
        BookRef { port }
    }
}

impl<P: Port> BookRef<P> {
    pub(crate) fn ask(&self, deed: Deed, order: &Order) -> P::Request<Answer> {
        self.port.request(deed.operation(), order, Returns::fallible())
    }

    pub(crate) fn read(&self) -> P::Request<Vec<OperationId>> {
        self.port.request("read", &(), Returns::value())
    }
}

impl<P: StatePort> BookRef<P> {
    pub(crate) fn state(&self) -> P::State<Ledger> {
        self.port.state()
    }
}

/// The key of the one witness.
pub(crate) const WITNESS: &str = "w";

/// Keeps the lists of erased ledgers, in the order in which they come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Witness {
    pub(crate) kept: Vec<(String, Vec<OperationId>)>,
}

impl EntityType for Witness {
    const NAME: &'static str = "witness";
    type Ref<P: Port> = WitnessRef<P>;

    fn refer<P: Port>(port: P) -> WitnessRef<P> {
        WitnessRef { port }
    }
}

impl Entity for Witness {
    fn initial(_key: &str) -> Self {
        Self::default()
    }

    fn operations() -> Operations<Self> {
        Operations::new().update("keep", Returns::value(), |witness: &mut Self, _cx, list| {
            witness.kept.push(list);
        })
    }
}

/// What may be asked of a witness.
#[derive(Clone, Debug)]
pub(crate) struct WitnessRef<P> {
    port: P,
}

impl<P: Port> Reference for WitnessRef<P> {
    type Port = P;
    type Over<Q: Port> = WitnessRef<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> WitnessRef<Q> {
        WitnessRef { port }
    }
}

impl<P: Port> WitnessRef<P> {
    fn keep(&self, key: &str, list: &[OperationId]) -> P::Request<()> {
        self.port.request("keep", &(key, list), Returns::value())
    }
}

impl<P: StatePort> WitnessRef<P> {
    pub(crate) fn state(&self) -> P::State<Witness> {
        self.port.state()
    }
}
