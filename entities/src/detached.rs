//! Operations that run off their shard: asynchronous ones, and those that block.
//!
//! Such an operation is *dispatched*: its entity does nothing else until its outcome is there, while other entities of
//! the shard go on. It works on a copy of the state, which takes the place of the entity's when the operation has
//! succeeded. All of it but that last step is here, and nothing of it depends on a shard: [`Work`] is the code with all
//! that it needs, a host lets it run, and [`Ended`] is what it comes to, encoded already.

mod context;
mod options;
mod port;
mod work;

pub use context::{OperationContext, OperationHost};
pub use options::OperationOptions;
pub use port::{OperationPort, OperationSignal, OperationStart};
pub use work::{After, Ended, Work};

pub(crate) use work::{Code, Detached, blocking_read, blocking_update, future_read, future_update};
