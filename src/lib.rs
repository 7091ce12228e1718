//! Durable entities and orchestrations for Rust, embedded.
//!
//! An **entity** is a value with a name and a key that exists as soon as somebody sends to it: a counter, an account, a
//! cart. Its fields are its state, its methods are its operations. It handles one operation at a time, out of a mailbox
//! that survives crashes, and leaves memory when nobody needs it. What was acknowledged is on disk.
//!
//! ```
//! use sarsen::{Entity, Runtime, operations};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Entity, Clone, Default, Serialize, Deserialize)]
//! struct Account {
//!     balance: i64,
//! }
//!
//! #[operations]
//! impl Account {
//!     fn deposit(&mut self, amount: i64) -> i64 {
//!         self.balance += amount;
//!         self.balance
//!     }
//!
//!     fn balance(&self) -> i64 {
//!         self.balance
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let place = tempfile::tempdir()?;
//! # let path = place.path().join("bank.sarsen");
//! let runtime = Runtime::builder().entity::<Account>().open(&path).await?;
//! let alice = runtime.client().entity::<Account>("alice");
//! alice.deposit(100).signal().await?; // a signal: on disk when this returns
//! assert_eq!(alice.deposit(20).await?, 120); // a call: awaits the answer
//! assert_eq!(alice.balance().await?, 120);
//! runtime.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A method of a reference returns a [`Request`]: awaited it is a call, by [`signal`](Request::signal) it is sent one
//! way, [`after`](Request::after) delays it, [`idempotency_key`](Request::idempotency_key) makes repeats harmless and
//! [`timeout`](Request::timeout) gives up. `state()` reads the whole state; [`Client::entities`] lists what there is;
//! [`Client::producer`] sends long numbered streams. Inside operations, [`EntityContext`] signals other entities.
//!
//! # Operations that wait
//!
//! An operation that waits for the world outside is an `async fn`; one that computes for long is marked as blocking. Both
//! run off the shard, so that they hold up nobody but their own entity, which does one thing after the other all the same.
//!
//! ```
//! use sarsen::{Entity, OperationContext, Runtime, operations};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Entity, Clone, Default, Serialize, Deserialize)]
//! struct Page {
//!     text: String,
//!     words: usize,
//! }
//!
//! #[operations]
//! impl Page {
//!     #[operation(timeout = "30s")]
//!     async fn fetch(&mut self, cx: OperationContext, url: String) -> Result<usize, FetchError> {
//!         self.text = get(&url).await?; // an `Err` undoes the operation, as always
//!         cx.entity::<Page>(cx.key()).count().signal(); // leaves when the operation has succeeded
//!         Ok(self.text.len())
//!     }
//!
//!     #[operation(blocking)]
//!     fn count(&mut self) {
//!         self.words = self.text.split_whitespace().count();
//!     }
//!
//!     fn words(&self) -> usize {
//!         self.words
//!     }
//! }
//!
//! # #[derive(Debug, thiserror::Error, Serialize, Deserialize)]
//! # #[error("out of reach")]
//! # struct FetchError;
//! # async fn get(url: &str) -> Result<String, FetchError> {
//! #     Ok(format!("the page of {url}"))
//! # }
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let place = tempfile::tempdir()?;
//! # let path = place.path().join("pages.sarsen");
//! let runtime = Runtime::builder().entity::<Page>().open(&path).await?;
//! let page = runtime.client().entity::<Page>("home");
//! assert_eq!(page.fetch("stonehenge".to_owned()).await??, 22);
//! assert_eq!(page.words().await?, 4);
//! runtime.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! * It begins once what asked for it is on disk, and works on a copy of the state. When it succeeds, that takes the place of
//!   the entity's state in the commit that holds its answer and its messages: for the state it happens **exactly once**.
//! * For the outside world it happens **at least once**: an operation that was under way when the process ended runs again.
//! * While it runs its entity is busy, and the rest of its mailbox waits. `state()` reads what was last committed. The lock of
//!   an orchestration that ends meanwhile is free at once; the next message has its turn when the operation is over.
//! * A timeout, or a shutdown that waits no longer, ends its token and not its code: [`OperationContext`] tells it, and what
//!   it returns then is dropped. After a timeout the operation has failed; after a shutdown it runs at the next open.
//! * [`OperationContext`] also gives a [`Client`], with which it may ask and wait for others.
//! * At most 256 of a type run at a time in a shard, or what `#[entity(concurrency = 8)]` says; further ones wait for their turn.
//!   Code that goes on past its time no longer counts: [`Stats::operations_overrun`] says how many do.
//!
//! # Scheduled signals and reminders
//!
//! A signal that is to be done later may have an id, which belongs to its entity: scheduled again under it, it takes the
//! place of the one before, and it can be cancelled. So an operation that is to be done once things have been quiet for a
//! while is one line, from an operation as from a client or an orchestration. A **reminder** comes again and again, over
//! crashes and restarts, until it is cancelled or replaced or its entity is deleted; what was missed in the meantime is
//! made up for by one signal and no more.
//!
//! ```
//! use sarsen::{CallError, Client, Entity, EntityContext, operations};
//! use serde::{Deserialize, Serialize};
//! use std::time::Duration;
//!
//! #[derive(Entity, Clone, Default, Serialize, Deserialize)]
//! struct Document {
//!     text: String,
//!     saved: u64,
//! }
//!
//! #[operations]
//! impl Document {
//!     fn edit(&mut self, cx: &mut EntityContext<'_>, text: String) {
//!         self.text = text;
//!         cx.entity::<Self>(cx.key()).save().after(Duration::from_secs(2)).scheduled_as("save").signal();
//!     }
//!
//!     fn save(&mut self) {
//!         self.saved += 1; // two seconds after the last edit
//!     }
//! }
//!
//! async fn edit(client: Client) -> Result<(), CallError> {
//!     let document = client.entity::<Document>("essay");
//!     document.save().every(Duration::from_secs(60)).scheduled_as("autosave").signal().await?;
//!     for scheduled in client.scheduled(&document).await? {
//!         println!("{} as {} at {}", scheduled.operation, scheduled.id, scheduled.due);
//!     }
//!     let was_scheduled = client.cancel_scheduled(&document, "autosave").await?;
//!     assert!(was_scheduled);
//!     Ok(())
//! }
//! ```
//!
//! # Orchestrations
//!
//! An **orchestration** is an `async fn` that survives crashes: every step is recorded, and after a crash its code runs
//! over the record to where it was. It calls and signals entities, runs **activities** (code that touches the world),
//! sleeps for any time, waits for events, starts others, and locks sets of entities without deadlock.
//!
//! ```
//! use sarsen::{CallError, Context, Entity, Runtime, Uuid, activity, operations, orchestration};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Entity, Clone, Default, Serialize, Deserialize)]
//! struct Account {
//!     balance: i64,
//! }
//!
//! #[operations]
//! impl Account {
//!     fn deposit(&mut self, amount: i64) -> i64 {
//!         self.balance += amount;
//!         self.balance
//!     }
//!
//!     fn withdraw(&mut self, amount: i64) -> Result<i64, Refused> {
//!         if amount > self.balance {
//!             return Err(Refused::Insufficient); // undoes the operation
//!         }
//!         self.balance -= amount;
//!         Ok(self.balance)
//!     }
//!
//!     fn balance(&self) -> i64 {
//!         self.balance
//!     }
//! }
//!
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! struct Order {
//!     from: String,
//!     to: String,
//!     amount: i64,
//! }
//!
//! #[derive(Debug, thiserror::Error, Serialize, Deserialize)]
//! enum Refused {
//!     #[error("the balance does not suffice")]
//!     Insufficient,
//!     #[error(transparent)]
//!     Call(#[from] CallError),
//! }
//!
//! #[activity]
//! async fn notify(text: String) {
//!     drop(text); // a letter leaves the house
//! }
//!
//! #[orchestration]
//! async fn transfer(cx: Context, order: Order) -> Result<Uuid, Refused> {
//!     let held = cx.lock((cx.entity::<Account>(&order.from), cx.entity::<Account>(&order.to))).await?;
//!     let (from, to) = held.refs();
//!     from.withdraw(order.amount).await??; // a call: awaits the answer
//!     to.deposit(order.amount).await?;
//!     held.release(); // or by leaving the scope, `?`, a panic, the end of the execution
//!     cx.activity(notify, "done").await?;
//!     Ok(cx.uuid())
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let place = tempfile::tempdir()?;
//! # let path = place.path().join("bank.sarsen");
//! let runtime = Runtime::builder()
//!     .entity::<Account>()
//!     .orchestration(transfer)
//!     .activity(notify)
//!     .open(&path)
//!     .await?;
//! let client = runtime.client();
//! client.entity::<Account>("alice").deposit(100).signal().await?;
//! let order = Order { from: "alice".to_owned(), to: "bob".to_owned(), amount: 30 };
//! let run = client.start(transfer, order).id("t-1").await?; // on disk when this returns
//! let receipt: Uuid = run.result().await??;
//! # drop(receipt);
//! assert_eq!(client.entity::<Account>("bob").balance().await?, 30);
//! runtime.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Whatever an orchestration awaits comes from its [`Context`], and so do time, chance and ids: code that is run again
//! must do what it did. [`log!`] speaks once. Several things are awaited at once by [`join`], [`join_all`], [`select`]
//! and [`select_all`].
//!
//! A [`Run`] is the handle of a run, from [`Client::start`] or [`Client::run`]: its [`result`](Run::result), its
//! [`status`](Run::status), its [`history`](Run::history); it is [raised](Run::raise) events,
//! [suspended](Run::suspend), [resumed](Run::resume), [terminated](Run::terminate) and [purged](Run::purge).
//! [`Client::runs`] lists runs, [`Client::locks`] who holds and who waits for the locks of entities,
//! [`Client::dead_letters`] what was given up and may be sent again.
//!
//! # Without macros
//!
//! The macros write nothing that a person could not write:
//!
//! ```
//! use sarsen::{Client, Entity, EntityType, Operations, Port, Reference, Returns, StatePort};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Default, Serialize, Deserialize)]
//! struct Account {
//!     balance: i64,
//! }
//!
//! impl EntityType for Account {
//!     const NAME: &'static str = "account";
//!     type Ref<P: Port> = AccountRef<P>;
//!
//!     fn refer<P: Port>(port: P) -> AccountRef<P> {
//!         AccountRef { port }
//!     }
//! }
//!
//! impl Entity for Account {
//!     fn initial(_key: &str) -> Self {
//!         Self::default()
//!     }
//!
//!     fn operations() -> Operations<Self> {
//!         Operations::new()
//!             .update("deposit", Returns::value(), |account: &mut Self, _cx, amount: i64| {
//!                 account.balance += amount;
//!                 account.balance
//!             })
//!             .read("balance", Returns::value(), |account: &Self, _cx, ()| account.balance)
//!     }
//! }
//!
//! struct AccountRef<P> {
//!     port: P,
//! }
//!
//! impl<P: Port> AccountRef<P> {
//!     fn deposit(&self, amount: i64) -> P::Request<i64> {
//!         self.port.request("deposit", &amount, Returns::value())
//!     }
//!
//!     fn balance(&self) -> P::Request<i64> {
//!         self.port.request("balance", &(), Returns::value())
//!     }
//! }
//!
//! impl<P: StatePort> AccountRef<P> {
//!     fn state(&self) -> P::State<Account> {
//!         self.port.state()
//!     }
//! }
//!
//! impl<P: Port> Reference for AccountRef<P> {
//!     type Port = P;
//!     type Over<Q: Port> = AccountRef<Q>;
//!
//!     fn port(&self) -> &P {
//!         &self.port
//!     }
//!
//!     fn over<Q: Port>(port: Q) -> AccountRef<Q> {
//!         AccountRef { port }
//!     }
//! }
//!
//! async fn open_account(client: &Client, key: &str) -> Result<i64, sarsen::CallError> {
//!     client.entity::<Account>(key).deposit(100).await
//! }
//! ```
//!
//! What stands behind `#[activity]` and `#[orchestration]` is on the pages of [`Activity`] and [`Orchestration`].

pub use sarsen_macros::{Entity, activity, operations, orchestration};
pub use sarsen_runtime::{
    Activity, ActivityCode, ActivityContext, ActivityOptions, Address, AddressError, Again, AnyRun,
    Attempted, AuditOptions, AuditPort, Branch, Builder, Call, CallError, CancelRequest, Client, ClientPort,
    Closed, CommandId, Context, CustomStatusRequest, DelayedRequest, Duplicate, Either, Entity,
    EntityContext, EntityOptions, EntityType, EventError, ExecutionId, Failure, FailureKind, FailureOrigin,
    Guard, History, HistoryEvent, IdentityError, IntoInput, Limits, Listed, ListedState, Listing, Lock,
    LockStage, ManageRequest, Managing, NamedEntity, NamedStatePort, NumberedRequest, OpenError,
    OperationContext, OperationDesk, OperationHost, OperationOptions, OperationPort, OperationReminder,
    OperationSchedule, OperationSignal, OperationStart, Operations, Orchestration, OrchestrationOptions,
    OrchestrationType, PageRequest, PageToken, Parent, Payload, PendingReason, Port, Producer, ProducerPort,
    ProducerRequest, PurgeRequest, PurgeRunsRequest, Purged, RaiseRequest, Rate, Reference, Refusals,
    RegisterError, ReminderRequest, Request, RestartRequest, ResultRequest, RetryPolicy, Returning, Returns,
    Reuse, RewindRequest, Run, RunId, RunIdError, RunInfo, RunListing, RunOrder, RunOutcome, RunPage,
    RunResult, RunStatus, Runtime, ScheduleError, Scheduled, ScheduledRequest, SectionError, Sequence,
    ShutdownError, Signal, StartRequest, Starting, State, StateListing, StatePort, StateRequest, Stats,
    TerminateRequest, Timestamp, TurnPort, TurnReminder, TurnRequest, TurnSchedule, TurnStart, Untyped, Uuid,
    join, join_all, log, select, select_all,
};

/// What the methods of a [`Context`] return: requests, and the durable futures that they become.
pub mod durable {
    pub use sarsen_runtime::{
        ActivityRequest, Awaited, Branch, Caller, CancelScheduled, ChildRequest, Children, Completions,
        Contenders, DelayedSignal, Durable, Either, EntityRequest, EventRequest, EventsRequest, Guard, Join,
        LockSet, Locked, LockedCaller, LockedRequest, NamedActivityRequest, Next, NextWindowed, Reminder,
        Requests, ScheduledSignal, Select, TimerRequest, Windowed,
    };
}

/// Why something does not go on, as [`Client::why_waiting`] tells.
pub mod why {
    pub use sarsen_runtime::{Because, Held, Link, Wait, WhyWaiting};
}

/// Messages that were accepted and then given up, as [`Client::dead_letters`] lists them.
pub mod letters {
    pub use sarsen_runtime::{DeadLetter, DeadLetters, LetterContent, LetterId, LetterSender};
}

/// What was done to an entity, as `audit()` of its reference and [`Client::audit`] tell.
pub mod audit {
    pub use sarsen_runtime::{Act, After, AuditCaller as Caller, AuditEntry, AuditTrail};
}

/// What a history is made of, in the words of the Durable Task Framework.
pub mod history {
    pub use sarsen_runtime::{
        ExportedHistory, FailureDetails, History, HistoryEvent, HistoryEventKind, ImportError, Instance,
        ParentInstance,
    };
}

#[cfg(feature = "testing")]
pub use sarsen_testing as testing;

/// What the macros name; no part of the public interface.
#[doc(hidden)]
pub use sarsen_runtime::__private;

/// The README's examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// And those of the page about orchestrations.
#[cfg(doctest)]
#[doc = include_str!("../docs/orchestrations.md")]
struct Orchestrations;

/// And those of the page about entities.
#[cfg(doctest)]
#[doc = include_str!("../docs/entities.md")]
struct Entities;
