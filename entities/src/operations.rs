//! The operations of an entity type, by name.

use crate::{
    Entity, EntityContext, OperationContext, OperationHost, OperationOptions, Returns,
    detached::{self, blocking_read, blocking_update, future_read, future_update},
};
use sarsen_protocol::{Failure, Payload, json};
use serde::de::DeserializeOwned;
use std::{fmt, sync::Arc};

/// The operations of an entity type.
///
/// An operation is a function of the state, the context and one input. An input of `()` is `null` on the wire; a
/// value is itself; a tuple is an array, which is how an operation takes several inputs. Unless an operation named
/// `delete` is added, a built-in one removes the state.
///
/// An ordinary operation runs inside its entity's turn, holds up all others of its shard meanwhile, and so neither waits
/// nor computes for long. What does is added by [`update_async`](Self::update_async) and its like, and *dispatched*:
///
/// * It works on a copy of the state. When it has succeeded, that takes the place of the entity's state, in the commit that
///   also holds its answer and its messages. When it fails, panics, or leaves a state that cannot be encoded, nothing has
///   happened but its failure.
/// * It begins once the message that asks for it, and the state that it works on, are durable. Until its outcome is there its
///   entity is busy: nothing else of its mailbox runs. Reads of the state see what was last committed.
/// * For the state it happens exactly once. For the outside world it happens at least once: when the process ends before
///   the outcome is durable it is run again.
/// * How many of a type run at a time is limited, see `EntityOptions::concurrency`.
///
/// By hand:
///
/// ```
/// use sarsen_entities::{Entity, OperationContext, OperationHost, OperationOptions, Operations, Returns};
/// # use sarsen_entities::{EntityType, NamedEntity, Port};
/// # use serde::{Deserialize, Serialize};
/// # use std::time::Duration;
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Page {
///     text: String,
/// }
///
/// impl Page {
///     async fn fetch<H: OperationHost>(&mut self, cx: OperationContext<H>, url: String) -> usize {
///         // Here it would wait for `url`.
///         self.text = format!("{} from {url}", cx.key());
///         self.text.len()
///     }
/// }
///
/// # impl EntityType for Page {
/// #     const NAME: &'static str = "page";
/// #     type Ref<P: Port> = NamedEntity<P>;
/// #     fn refer<P: Port>(port: P) -> NamedEntity<P> {
/// #         NamedEntity::new(port)
/// #     }
/// # }
/// # impl Entity for Page {
/// #     fn initial(_key: &str) -> Self {
/// #         Self::default()
/// #     }
/// #     fn operations() -> Operations<Self> {
/// #         operations::<NoHost>()
/// #     }
/// # }
/// // `sarsen` has one host, and writes `OperationContext` for its context.
/// fn operations<H: OperationHost>() -> Operations<Page> {
///     let options = OperationOptions::new().timeout(Duration::from_secs(30));
///     Operations::new().update_async(
///         "fetch",
///         options,
///         Returns::value(),
///         |mut page: Page, cx: OperationContext<H>, url| async move {
///             let answer = page.fetch(cx, url).await;
///             (page, answer)
///         },
///     )
/// }
/// # struct NoHost;
/// # impl OperationHost for NoHost {
/// #     type Client = ();
/// #     fn now(&self) -> sarsen_protocol::Timestamp {
/// #         sarsen_protocol::Timestamp::from_micros(0)
/// #     }
/// #     fn client(&self) {}
/// #     fn is_cancelled(&self) -> bool {
/// #         false
/// #     }
/// #     async fn cancelled(&self) {}
/// # }
/// # assert!(sarsen_entities::Typed::<Page>::new().is_ok());
/// ```
///
/// Names are checked when the type is registered ([`Typed::new`](crate::Typed::new)).
pub struct Operations<E> {
    list: Vec<Operation<E>>,
}

pub(crate) struct Operation<E> {
    pub(crate) name: &'static str,
    pub(crate) code: Code<E>,
    pub(crate) check: fn(&Payload) -> Result<(), Failure>,
}

/// An operation's code, with its input still to be decoded and its answer already encoded.
pub(crate) enum Code<E> {
    /// May change the state.
    Update(Box<Update<E>>),
    /// May look at it.
    Read(Box<Read<E>>),
    /// Runs off the shard, on a copy of the state.
    Detached(detached::Code<E>, OperationOptions),
}

type Update<E> = dyn Fn(&mut E, &mut EntityContext<'_>, &Payload) -> Result<Payload, Failure> + Send + Sync;
type Read<E> = dyn Fn(&E, &mut EntityContext<'_>, &Payload) -> Result<Payload, Failure> + Send + Sync;

/// An entity type whose state an `async` operation may look at, on whatever threads it is polled: any that is `Sync`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `Sync`, which an `async` operation with `&self` asks for",
    label = "this operation shares the state between threads",
    note = "let the operation take `&mut self`, or make it a plain `fn`; or let the state have no `Cell`, `RefCell` or `Rc`"
)]
pub trait Shared: Sync {}

#[diagnostic::do_not_recommend]
impl<E: Sync> Shared for E {}

/// The name of the built-in operation.
const DELETE: &str = "delete";

impl<E: 'static> Operations<E> {
    /// No operations yet, but for the built-in one.
    pub const fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// Adds an operation that may change the state.
    pub fn update<I, R, F>(self, name: &'static str, returns: Returns<R>, operation: F) -> Self
    where
        I: DeserializeOwned,
        R: 'static,
        F: Fn(&mut E, &mut EntityContext<'_>, I) -> R + Send + Sync + 'static,
    {
        let code = Code::Update(Box::new(move |state, cx, input| {
            returns.encode(operation(state, cx, json::decode(input)?))
        }));
        self.with(Operation { name, code, check: check::<I> })
    }

    /// Adds an operation that only looks at the state: it neither creates the entity nor writes its record.
    ///
    /// A change through a `Cell` or an atomic would be lost; debug builds and tests fail such an operation.
    pub fn read<I, R, F>(self, name: &'static str, returns: Returns<R>, operation: F) -> Self
    where
        I: DeserializeOwned,
        R: 'static,
        F: Fn(&E, &mut EntityContext<'_>, I) -> R + Send + Sync + 'static,
    {
        let code = Code::Read(Box::new(move |state, cx, input| {
            returns.encode(operation(state, cx, json::decode(input)?))
        }));
        self.with(Operation { name, code, check: check::<I> })
    }

    fn detached<I: DeserializeOwned>(
        self,
        name: &'static str,
        options: OperationOptions,
        code: detached::Code<E>,
    ) -> Self {
        self.with(Operation { name, code: Code::Detached(code, options), check: check::<I> })
    }

    fn with(mut self, operation: Operation<E>) -> Self {
        self.list.push(operation);
        self
    }
}

impl<E: Entity> Operations<E> {
    /// Adds an `async` operation that may change the state, which it is given and gives back.
    pub fn update_async<H, I, R, F, W>(
        self,
        name: &'static str,
        options: OperationOptions,
        returns: Returns<R>,
        operation: F,
    ) -> Self
    where
        H: OperationHost,
        I: DeserializeOwned + Send + 'static,
        R: Send + 'static,
        F: Fn(E, OperationContext<H>, I) -> W + Send + Sync + 'static,
        W: Future<Output = (E, R)> + Send + 'static,
    {
        self.detached::<I>(name, options, future_update(operation, returns))
    }

    /// Adds an `async` operation that only looks at the state: it neither creates the entity nor writes its record. It keeps
    /// its entity busy like one that may change it.
    pub fn read_async<H, I, R, F, W>(
        self,
        name: &'static str,
        options: OperationOptions,
        returns: Returns<R>,
        operation: F,
    ) -> Self
    where
        E: Shared,
        H: OperationHost,
        I: DeserializeOwned + Send + 'static,
        R: Send + 'static,
        F: Fn(Arc<E>, OperationContext<H>, I) -> W + Send + Sync + 'static,
        W: Future<Output = R> + Send + 'static,
    {
        self.detached::<I>(name, options, future_read(operation, returns))
    }

    /// Adds an operation that may change the state and takes its time: it runs on a thread where that does no harm.
    pub fn update_blocking<H, I, R, F>(
        self,
        name: &'static str,
        options: OperationOptions,
        returns: Returns<R>,
        operation: F,
    ) -> Self
    where
        H: OperationHost,
        I: DeserializeOwned + 'static,
        R: 'static,
        F: Fn(&mut E, OperationContext<H>, I) -> R + Send + Sync + 'static,
    {
        self.detached::<I>(name, options, blocking_update(operation, returns))
    }

    /// Adds an operation that only looks at the state and takes its time, as [`update_blocking`](Self::update_blocking).
    pub fn read_blocking<H, I, R, F>(
        self,
        name: &'static str,
        options: OperationOptions,
        returns: Returns<R>,
        operation: F,
    ) -> Self
    where
        H: OperationHost,
        I: DeserializeOwned + 'static,
        R: 'static,
        F: Fn(&E, OperationContext<H>, I) -> R + Send + Sync + 'static,
    {
        self.detached::<I>(name, options, blocking_read(operation, returns))
    }

    /// All of them, the built-in one included, in the order of their names.
    pub(crate) fn into_sorted(self) -> Vec<Operation<E>> {
        let given = self.list.iter().any(|operation| operation.name == DELETE);
        let all = if given { self } else { self.read(DELETE, Returns::value(), |_, cx, ()| cx.delete()) };
        let mut list = all.list;
        list.sort_by_key(|operation| operation.name);
        list
    }
}

fn check<I: DeserializeOwned>(input: &Payload) -> Result<(), Failure> {
    json::decode::<I>(input).map(drop)
}

impl<E: 'static> Default for Operations<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Operations<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.list.iter().map(|operation| operation.name)).finish()
    }
}
