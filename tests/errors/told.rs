//! What somebody who did something wrong is told: the error's variant, its text, and what its predicates advise.

use sarsen::{
    AddressError, CallError, Failure, IdentityError, OpenError, RegisterError, ScheduleError, ShutdownError,
    history::ImportError, testing::ReplayError,
};
use sarsen_entities::{AnswerError, InputError};
use sarsen_orchestration::{EventError, HistoryError, RewindError};
use sarsen_protocol::{RunIdError, SectionError, record::RecordError};
use sarsen_storage::{DirectoryError, Error as StorageError};
use serde::{Deserialize, Serialize};
use std::{any::type_name, error::Error, fmt, path::Path};

/// What a program may do about an error without looking at its variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Advice {
    /// Mend what the text names: the same again gives the same again.
    Mend,
    /// Do the same again later: `is_retryable()`.
    Retry,
    /// Ask again under the same idempotency key: `is_unknown_outcome()`.
    Ask,
}

/// An error as the table has it; an orchestration returns what it was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) variant: String,
    pub(crate) text: String,
    pub(crate) advice: Advice,
}

impl Told {
    pub(crate) fn of<E: Tell>(error: &E) -> Self {
        Self { variant: error.variant(), text: error.text(), advice: error.advice() }
    }

    /// The same wherever the temporary directory lies.
    pub(crate) fn within(self, directory: &Path) -> Self {
        self.with(&directory.display().to_string(), "<dir>")
    }

    /// The same with a word for what differs from one run to the next.
    pub(crate) fn with(self, what: &str, word: &str) -> Self {
        Self { text: self.text.replace(what, word), ..self }
    }
}

/// The error of something that must not succeed.
#[track_caller]
pub(crate) fn told<T, E: Tell>(result: Result<T, E>) -> Told {
    match result {
        Err(error) => Told::of(&error),
        Ok(_) => panic!("it succeeded, and the table says that it does not"),
    }
}

/// A public error.
pub(crate) trait Tell: fmt::Debug {
    /// As the table names it, with the variant inside where one error holds another.
    fn variant(&self) -> String {
        plain(self)
    }

    fn text(&self) -> String;

    fn advice(&self) -> Advice {
        Advice::Mend
    }
}

/// `Enum::Variant`; an enum called just `Error` is named with its room.
fn plain<E: fmt::Debug + ?Sized>(error: &E) -> String {
    let path = type_name::<E>();
    let (above, name) = path.rsplit_once("::").unwrap_or(("", path));
    let room = above.split("::").next().and_then(|package| package.strip_prefix("sarsen_"));
    let debug = format!("{error:?}");
    let variant: String = debug.chars().take_while(|c| c.is_alphanumeric()).collect();
    match room {
        Some(room) if name == "Error" => format!("{room}::Error::{variant}"),
        _ => format!("{name}::{variant}"),
    }
}

fn holding<E: fmt::Debug>(error: &E, inner: &str) -> String {
    format!("{}({inner})", plain(error))
}

/// The text with `<system>` for what the system says, which differs from one system to the next.
fn without_system(error: &dyn Error) -> String {
    match error.source() {
        Some(source) if source.is::<std::io::Error>() => {
            error.to_string().replace(&source.to_string(), "<system>")
        }
        _ => error.to_string(),
    }
}

impl Tell for CallError {
    fn variant(&self) -> String {
        match self {
            Self::InvalidAddress(inner) => holding(self, &inner.variant()),
            Self::InvalidIdentity(inner) => holding(self, &inner.variant()),
            Self::Failed { failure, .. }
            | Self::ActivityFailed { failure, .. }
            | Self::ChildFailed { failure, .. }
            | Self::RunFailed { failure, .. } => holding(self, &failure.variant()),
            Self::Section(inner) => holding(self, &inner.variant()),
            Self::InvalidSchedule(inner) => holding(self, &inner.variant()),
            Self::InvalidRun(inner) => holding(self, &inner.variant()),
            _ => plain(self),
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn advice(&self) -> Advice {
        match (self.is_retryable(), self.is_unknown_outcome()) {
            (false, false) => Advice::Mend,
            (true, false) => Advice::Retry,
            (false, true) => Advice::Ask,
            (true, true) => panic!("what was certainly not done has no unknown outcome: {self}"),
        }
    }
}

impl Tell for Failure {
    fn variant(&self) -> String {
        plain(&self.kind)
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Tell for OpenError {
    fn variant(&self) -> String {
        match self {
            Self::Register(inner) => holding(self, &inner.variant()),
            _ => plain(self),
        }
    }

    fn text(&self) -> String {
        without_system(self)
    }
}

impl Tell for RegisterError {
    fn variant(&self) -> String {
        match self {
            Self::Name(inner) => holding(self, &inner.variant()),
            _ => plain(self),
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Tell for SectionError {
    fn variant(&self) -> String {
        match self {
            Self::InvalidAddress(inner) => holding(self, &inner.variant()),
            _ => plain(self),
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Tell for AnswerError {
    fn variant(&self) -> String {
        match self {
            Self::Failed(inner) => holding(self, &inner.variant()),
            _ => plain(self),
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Tell for InputError {
    /// It has no text of its own: the registry puts this part of it into a [`CallError`].
    fn text(&self) -> String {
        match self {
            Self::UnknownOperation { known } => known.clone(),
            Self::Misfit { reason } => reason.clone(),
        }
    }
}

macro_rules! tell {
    ($($error:ty),*) => {
        $(impl Tell for $error {
            fn text(&self) -> String {
                without_system(self)
            }
        })*
    };
}

tell!(
    AddressError,
    DirectoryError,
    EventError,
    HistoryError,
    IdentityError,
    ImportError,
    RecordError,
    ReplayError,
    RewindError,
    RunIdError,
    ScheduleError,
    ShutdownError,
    StorageError
);
