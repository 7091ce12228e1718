//! Why a runtime cannot be opened, and why it did not end in good order.

use sarsen_engine::{Duplicate, LimitTooLow};
use sarsen_entities::RegisterError;
use sarsen_protocol::{Address, Slot};
use sarsen_storage::DirectoryError;
use std::{path::PathBuf, time::Duration};

/// Why a runtime could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another runtime of this one, has the data directory open.
    #[error("the data directory {} is in use: stop the process that has it open or choose another directory", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds something and is no data directory of ours.
    #[error("the directory {} holds `{entry}` and is no data directory of sarsen: choose an empty directory or a new one", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// One of the things in it.
        entry: String,
    },
    /// The data was written by a later version of sarsen.
    #[error("{what} has format {found}, this build knows up to {known}: use the sarsen that wrote it")]
    Newer {
        /// The directory, file or table.
        what: String,
        /// Its format.
        found: u64,
        /// The newest format that this build reads.
        known: u64,
    },
    /// The data is not as sarsen writes it.
    #[error("{what} is damaged: {reason}; restore it from a backup")]
    Damaged {
        /// The directory, file or table.
        what: String,
        /// What was found.
        reason: String,
    },
    /// The system could not do what was asked.
    #[error(
        "{what} could not be read or written: {source}; check its permissions and the space that is left"
    )]
    Io {
        /// The directory or file.
        what: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A thread could not be started.
    #[error("the thread {name} could not be started: {source}; raise the system's limit of threads")]
    Thread {
        /// Its name.
        name: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Two entity types, two orchestrations or two activities have the same name.
    #[error(transparent)]
    Duplicate(#[from] Duplicate),
    /// The name of an entity type or of one of its operations is none, or is given twice.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The name of an orchestration or an activity is none.
    #[error("`{name}` is no name of {kind}: use a lower-case letter followed by up to 63 of a-z, 0-9 and _")]
    Name {
        /// What it is to name.
        kind: &'static str,
        /// The name.
        name: &'static str,
    },
    /// None of an activity's tasks could ever run.
    #[error("activity `{activity}` may run 0 times at once and would never run: choose at least 1")]
    Concurrency {
        /// The activity.
        activity: &'static str,
    },
    /// None of an orchestration's runs could ever begin.
    #[error(
        "0 runs of orchestration `{orchestration}` may be under way at once and none would ever begin: choose at least 1"
    )]
    RunConcurrency {
        /// The orchestration.
        orchestration: &'static str,
    },
    /// The number of shards is out of range.
    #[error("{shards} shards are asked for: choose 1 to {}", Slot::COUNT)]
    Shards {
        /// The number that was asked for.
        shards: u16,
    },
    /// A limit is so low that nothing could go on.
    #[error(transparent)]
    Limit(#[from] LimitTooLow),
    /// The program is built so that a panic ends it, which would turn a failed operation into a crash.
    #[error(
        "this program is built with `panic = \"abort\"`: build it with `panic = \"unwind\"`, so that an operation that panics fails alone"
    )]
    PanicAborts,
    /// There is no tokio runtime here.
    #[error("there is no tokio runtime here: open inside one, for example in `#[tokio::main]`")]
    NoTokio,
    /// The tokio runtime here cannot measure time, which the timeouts of clients need.
    #[error("the tokio runtime here has no timers: build it with `enable_time` or `enable_all`")]
    NoTimers,
}

impl From<DirectoryError> for OpenError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Locked { path } => Self::Locked { path },
            DirectoryError::Foreign { path, entry } => Self::Foreign { path, entry },
            DirectoryError::Newer { path, found, known } => {
                Self::Newer { what: directory(&path), found, known }
            }
            DirectoryError::Damaged { path, reason } => Self::Damaged { what: directory(&path), reason },
            DirectoryError::Io { path, source } => Self::Io { what: path.display().to_string(), source },
            other => Self::Io { what: "the data directory".to_owned(), source: std::io::Error::other(other) },
        }
    }
}

fn directory(path: &std::path::Path) -> String {
    format!("the data directory {}", path.display())
}

impl From<sarsen_storage::Error> for OpenError {
    fn from(error: sarsen_storage::Error) -> Self {
        use sarsen_storage::Error;
        match error {
            Error::Io { what, source } => Self::Io { what, source },
            Error::Damaged { what, reason } => Self::Damaged { what, reason },
            Error::Newer { what, found, known } => Self::Newer { what, found, known },
            other => Self::Io { what: "the store".to_owned(), source: std::io::Error::other(other) },
        }
    }
}

/// Why a runtime did not end in good order. What was acknowledged is on disk in any case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// Not all accepted work was done in time. The runtime has ended; what is left goes on at the next open.
    #[error("the accepted work was not done within {} ms: what is left goes on at the next open; give it more time with `shutdown_within`", within.as_millis())]
    Deadline {
        /// The time that was given.
        within: Duration,
    },
    /// An operation does not return. The data directory stays locked until it does.
    #[error(
        "an operation of {entity} does not return: the data directory stays locked until it does or the process ends"
    )]
    Stuck {
        /// The entity.
        entity: Address,
    },
    /// The store does not return. The data directory stays locked until it does.
    #[error("the store does not return: the data directory stays locked until it does or the process ends")]
    StoreStuck,
    /// The runtime had failed before, or failed meanwhile.
    #[error("the runtime has failed: {reason}; open it again")]
    Failed {
        /// What went wrong.
        reason: String,
    },
}
