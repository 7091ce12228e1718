//! Locks whose holders do not leave broken things behind.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`. A panic of a holder stops the whole runtime by itself, and what is behind each mutex is whole
/// between any two statements, so the mark that the panic left says nothing more.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
