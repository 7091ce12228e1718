//! The trait of entity types.

use crate::{EntityOptions, EntityType, Operations, Port, Reference};
use serde::{Serialize, de::DeserializeOwned};

/// A type of durable entities: its fields are the state, its operations are what may be asked of it.
///
/// `#[derive(Entity)]` and `#[operations]` write what stands here by hand:
///
/// ```
/// use sarsen_entities::{Entity, EntityContext, EntityType, Operations, Port, Reference, Returns, StatePort};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Account {
///     balance: i64,
/// }
///
/// impl Account {
///     fn deposit(&mut self, amount: i64) -> i64 {
///         self.balance += amount;
///         self.balance
///     }
///
///     fn withdraw(&mut self, amount: i64) -> Result<i64, Insufficient> {
///         self.balance = self.balance.checked_sub(amount).filter(|rest| *rest >= 0).ok_or(Insufficient)?;
///         Ok(self.balance)
///     }
///
///     fn sweep(&mut self, cx: &mut EntityContext<'_>, into: String, keep: i64) {
///         let rest = self.balance.min(keep);
///         cx.entity::<Account>(into).deposit(self.balance - rest).signal();
///         self.balance = rest;
///     }
///
///     fn balance(&self) -> i64 {
///         self.balance
///     }
/// }
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Insufficient;
///
/// impl std::fmt::Display for Insufficient {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         f.write_str("the balance does not suffice")
///     }
/// }
///
/// impl EntityType for Account {
///     const NAME: &'static str = "account";
///     type Ref<P: Port> = AccountRef<P>;
///
///     fn refer<P: Port>(port: P) -> AccountRef<P> {
///         AccountRef { port }
///     }
/// }
///
/// impl Entity for Account {
///     fn initial(_key: &str) -> Self {
///         Self::default()
///     }
///
///     fn operations() -> Operations<Self> {
///         Operations::new()
///             .update("deposit", Returns::value(), |account: &mut Self, _cx, amount| account.deposit(amount))
///             .update("withdraw", Returns::fallible(), |account: &mut Self, _cx, amount| account.withdraw(amount))
///             .update("sweep", Returns::value(), |account: &mut Self, cx, (into, keep)| account.sweep(cx, into, keep))
///             .read("balance", Returns::value(), |account: &Self, _cx, ()| account.balance())
///     }
/// }
///
/// /// What may be asked of an account.
/// #[derive(Clone, Debug)]
/// struct AccountRef<P> {
///     port: P,
/// }
///
/// impl<P: Port> AccountRef<P> {
///     fn deposit(&self, amount: i64) -> P::Request<i64> {
///         self.port.request("deposit", &amount, Returns::value())
///     }
///
///     fn withdraw(&self, amount: i64) -> P::Request<Result<i64, Insufficient>> {
///         self.port.request("withdraw", &amount, Returns::fallible())
///     }
///
///     fn sweep(&self, into: String, keep: i64) -> P::Request<()> {
///         self.port.request("sweep", &(into, keep), Returns::value())
///     }
///
///     fn balance(&self) -> P::Request<i64> {
///         self.port.request("balance", &(), Returns::value())
///     }
///
///     fn delete(&self) -> P::Request<()> {
///         self.port.request("delete", &(), Returns::value())
///     }
/// }
///
/// impl<P: Port> Reference for AccountRef<P> {
///     type Port = P;
///     type Over<Q: Port> = AccountRef<Q>;
///
///     fn port(&self) -> &P {
///         &self.port
///     }
///
///     fn over<Q: Port>(port: Q) -> AccountRef<Q> {
///         AccountRef { port }
///     }
/// }
///
/// impl<P: StatePort> AccountRef<P> {
///     fn state(&self) -> P::State<Account> {
///         self.port.state()
///     }
/// }
///
/// assert!(sarsen_entities::Typed::<Account>::new().is_ok());
/// ```
///
/// # The contract
///
/// [`NAME`](EntityType::NAME), [`operations`](Self::operations) and [`options`](Self::options) are asked for when the
/// type is registered. The operations are called one at a time for each entity, in two ways:
///
/// * Ordinary ones inside turns, on the thread of the entity's shard, in any order and as often as it takes: what fails is
///   undone and what was done beside it may be done again. So they, and [`initial`](Self::initial), depend on the state, the
///   input and the context alone; whoever waits, draws a number or reads a clock in them breaks that.
/// * Asynchronous and blocking ones off the shard, on other threads, with a copy of the state. They may wait, look at a
///   clock and do things to the world. Each is called once, and again when the process ends before its outcome is durable.
///   One whose time is over may still run while the next does: on a copy of its own, that is then dropped.
///
/// Of the type itself this asks:
///
/// * `Clone`: a run of operations begins with a copy of the state, to which a failure returns; an operation off the shard
///   works on one. For a large state this is the cost of an operation; `Arc` and persistent collections lower it. The copy
///   must not share what can change.
/// * No `Drop` that panics: states are dropped wherever they are no longer needed.
/// * `Send`: states are decoded, and worked on off the shard, on other threads than they live on. `Sync` too, when an
///   asynchronous operation takes `&self`.
/// * `Serialize` and `DeserializeOwned`: the state rests as JSON. What is written must be readable, also by later
///   versions of the type: give new fields `#[serde(default)]`. Debug builds read every written state back.
///
/// A field with `#[serde(skip)]` is a cache: it is not written, it lasts from operation to operation while the entity is
/// in memory, and is its type's `Default` when the entity has been read from its record again, which may be at any time
/// between two operations. It belongs to the state in all else: [`initial`](Self::initial) sets it, an operation that
/// fails leaves it as it was before, and it is gone with a deletion. What an operation answers must not depend on it but
/// for how long it takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no entity",
    label = "the trait `Entity` is not implemented for `{Self}`",
    note = "add `#[derive(Entity)]` to the type, and `#[operations]` to the impl block with its operations"
)]
pub trait Entity: EntityType + Clone + Send + Serialize + DeserializeOwned {
    /// The state of an entity that does not exist, for its first operation. It is written with the first
    /// operation that may change it.
    fn initial(key: &str) -> Self;

    /// The operations.
    fn operations() -> Operations<Self>;

    /// How long its entities live, and the limits of each.
    fn options() -> EntityOptions {
        EntityOptions::default()
    }
}

/// What `#[operations]` writes and `#[derive(Entity)]` builds on.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no operations",
    label = "there is no `#[operations]` block for `{Self}`",
    note = "add `#[operations]` to the impl block with its operations: `#[operations] impl {Self} {{ .. }}`"
)]
pub trait OperationsBlock: Sized {
    /// [`EntityType::Ref`].
    type Ref<P: Port>: Reference<Port = P>;

    /// [`EntityType::refer`].
    fn refer<P: Port>(port: P) -> Self::Ref<P>;

    /// [`Entity::operations`].
    fn operations() -> Operations<Self>;
}
