//! How code names entities: by types.

use crate::{OperationName, Returns};
use serde::Serialize;

/// The way from a reference to its entity.
///
/// A reference ([`EntityType::Ref`]) has a method for each operation and calls [`request`](Self::request) once for
/// each call of such a method. What comes back is not yet sent: a client's request is awaited or signalled, an
/// operation's is signalled, an orchestration's is awaited, joined, started or signalled. Who implements a port fixes
/// the address when it makes one.
pub trait Port {
    /// What asking for an operation that returns `R` gives.
    type Request<R>;

    /// Asks for `operation`, which is named by a text in code, with `input`, which is encoded as `null` for `()`, and as an array for a tuple.
    fn request<I: Serialize + ?Sized, R>(
        &self,
        operation: impl Into<OperationName>,
        input: &I,
        returns: Returns<R>,
    ) -> Self::Request<R>;
}

/// The name of an entity type, and what refers to its entities.
///
/// It is all that is needed to ask for operations: what the entity's state is and what its operations do stands in
/// the trait `Entity`, which `#[derive(Entity)]` implements beside this one. By hand:
///
/// ```
/// use sarsen_protocol::{EntityType, Port, Reference, Returns};
///
/// struct Account;
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
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no entity type",
    label = "the trait `EntityType` is not implemented for `{Self}`",
    note = "add `#[derive(Entity)]` to the type, and `#[operations]` to the impl block with its operations"
)]
pub trait EntityType: 'static {
    /// The name under which entities of this type are stored and found: `[a-z][a-z0-9_]{0,63}`.
    ///
    /// Renaming the Rust type may change the name that the derive writes; entities already stored keep theirs.
    const NAME: &'static str;

    /// What refers to an entity of this type: a method for each operation, over the port `P`. A type that needs no methods
    /// may have a [`NamedEntity`](crate::NamedEntity).
    type Ref<P: Port>: Reference<Port = P>;

    /// A reference over `port`.
    fn refer<P: Port>(port: P) -> Self::Ref<P>;
}

/// What refers to an entity, as every [`EntityType::Ref`] does.
///
/// A lock asks it for its port, to find the entity, and then for the same reference over another port, which calls the
/// entity inside the section. The entity's type is not named, for it may be more private than its reference.
#[diagnostic::on_unimplemented(
    message = "`{Self}` refers to no entity",
    label = "this is no reference to an entity",
    note = "references are given by a client or a context: `cx.entity::<Account>(key)`"
)]
pub trait Reference {
    /// The way to the entity.
    type Port: Port;

    /// The same reference over the port `P`.
    type Over<P: Port>: Reference<Port = P>;

    /// The way to the entity.
    fn port(&self) -> &Self::Port;

    /// A reference over `port`, to an entity of the same type.
    fn over<P: Port>(port: P) -> Self::Over<P>;
}
