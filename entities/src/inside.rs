//! Around user code: whose it is, so that a client can refuse to wait inside an operation, and what becomes of its
//! panic.

use sarsen_protocol::{Address, Failure};
use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
};

thread_local! {
    static INSIDE: RefCell<Option<Address>> = const { RefCell::new(None) };
}

/// The entity whose code is running on this thread, if one is.
pub fn inside_operation() -> Option<Address> {
    INSIDE.with_borrow(Clone::clone)
}

/// Marks the thread until it is dropped, also by a panic.
pub(crate) struct Inside {
    outer: Option<Address>,
}

impl Inside {
    pub(crate) fn enter(address: &Address) -> Self {
        Self { outer: INSIDE.replace(Some(address.clone())) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.outer.take());
    }
}

/// Runs user code; its panic is a failure.
pub(crate) fn catch<T>(code: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|panic| Failure::panicked(panic.as_ref()))
}
