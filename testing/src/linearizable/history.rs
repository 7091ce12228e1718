//! What clients asked, when, and what came of it.

use std::fmt;

/// A moment of the clock that orders requests and answers. What has the same moment is at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

/// Which client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientNumber(pub u32);

/// On which way an operation comes to its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through the mailbox, behind whatever was acknowledged before.
    Queued,
    /// Beside the mailbox, as reads of the state: what was acknowledged may still wait there.
    Beside,
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<A> {
    /// It was done between request and answer.
    Answered {
        /// What it answered.
        answer: A,
        /// When that was known.
        at: Moment,
    },
    /// It is done once, before whatever is queued behind the acknowledgement; what it answered is not known.
    Acknowledged {
        /// When that was known.
        at: Moment,
    },
    /// It is done once or never, however late.
    Unknown,
    /// It was not done and never will be.
    Failed,
}

impl<A> Outcome<A> {
    /// When it was known.
    pub fn at(&self) -> Option<Moment> {
        match self {
            Self::Answered { at, .. } | Self::Acknowledged { at } => Some(*at),
            Self::Unknown | Self::Failed => None,
        }
    }
}

/// One operation of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<E, O, A> {
    /// Who asked.
    pub client: ClientNumber,
    /// Whom.
    pub entity: E,
    /// For what.
    pub operation: O,
    /// On which way.
    pub way: Way,
    /// When: before the request was sent.
    pub invoked: Moment,
    /// What came of it, and when that was known.
    pub outcome: Outcome<A>,
}

/// `client 3 at 4..9: Add(5) -> 7`.
impl<E, O: fmt::Debug, A: fmt::Debug> fmt::Display for Recorded<E, O, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {} at {}..", self.client.0, self.invoked.0)?;
        match &self.outcome {
            Outcome::Answered { answer, at } => write!(f, "{}: {:?} -> {answer:?}", at.0, self.operation),
            Outcome::Acknowledged { at } => write!(f, "{}: {:?}, acknowledged", at.0, self.operation),
            Outcome::Unknown => write!(f, ": {:?}, outcome unknown", self.operation),
            Outcome::Failed => write!(f, ": {:?}, failed", self.operation),
        }
    }
}

/// What concurrent clients asked and were told, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<E, O, A> {
    operations: Vec<Recorded<E, O, A>>,
}

impl<E, O, A> History<E, O, A> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { operations: Vec::new() }
    }

    /// Adds an operation.
    ///
    /// # Panics
    /// If its outcome was known before it was asked for: a mistake of who records.
    pub fn push(&mut self, recorded: Recorded<E, O, A>) {
        let (asked, known) = (recorded.invoked, recorded.outcome.at());
        assert!(
            known.is_none_or(|known| known >= asked),
            "an operation was asked for at {} and its outcome was known at {}, before",
            asked.0,
            known.unwrap_or(asked).0
        );
        self.operations.push(recorded);
    }

    /// What was asked.
    pub fn operations(&self) -> &[Recorded<E, O, A>] {
        &self.operations
    }
}

impl<E, O, A> Default for History<E, O, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E, O, A> Extend<Recorded<E, O, A>> for History<E, O, A> {
    fn extend<T: IntoIterator<Item = Recorded<E, O, A>>>(&mut self, operations: T) {
        operations.into_iter().for_each(|recorded| self.push(recorded));
    }
}

impl<E, O, A> FromIterator<Recorded<E, O, A>> for History<E, O, A> {
    fn from_iter<T: IntoIterator<Item = Recorded<E, O, A>>>(operations: T) -> Self {
        let mut history = Self::new();
        history.extend(operations);
        history
    }
}
