//! Errors of the room `orchestration`, which nothing runs yet: provoked in their room or made by hand.

use crate::told::Told;
use sarsen::{Address, CallError, Failure, FailureKind};
use sarsen_orchestration::{Cursor, Event, EventError, HistoryError};
use sarsen_protocol::{EventName, RunId, SectionError, Timestamp};
use std::time::Duration;

fn clerk(key: &str) -> Address {
    Address::entity("clerk", key).expect("a good address")
}

fn run(id: &str) -> RunId {
    RunId::new(id).expect("a good id")
}

fn go() -> EventName {
    EventName::from("go".to_owned())
}

fn failure() -> Failure {
    Failure::new(FailureKind::Panicked, "no line")
}

fn doubled_chunk() -> HistoryError {
    let events = [Event::TurnStarted { at: Timestamp::default() }];
    let chunk = Cursor::default().write(&events);
    let mut cursor = Cursor::default();
    cursor.read(&chunk).expect("the first chunk");
    cursor.read(&chunk).expect_err("it comes again")
}

pub(crate) async fn activity_failed() -> Told {
    Told::of(&CallError::ActivityFailed { activity: "notify".to_owned(), failure: failure() })
}

pub(crate) async fn child_failed() -> Told {
    Told::of(&CallError::ChildFailed {
        orchestration: "trip".to_owned(),
        run: run("t-1"),
        failure: failure(),
    })
}

pub(crate) async fn unsendable() -> Told {
    Told::of(&CallError::Unsendable {
        what: "the input of activity `notify`".to_owned(),
        reason: "NaN is no JSON".to_owned(),
    })
}

pub(crate) async fn misfit() -> Told {
    Told::of(&CallError::Misfit { what: "activity `notify`".to_owned(), reason: "it is null".to_owned() })
}

pub(crate) async fn run_id() -> Told {
    Told::of(&RunId::new("@a@b").expect_err("it begins with an at sign"))
}

pub(crate) async fn invalid_run() -> Told {
    Told::of(&CallError::from(RunId::new("@a@b").expect_err("it begins with an at sign")))
}

pub(crate) async fn section() -> Told {
    Told::of(&CallError::from(SectionError::Empty))
}

pub(crate) async fn empty() -> Told {
    Told::of(&SectionError::Empty)
}

pub(crate) async fn no_address() -> Told {
    Told::of(&SectionError::from(Address::parse("clerk/a").expect_err("it has another form")))
}

pub(crate) async fn nested() -> Told {
    Told::of(&SectionError::Nested { entity: clerk("b"), held: clerk("a") })
}

pub(crate) async fn child() -> Told {
    Told::of(&SectionError::Child { orchestration: "trip".to_owned(), held: clerk("a") })
}

pub(crate) async fn signal_to_locked() -> Told {
    Told::of(&SectionError::SignalToLocked { entity: clerk("a") })
}

pub(crate) async fn call_pending() -> Told {
    Told::of(&SectionError::CallPending { entity: clerk("a") })
}

pub(crate) async fn not_locked() -> Told {
    Told::of(&SectionError::NotLocked { entity: clerk("b") })
}

pub(crate) async fn not_granted() -> Told {
    Told::of(&SectionError::NotGranted { entity: clerk("a") })
}

pub(crate) async fn history_record() -> Told {
    Told::of(&Cursor::default().read(&[]).expect_err("nothing is no chunk"))
}

pub(crate) async fn history_order() -> Told {
    Told::of(&doubled_chunk())
}

pub(crate) async fn event_timed_out() -> Told {
    Told::of(&EventError::TimedOut { name: go(), timeout: Duration::from_millis(1_500) })
}

pub(crate) async fn event_misfit() -> Told {
    Told::of(&EventError::Misfit { name: go(), reason: "it is null".to_owned() })
}
