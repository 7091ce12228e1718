//! What an operation that runs off its shard is told, and what it may do besides changing its state.

use super::{OperationPort, OperationStart};
use crate::{
    EntityType, IntoInput, OrchestrationType, Outgoing, Reference, RunLimits,
    context::{Done, keep},
    schedule::unschedule,
};
use sarsen_protocol::{Address, Failure, FailureKind, NamedEntity, OrchestrationName, Timestamp, json};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What a host offers to an operation that it runs. Implemented by hosts, made anew for each dispatch.
pub trait OperationHost: Send + Sync + 'static {
    /// What asks other entities and orchestrations.
    type Client;

    /// The time.
    fn now(&self) -> Timestamp;

    /// A client that works for the operation.
    fn client(&self) -> Self::Client;

    /// Whether the operation's outcome is of no more use. Once it has ended it is.
    fn is_cancelled(&self) -> bool;

    /// Is ready when it is.
    fn cancelled(&self) -> impl Future<Output = ()> + Send;
}

/// What an operation that runs off its shard is told, and what it may do besides changing its state: an `async fn`, or a
/// blocking one. Cheap to clone.
///
/// Nothing that is *sent* through it happens before the operation has succeeded: its signals and starts leave, and its
/// entity is deleted, in the commit that holds its outcome, exactly once. What the code does to the world by other
/// means, and through [`client`](Self::client), happens at once, and again when the operation is run again after a crash.
///
/// A copy may outlive the operation, in a task that its code has spawned: then it is [cancelled](Self::cancelled), and what is
/// sent through it is dropped, for nothing is left that could succeed. What has to be sent is sent before the operation
/// returns, or through the client.
pub struct OperationContext<H> {
    shared: Arc<Shared<H>>,
}

struct Shared<H> {
    host: Arc<H>,
    address: Address,
    limits: RunLimits,
    buffer: Mutex<Buffer>,
}

/// What the operation has done through its context.
#[derive(Debug, Default)]
struct Buffer {
    messages: Vec<Outgoing>,
    fault: Option<Failure>,
    deleted: bool,
}

impl<H: OperationHost> OperationContext<H> {
    pub(super) fn new(host: Arc<H>, address: Address, limits: RunLimits) -> Self {
        Self { shared: Arc::new(Shared { host, address, limits, buffer: Mutex::default() }) }
    }

    /// The entity's address.
    pub fn address(&self) -> &Address {
        &self.shared.address
    }

    /// The entity's key.
    pub fn key(&self) -> &str {
        self.shared.address.key()
    }

    /// The time now: other than that of an ordinary operation, it goes on while the operation runs.
    pub fn now(&self) -> Timestamp {
        self.shared.host.now()
    }

    /// A reference to the entity `key` of type `T`, through which signals are sent when the operation has succeeded; it may be
    /// this very entity. To ask for an answer, take the [`client`](Self::client).
    pub fn entity<T: EntityType>(&self, key: impl AsRef<str>) -> T::Ref<OperationPort<H>> {
        T::refer(self.port_of(T::NAME, key.as_ref()))
    }

    /// As [`entity`](Self::entity), for a type that is known by its name alone.
    pub fn entity_named(&self, name: impl AsRef<str>, key: impl AsRef<str>) -> NamedEntity<OperationPort<H>> {
        NamedEntity::new(self.port_of(name.as_ref(), key.as_ref()))
    }

    /// To an address, or to none, which fails the operation.
    fn port_of(&self, name: &str, key: &str) -> OperationPort<H> {
        let to = Address::entity(name, key)
            .map_err(|error| self.fail(Failure::new(FailureKind::InvalidAddress, error.to_string())))
            .ok();
        OperationPort::new(self.clone(), to)
    }

    /// An orchestration to start when the operation has succeeded, named by its function.
    pub fn start<O: OrchestrationType>(
        &self,
        _orchestration: fn() -> O,
        input: impl IntoInput<O::Input>,
    ) -> OperationStart<H> {
        let input = json::encode(&input.into_input());
        OperationStart::new(self.clone(), OrchestrationName::of(O::NAME), input)
    }

    /// As [`EntityContext::cancel_scheduled`](crate::EntityContext::cancel_scheduled), once the operation has succeeded.
    pub fn cancel_scheduled(&self, entity: &impl Reference<Port = OperationPort<H>>, id: impl AsRef<str>) {
        if let Some(to) = entity.port().to() {
            self.send(unschedule(to.clone(), id.as_ref()));
        }
    }

    /// Leaves the entity without state once the operation has succeeded. What the operation changes besides is lost.
    pub fn delete(&self) {
        self.buffer().deleted = true;
    }

    /// A client that works for the operation. What it asks for happens at once, and once more when the operation is run
    /// again. A call of the entity whose operation this is, or of one that is locked by the very orchestration that waits for
    /// it, would wait for ever and is refused as `WouldDeadlock`; so is not what waits for it in other ways, as a call of an
    /// entity whose own operation calls this one: give those a timeout.
    pub fn client(&self) -> H::Client {
        self.shared.host.client()
    }

    /// Whether the operation's outcome is of no more use, see [`cancelled`](Self::cancelled).
    pub fn is_cancelled(&self) -> bool {
        self.shared.host.is_cancelled()
    }

    /// Is ready when the operation's outcome is of no more use: its time is over, or the runtime is closing, and then it
    /// runs again when that is open, or it has ended and this is a copy. Nothing is cut off: the code ends when it returns.
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn cancelled(&self) {
        self.shared.host.cancelled().await;
    }

    /// What was done, or the first fault. What is done later through a copy is dropped with the last one.
    pub(super) fn finish(&self) -> Result<Done, Failure> {
        let Buffer { messages, fault, deleted } = std::mem::take(&mut *self.buffer());
        match fault {
            Some(fault) => Err(fault),
            None => Ok(Done { messages, deleted }),
        }
    }

    /// Sends it when the operation has succeeded, if it is a message and within the limits.
    pub(super) fn send(&self, message: Result<Outgoing, Failure>) {
        let mut buffer = self.buffer();
        let kept = message.and_then(|message| keep(&mut buffer.messages, message, &self.shared.limits));
        if let Err(fault) = kept {
            buffer.fault.get_or_insert(fault);
        }
    }

    /// Fails the operation when it ends; the first fault counts.
    fn fail(&self, fault: Failure) {
        self.buffer().fault.get_or_insert(fault);
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        // A panic of the user's code elsewhere leaves nothing half done here.
        self.shared.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H> Clone for OperationContext<H> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<H> fmt::Debug for OperationContext<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationContext").field("address", &self.shared.address).finish_non_exhaustive()
    }
}
