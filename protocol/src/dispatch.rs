//! Operations that run off their shard.

use crate::{Address, Epoch, OperationName, Payload, Slot, Within};
use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Names an operation that runs off its shard. Only the token of the current epoch counts, and only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DispatchToken {
    /// In which the operation was dispatched.
    pub epoch: Epoch,
    /// The slot of the entity.
    pub slot: Slot,
    /// Counts the dispatches of its shard in that epoch, from 1.
    pub number: u64,
}

/// An operation to run off its shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// With what it is answered.
    pub token: DispatchToken,
    /// The entity.
    pub address: Address,
    /// The operation.
    pub operation: OperationName,
    /// Its input, for whoever watches.
    pub input: Payload,
    /// The execution that waits for it, if one does.
    pub within: Option<Box<Within>>,
    /// The code with a copy of the state and the input.
    pub work: Parcel,
}

/// Something that rooms hand on without looking inside. Whoever it is for takes it out, once. A copy is the same parcel,
/// and a parcel equals itself alone.
#[derive(Clone)]
pub struct Parcel(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl Parcel {
    /// Packs it.
    pub fn new<T: Send + 'static>(content: T) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(content)))))
    }

    /// Takes the content out. `None` when it was taken before, or is none of this type.
    pub fn take<T: 'static>(&self) -> Option<T> {
        let content = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        content.downcast().ok().map(|content| *content)
    }
}

impl PartialEq for Parcel {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Parcel {}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parcel(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_is_opened_once_and_equals_itself_alone() {
        let parcel = Parcel::new(7_u8);
        let copy = parcel.clone();
        assert_eq!(parcel, copy);
        assert_ne!(parcel, Parcel::new(7_u8));
        assert_eq!((copy.take::<u8>(), parcel.take::<u8>()), (Some(7), None));
    }
}
