//! Programs: what an orchestration of the simulation does, as data that is its input.

use serde::{Deserialize, Serialize};

/// Names a place in a program, once and for all in a run of the simulation: ten digits that begin with a 9, as an
/// operation's id does, so that reports find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Node(pub(crate) u64);

impl Node {
    pub(crate) const FIRST: Self = Self(9_000_000_000);
}

/// So many accounts are there.
pub(crate) const ACCOUNTS: usize = 10;

/// The names of events.
pub(crate) const EVENTS: [&str; 3] = ["x", "y", "z"];

/// The input of every orchestration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) acts: Vec<Act>,
    /// The events that executions before have taken.
    pub(crate) taken: Vec<Sent>,
    /// How many executions were before.
    pub(crate) generation: u32,
    /// Whether only what no order of things can change is noted.
    pub(crate) plain: bool,
}

impl Program {
    pub(crate) fn new(acts: Vec<Act>) -> Self {
        Self { acts, taken: Vec::new(), generation: 0, plain: false }
    }
}

/// What an event carries: who sent it. A client's has the execution 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Sent(pub(crate) Node, pub(crate) u64);

/// One thing that a program does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// An activity.
    Work(Node, Conduct, Option<Retry>),
    /// The same activity, asked for by its name.
    Named(Node, Conduct, Option<Retry>),
    /// A timer.
    Sleep(u64),
    /// An event, with a timeout.
    Event(u8, Option<u64>),
    /// Several events of a name, with a timeout.
    Events(u8, usize, Option<u64>),
    /// An event for another run.
    Send(Node, String, u8),
    /// A child that is awaited.
    Child(Option<String>, Vec<Act>),
    /// A child that is started again when it fails.
    Insist(Option<String>, Vec<Act>, u32),
    /// A run that nobody waits for.
    Detach(Option<String>, Vec<Act>),
    /// A call.
    Call(Node, usize, Deed),
    /// A signal, perhaps a delayed one.
    Signal(Node, usize, Deed, u64),
    Status,
    /// The time, numbers, the section.
    Draw,
    /// Money from one account to another, in a section of its own; other things in between.
    Transfer(Node, [usize; 2], i64, Vec<Act>),
    /// A section over some accounts, each of which is called first, all at once.
    Section(Node, Vec<usize>, Asking, Vec<Act>, Ending),
    /// Calls of several accounts at once.
    Calls(Vec<(Node, usize)>),
    /// Locks that are asked for and given up.
    Hasty(Vec<usize>, Asking),
    Join(Vec<Vec<Act>>),
    /// The first of them; the rest is dropped.
    Race(Vec<Vec<Act>>),
    /// Against a timer.
    Limit(Vec<Act>, u64),
    /// Activities, one after the other as they end.
    Stream(Vec<Node>),
    /// An activity, a timer and an event that are started, then other things, then they are awaited or dropped.
    Ahead(Node, Vec<Act>, bool),
    Panic,
    Fail,
    /// On as a new execution.
    Again(Vec<Act>),
}

/// What an activity does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Conduct {
    /// Returns, after so many polls.
    Well(u8),
    /// Returns an error when it is performed for the first times, so many.
    BadFirst(u8),
    /// Always returns an error.
    Bad,
    /// Says how far it has got each time, and fails until it has got so far.
    Far(u8),
    /// Asks an account for its balance, in the name of its run.
    Ask(u8),
    /// Signals an account, starts a run, calls the account and reads it.
    Talk(u8),
    Panic,
}

/// When an activity is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retry {
    pub(crate) attempts: u32,
    pub(crate) first_ms: u64,
    /// The time of each attempt.
    pub(crate) timeout_ms: Option<u64>,
    /// The time of all attempts.
    pub(crate) total_ms: Option<u64>,
    pub(crate) by: By,
}

/// What says whether an activity is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum By {
    Policy,
    /// The policy, but not behind a panic.
    Filter,
    Handler,
}

/// How the locks of a section are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Asking {
    Wait,
    /// For so long and no longer.
    Within(u64),
    /// Only if they are free.
    Try,
}

/// How a section is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ending {
    Release,
    Drop,
    /// By an error, as `?` does.
    Fail,
    Panic,
    /// With the execution, which holds it to its end.
    Keep,
    Again,
}

/// What an account does when it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deed {
    Note,
    Fail,
    Panic,
    /// Adds to the balance, and refuses what is not there.
    Move(i64),
    /// Asks another account to note.
    Poke(Node, usize),
    /// The same, and then returns an error or panics.
    PokeAndFail(Node, usize, bool),
    /// Starts a run.
    Start(Option<String>, Vec<Act>),
}
