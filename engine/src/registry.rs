//! What runs in a process, by name, and which shard owns which slot.

use sarsen_entities::{Behaviour, EntityOptions};
use sarsen_orchestration::Orchestrator;
use sarsen_protocol::{
    Address, Body, CallError, Message, OperationName, Payload, ShardId, Slot, SlotRange, StartRequest,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

/// The entity types, orchestrations and activities by name.
#[derive(Clone, Default)]
pub struct Registry {
    types: BTreeMap<&'static str, Arc<Registered>>,
    orchestrations: BTreeMap<&'static str, Arc<dyn Orchestrator>>,
    /// The options of the orchestrations that have any.
    options: BTreeMap<&'static str, OrchestrationOptions>,
    activities: BTreeSet<&'static str>,
    /// Whether there is an activity for every name that no other has.
    any_activity: bool,
}

/// An entity type with what was chosen for it.
pub(crate) struct Registered {
    pub(crate) behaviour: Arc<dyn Behaviour>,
    pub(crate) options: EntityOptions,
}

/// What may be chosen for an orchestration, where it is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrchestrationOptions {
    retention: Option<Duration>,
    concurrency: Option<usize>,
}

impl OrchestrationOptions {
    /// Purges a run so long after its end, with its history. Without it runs are kept for ever. A run is purged as the
    /// options say that were in force when it ended.
    pub fn retention(self, time: Duration) -> Self {
        Self { retention: Some(time), ..self }
    }

    /// How many runs may be under way at a time in a shard, at least 1; a runtime has one shard unless told otherwise.
    /// Further ones wait as [`Pending`](sarsen_protocol::RunStatus::Pending), in the order in which they were to begin.
    /// A run has its permit from its begin to its end, also while it is suspended, waits, or is out of memory; so a run
    /// that waits for a child of its own orchestration may wait for ever. Runs that began while there was no limit are
    /// counted from when they next come into memory.
    pub fn concurrency(self, runs: usize) -> Self {
        Self { concurrency: Some(runs), ..self }
    }

    /// Whether no run could ever begin.
    pub fn is_idle(&self) -> bool {
        self.concurrency == Some(0)
    }

    pub(crate) fn retention_time(&self) -> Option<Duration> {
        self.retention
    }

    pub(crate) fn concurrency_most(&self) -> Option<usize> {
        self.concurrency
    }
}

/// A name is registered twice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{kind} `{name}` is already registered: give one of the two another name with `{attribute}(name = \"..\")]`"
)]
pub struct Duplicate {
    /// What it names: an entity, an orchestration, an activity.
    pub kind: &'static str,
    /// The name.
    pub name: &'static str,
    /// The attribute that gives another name.
    attribute: &'static str,
}

impl Registry {
    /// A registry without types.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a type with its own options.
    ///
    /// # Errors
    /// [`Duplicate`] when its name is taken.
    pub fn insert(&mut self, behaviour: Arc<dyn Behaviour>) -> Result<(), Duplicate> {
        let options = behaviour.options();
        self.insert_with(behaviour, options)
    }

    /// Adds a type with other options than its own.
    ///
    /// # Errors
    /// [`Duplicate`] when its name is taken.
    pub fn insert_with(
        &mut self,
        behaviour: Arc<dyn Behaviour>,
        options: EntityOptions,
    ) -> Result<(), Duplicate> {
        let name = behaviour.name();
        if self.types.contains_key(name) {
            return Err(Duplicate { kind: "an entity", name, attribute: "#[entity" });
        }
        self.types.insert(name, Arc::new(Registered { behaviour, options }));
        Ok(())
    }

    /// Adds an orchestration.
    ///
    /// # Errors
    /// [`Duplicate`] when its name is taken.
    pub fn insert_orchestration(&mut self, orchestration: Arc<dyn Orchestrator>) -> Result<(), Duplicate> {
        let name = orchestration.name();
        if self.orchestrations.contains_key(name) {
            return Err(Duplicate { kind: "an orchestration", name, attribute: "#[orchestration" });
        }
        self.orchestrations.insert(name, orchestration);
        Ok(())
    }

    /// Adds an orchestration with options.
    ///
    /// # Errors
    /// [`Duplicate`] when its name is taken.
    pub fn insert_orchestration_with(
        &mut self,
        orchestration: Arc<dyn Orchestrator>,
        options: OrchestrationOptions,
    ) -> Result<(), Duplicate> {
        let name = orchestration.name();
        self.insert_orchestration(orchestration)?;
        if options != OrchestrationOptions::default() {
            self.options.insert(name, options);
        }
        Ok(())
    }

    /// Whether any orchestration has options.
    pub(crate) fn has_options(&self) -> bool {
        !self.options.is_empty()
    }

    /// The options of an orchestration.
    pub(crate) fn options(&self, name: &str) -> OrchestrationOptions {
        self.options.get(name).copied().unwrap_or_default()
    }

    /// Adds an activity, which the host runs.
    ///
    /// # Errors
    /// [`Duplicate`] when its name is taken.
    pub fn insert_activity(&mut self, name: &'static str) -> Result<(), Duplicate> {
        if !self.activities.insert(name) {
            return Err(Duplicate { kind: "an activity", name, attribute: "#[activity" });
        }
        Ok(())
    }

    /// Adds the activity of all names that no other has.
    ///
    /// # Errors
    /// [`Duplicate`] when there is one.
    pub fn insert_any_activity(&mut self) -> Result<(), Duplicate> {
        if std::mem::replace(&mut self.any_activity, true) {
            return Err(Duplicate { kind: "an activity of any name", name: "*", attribute: "#[activity" });
        }
        Ok(())
    }

    /// The orchestration with this name.
    pub fn orchestration(&self, name: &str) -> Option<&Arc<dyn Orchestrator>> {
        self.orchestrations.get(name)
    }

    /// Whether there is an activity with this name.
    pub fn has_activity(&self, name: &str) -> bool {
        self.any_activity || self.activities.contains(name)
    }

    /// The type with this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Behaviour>> {
        self.types.get(name).map(|registered| &registered.behaviour)
    }

    /// The names of the entity types, in order.
    pub(crate) fn entity_names(&self) -> impl Iterator<Item = &'static str> {
        self.types.keys().copied()
    }

    /// The type with this name, and what was chosen for it.
    pub(crate) fn registered(&self, name: &str) -> Option<&Arc<Registered>> {
        self.types.get(name)
    }

    /// Checks what depends on no state: that there is what is asked for, and that the input fits it and its limit.
    /// Called on the client's thread.
    ///
    /// # Errors
    /// The refusal to answer with.
    pub fn check(&self, message: &Message, payload_bytes_max: usize) -> Result<(), CallError> {
        let bytes_max = payload_bytes_max;
        let unsendable = |what: String, input: &Payload| CallError::Unsendable {
            what,
            reason: format!(
                "it has {} bytes, {bytes_max} are allowed: send a reference instead, or raise `payload_bytes_max`",
                input.len()
            ),
        };
        match &message.body {
            Body::Operation(operation) => {
                self.check_input(&message.to, (&operation.name, &operation.input), payload_bytes_max)
            }
            Body::Release(_) | Body::Unschedule(_) => self.check_entity(&message.to).map(drop),
            Body::Schedule(request) => {
                self.check_input(&message.to, (&request.operation, &request.input), payload_bytes_max)
            }
            Body::Start(start) if start.launch.input.len() > bytes_max => {
                let what = format!("the input of orchestration `{}`", start.launch.name);
                Err(unsendable(what, &start.launch.input))
            }
            Body::Start(start) => self.check_start(start),
            Body::Event(event) if event.input.len() > bytes_max => {
                Err(unsendable(message.body.to_string(), &event.input))
            }
            Body::Terminate { reason: Some(reason), .. } if reason.len() > bytes_max => {
                Err(unsendable("the reason of a termination".to_owned(), reason))
            }
            Body::Event(_)
            | Body::Suspend { .. }
            | Body::Resume { .. }
            | Body::Terminate { .. }
            | Body::Purge
            | Body::Lock(_)
            | Body::TryLock(_)
            | Body::Cancel(_)
            | Body::Begin(_)
            | Body::Completed(_)
            | Body::Scheduled(_)
            | Body::Sweep
            | Body::Due { .. }
            | Body::PurgeThis { .. }
            | Body::Expire { .. }
            | Body::Import(_)
            | Body::Rewind { .. } => Ok(()),
        }
    }

    fn check_entity(&self, address: &Address) -> Result<&Arc<dyn Behaviour>, CallError> {
        let unknown = || CallError::UnknownEntity { name: address.name().to_owned() };
        self.get(address.name()).ok_or_else(unknown)
    }

    /// Checks that there is the operation, and that its input fits it and its limit.
    fn check_input(
        &self,
        address: &Address,
        (operation, input): (&OperationName, &Payload),
        bytes_max: usize,
    ) -> Result<(), CallError> {
        let behaviour = self.check_entity(address)?;
        if input.len() > bytes_max {
            return Err(CallError::TooLarge {
                address: address.clone(),
                operation: operation.to_string(),
                bytes: input.len(),
                bytes_max,
            });
        }
        behaviour.check(operation, input).map_err(|error| match error {
            sarsen_entities::InputError::UnknownOperation { known } => CallError::UnknownOperation {
                name: address.name().to_owned(),
                operation: operation.to_string(),
                known,
            },
            sarsen_entities::InputError::Misfit { reason } => {
                CallError::InvalidInput { address: address.clone(), operation: operation.to_string(), reason }
            }
        })
    }

    /// Checks that there is the orchestration, and that its input fits.
    fn check_start(&self, start: &StartRequest) -> Result<(), CallError> {
        let name = start.launch.name.as_str();
        let unknown = || CallError::UnknownOrchestration { name: name.to_owned() };
        let orchestration = self.orchestration(name).ok_or_else(unknown)?;
        orchestration.check(&start.launch.input).map_err(|failure| CallError::InvalidStart {
            orchestration: name.to_owned(),
            reason: failure.message,
        })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.types.keys().chain(self.orchestrations.keys()).chain(&self.activities);
        f.debug_set().entries(names).finish()
    }
}

/// Which shard of the process owns which slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotMap {
    ranges: Vec<SlotRange>,
}

impl SlotMap {
    /// The slots in `shards` ranges; shard n owns the n-th.
    ///
    /// # Panics
    /// If `shards` is 0 or more than there are slots.
    pub fn split(shards: u16) -> Self {
        Self { ranges: SlotRange::split(shards) }
    }

    /// The ranges, by shard.
    pub fn ranges(&self) -> &[SlotRange] {
        &self.ranges
    }

    /// The shard that owns `slot`.
    ///
    /// # Panics
    /// Never: the ranges cover every slot, and there are at most 4,096.
    pub fn shard(&self, slot: Slot) -> ShardId {
        let index = self.ranges.partition_point(|range| range.end() <= slot.number());
        ShardId(u16::try_from(index).expect("there are at most 4,096 shards"))
    }
}
