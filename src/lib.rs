//! Durable entities for Rust, embedded.
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
//! # Without macros
//!
//! The macros write nothing that a person could not write:
//!
//! ```
//! use sarsen::{Client, Entity, Operations, Port, Returns, StatePort};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Default, Serialize, Deserialize)]
//! struct Account {
//!     balance: i64,
//! }
//!
//! impl Entity for Account {
//!     const NAME: &'static str = "account";
//!     type Ref<P: Port> = AccountRef<P>;
//!
//!     fn refer<P: Port>(port: P) -> AccountRef<P> {
//!         AccountRef { port }
//!     }
//!
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
//! async fn open_account(client: &Client, key: &str) -> Result<i64, sarsen::CallError> {
//!     client.entity::<Account>(key).deposit(100).await
//! }
//! ```

pub use sarsen_macros::{Entity, operations};
pub use sarsen_runtime::{
    Address, AddressError, Builder, Call, CallError, Client, ClientPort, Closed, DelayedRequest, Entity,
    EntityContext, Failure, FailureKind, IdentityError, Limits, Listed, ListedState, Listing,
    NumberedRequest, OpenError, Operations, Payload, Port, Producer, ProducerPort, ProducerRequest,
    RegisterError, Request, Returns, Runtime, Sequence, ShutdownError, Signal, State, StateListing,
    StatePort, StateRequest, Stats, Timestamp, TurnPort, TurnRequest,
};

#[cfg(feature = "testing")]
pub use sarsen_testing as testing;

/// What the macros name; no part of the public interface.
#[doc(hidden)]
pub use sarsen_runtime::__private;

/// The README's examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
