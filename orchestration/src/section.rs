//! Critical sections: what is locked, who holds it, and how it is called meanwhile.

mod guard;
mod lock_set;
mod locked;

pub use guard::Guard;
pub use lock_set::LockSet;
pub use locked::{Locked, LockedCaller, LockedRequest};
