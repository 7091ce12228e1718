//! A virtual host for entities and orchestrations: virtual time, an order chosen by a seed, crashes where it hurts.
//!
//! The engine is pure: it has no threads, no clock and no files, so a test can be its host. [`VirtualHost`] drives the
//! very parts that the runtime drives (lanes, shards, groups of batches over a store) and decides by a seed what an
//! operating system would decide. Sarsen's own simulation runs on it, and so may yours: entities, orchestrations,
//! activities and client are the ones of production, and a failure repeats with its seed.
//!
//! A test of an entity that crashes at a moment of the seed's choice and goes on:
//!
//! ```
//! use sarsen_testing::{Crash, VirtualHost};
//! # use sarsen_entities::{Entity, EntityType, Operations, Port, Reference, Returns};
//! # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
//! # struct Account { balance: i64 }
//! # impl EntityType for Account {
//! #     const NAME: &'static str = "account";
//! #     type Ref<P: Port> = AccountRef<P>;
//! #     fn refer<P: Port>(port: P) -> AccountRef<P> { AccountRef { port } }
//! # }
//! # impl Entity for Account {
//! #     fn initial(_key: &str) -> Self { Self::default() }
//! #     fn operations() -> Operations<Self> {
//! #         Operations::new()
//! #             .update("deposit", Returns::value(), |account: &mut Self, _cx, amount: i64| {
//! #                 account.balance += amount;
//! #                 account.balance
//! #             })
//! #             .read("balance", Returns::value(), |account: &Self, _cx, ()| account.balance)
//! #     }
//! # }
//! # struct AccountRef<P> { port: P }
//! # impl<P: Port> Reference for AccountRef<P> {
//! #     type Port = P;
//! #     type Over<Q: Port> = AccountRef<Q>;
//! #     fn port(&self) -> &P { &self.port }
//! #     fn over<Q: Port>(port: Q) -> AccountRef<Q> { AccountRef { port } }
//! # }
//! # impl<P: Port> AccountRef<P> {
//! #     fn deposit(&self, amount: i64) -> P::Request<i64> {
//! #         self.port.request("deposit", &amount, Returns::value())
//! #     }
//! #     fn balance(&self) -> P::Request<i64> { self.port.request("balance", &(), Returns::value()) }
//! # }
//!
//! for seed in 0..100 {
//!     let mut host = VirtualHost::builder().seed(seed).entity::<Account>().open();
//!     let alice = host.client().entity::<Account>("alice");
//!     // Acknowledged: it must survive whatever comes.
//!     host.run(alice.deposit(5).signal()).unwrap();
//!     // Under a key it may be asked for again and is done once, whether or not the crash comes before the answer.
//!     let deposit = alice.deposit(7).idempotency_key("payday").signal();
//!     host.spawn(async move { drop(deposit.await) });
//!     let actions = host.random().below(20);
//!     host.act_times(actions);
//!     host.crash(Crash::Power);
//!     // The client died with its process.
//!     let alice = host.client().entity::<Account>("alice");
//!     host.run(alice.deposit(7).idempotency_key("payday").signal()).unwrap();
//!     assert_eq!(host.run(alice.balance().into_future()).unwrap(), 12, "seed {seed}");
//! }
//! ```
//!
//! Activities run on the host as well: their futures are polled where the seed chooses, their answers come in any order,
//! and, where the odds say so, late, twice, as a failure, or not before the process has ended. What an activity awaits
//! must be woken by what is on the host: by its client, or by another future of the test.
//!
//! What concurrent clients of a real runtime were told is judged by [`linearizable`].
//!
//! What the host does how often is said by [`Odds`]: [`Odds::calm`] leaves crashes to the test, [`Odds::stormy`] draws
//! everything that may happen from a seed. [`Situations`] counts what happened, since a simulation that never meets a
//! situation proves nothing about it. What outlives a process is a [`World`]: a store in memory, or redb on a disk that
//! loses what was not synced.

mod clock;
mod executor;
mod fault;
mod host;
pub mod linearizable;
mod observer;
mod odds;
mod random;
mod replay;
mod rows;
mod situation;
mod trace;
mod world;

pub use fault::Fault;
pub use host::{Builder, VirtualHost};
pub use observer::{Observer, Unobserved};
pub use odds::Odds;
pub use random::Random;
pub use replay::{ReplayError, Replayed, replay};
pub use rows::rows;
pub use situation::{Situation, Situations};
pub use world::{Crash, DiskCrash, MemoryWorld, RedbWorld, World};
