//! Whether what concurrent clients were told can have happened one thing after the other.
//!
//! An entity promises that its operations happen one at a time, each at a moment between the request and its answer:
//! that it is *linearizable* (Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", 1990).
//! A test lets clients work at the same time, records when each operation was asked for and what came of it, and then
//! asks whether there is an order of all of them that a sequential [`Model`] explains. No order: something was lost,
//! doubled, stale or too early, however seldom it happens.
//!
//! ```
//! use sarsen_testing::linearizable::{Recorder, check, model};
//!
//! // What a counter does when one asks after the other: the initial state, and what an operation does and answers.
//! let counter = model(|_key: &&str| 0, |count: &mut u64, add: &u64| {
//!     *count += add;
//!     *count
//! });
//!
//! let recorder = Recorder::new();
//! let (ada, ben) = (recorder.client(), recorder.client());
//! let adding = ada.invoke("visits", 1); // before the request is sent
//! let beside = ben.invoke("visits", 5);
//! adding.answered(6); // behind its answer
//! beside.answered(5);
//! check(&counter, &recorder.history()).assert();
//!
//! // It was answered before the next one was asked for: the 7 comes too late.
//! ada.invoke("visits", 1).answered(8);
//! ben.invoke("visits", 1).answered(7);
//! let verdict = check(&counter, &recorder.history());
//! assert!(verdict.to_string().contains("client 0 at 4..5: 1 -> 8"), "{verdict}");
//! ```
//!
//! # What may come of an operation
//!
//! | outcome | when it is done | of sarsen |
//! |---|---|---|
//! | [answered](Invoked::answered) | once, between request and answer, with this answer | a call, `state()` |
//! | [acknowledged](Invoked::acknowledged) | once, from the request on, before whatever is queued behind the acknowledgement | a signal |
//! | [unknown](Invoked::unknown) | once or never, from the request on, however late | a timeout, a crash |
//! | [failed](Invoked::failed) | never | what was refused; an operation that failed, for it is undone |
//!
//! A read of the state goes beside the mailbox ([`ClientRecorder::invoke_beside`]): it sees what is done, and not what is
//! acknowledged and still waits.
//!
//! # How it is decided
//!
//! Each entity is looked at by itself, which is enough (Herlihy and Wing, theorem 1). The order is searched for as Wing and
//! Gong do ("Testing and verifying concurrent objects", 1993), in the form of Lowe ("Testing for linearizability", 2017): a
//! set of operations that was done before and left the same state is not tried again. A [read](Model::is_read) that fits is
//! taken at once, and of equal operations that are unknown the first comes first: neither takes an order away.
//!
//! That is fast unless much is open at the same time. Where the search has seen more than [`Checker::configurations_max`]
//! sets and states of one entity, it gives up and says so: [`Verdict::Undecided`] is no yes.

mod history;
mod model;
mod recorder;
mod search;
mod verdict;

pub use history::{ClientNumber, History, Moment, Outcome, Recorded, Way};
pub use model::{FromClosures, Model, model};
pub use recorder::{ClientRecorder, Invoked, Recorder};
pub use verdict::{Checker, HistoryOf, RecordedOf, Step, Verdict, Violation, check};

#[cfg(test)]
mod tests;
