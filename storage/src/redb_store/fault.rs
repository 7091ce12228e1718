//! What redb reports, in our words.

use crate::Error;
use crate::meter::Meter;
use redb::Database;
use std::io;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Runs `call` on the database called `what`. A damaged file may make redb panic where it trusts its pages; that
/// is an error like the damage it reports itself.
pub(super) fn calling<T>(what: &str, call: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| translate(what, error)),
        Err(_) => Err(damaged(what, "redb panicked while it was read")),
    }
}

/// A database that is left as it is when it is dropped, as by a kill: each commit has left what the next open needs. redb
/// would tidy up there, and trust pages that may be what a failure was about.
pub(super) struct Guarded {
    database: Option<Database>,
    meter: Arc<Meter>,
}

impl Guarded {
    pub(super) fn new(database: Database, meter: Arc<Meter>) -> Self {
        Self { database: Some(database), meter }
    }
}

impl Deref for Guarded {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.database.as_ref().expect("it is taken in drop alone")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.meter.stop();
        // Nobody is left to be told, and the next open will find what is wrong.
        let _closed = catch_unwind(AssertUnwindSafe(|| drop(self.database.take())));
    }
}

/// The damage of `what`.
pub(super) fn damaged(what: &str, reason: impl Into<String>) -> Error {
    Error::Damaged { what: what.to_owned(), reason: reason.into() }
}

fn translate(what: &str, error: redb::Error) -> Error {
    match error {
        redb::Error::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            damaged(what, "it ends early")
        }
        // What redb says of a file that does not begin as its files do.
        redb::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => {
            damaged(what, "it is not the file of a store")
        }
        redb::Error::Corrupted(reason) => damaged(what, reason),
        redb::Error::Io(source) => Error::Io { what: what.to_owned(), source },
        redb::Error::PreviousIo | redb::Error::DatabaseClosed | redb::Error::LockPoisoned(_) => {
            Error::Stopped
        }
        redb::Error::ValueTooLarge(_) => {
            let source = io::Error::new(io::ErrorKind::InvalidInput, error.to_string());
            Error::Io { what: what.to_owned(), source }
        }
        error => damaged(what, error.to_string()),
    }
}
