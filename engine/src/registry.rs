//! The entity types of a process, and which shard owns which slot.

use sarsen_entities::Behaviour;
use sarsen_protocol::{CallError, Message, ShardId, Slot, SlotRange};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// The entity types by name.
#[derive(Clone, Default)]
pub struct Registry {
    types: BTreeMap<&'static str, Arc<dyn Behaviour>>,
}

/// A name is registered twice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an entity `{name}` is already registered: give one of the two types another name with `#[entity(name = \"..\")]`"
)]
pub struct Duplicate {
    /// The name.
    pub name: &'static str,
}

impl Registry {
    /// A registry without types.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a type.
    ///
    /// # Errors
    /// [`Duplicate`] when its name is taken.
    pub fn insert(&mut self, behaviour: Arc<dyn Behaviour>) -> Result<(), Duplicate> {
        let name = behaviour.name();
        if self.types.contains_key(name) {
            return Err(Duplicate { name });
        }
        self.types.insert(name, behaviour);
        Ok(())
    }

    /// The type with this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Behaviour>> {
        self.types.get(name)
    }

    /// Checks what depends on no state: that the type and the operation exist, that the input fits both the
    /// operation and its limit. Called on the client's thread.
    ///
    /// # Errors
    /// The refusal to answer with.
    pub fn check(&self, message: &Message, payload_bytes_max: usize) -> Result<(), CallError> {
        let (address, operation) = (&message.to, &message.operation);
        let behaviour = self
            .get(address.name())
            .ok_or_else(|| CallError::UnknownEntity { name: address.name().to_owned() })?;
        if message.input.len() > payload_bytes_max {
            return Err(CallError::TooLarge {
                address: address.clone(),
                operation: operation.to_string(),
                bytes: message.input.len(),
                bytes_max: payload_bytes_max,
            });
        }
        behaviour.check(operation, &message.input).map_err(|error| match error {
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
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.types.keys()).finish()
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
