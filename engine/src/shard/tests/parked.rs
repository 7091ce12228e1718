//! Runs that cannot go on with the code that is there.

use super::desk::{CHANGED, Desk, FOREIGN};
use crate::Limits;
use sarsen_protocol::{Keyspace, RunStatus};

fn desk() -> Desk {
    Desk::new(1, Limits::default())
}

#[test]
fn a_run_that_awaits_something_foreign_is_parked_and_goes_on_with_other_code() {
    FOREIGN.set(true);
    for asleep in [false, true] {
        let mut desk = desk();
        desk.start("r", "event e; foreign; say end");
        desk.start("at_once", "foreign; say end");
        desk.rest();
        desk.raise("r", "e x", None);
        desk.rest();
        assert!(!asleep || desk.evict_run("r"));
        assert_eq!((desk.stands("r"), desk.stands("at_once")), ("running".to_owned(), "pending".to_owned()));
        let parked = desk.run("r").and_then(|run| run.parked);
        assert!(parked.as_deref().is_some_and(|reason| reason.contains("awaits")), "{parked:?}");
        assert_eq!(desk.rows(Keyspace::Mailbox), 2, "what it has not taken waits");
        desk.suspend("r");
        desk.rest();
        assert_eq!(desk.stands("r"), "suspended", "it is managed all the same");
        desk.resume("r");
        desk.rest();
        FOREIGN.set(false);
        desk.reopen(1);
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: x end");
        assert_eq!(desk.stands("at_once"), "completed: end");
        assert_eq!(desk.run("r").and_then(|run| run.parked), None);
        FOREIGN.set(true);
    }
}

#[test]
fn a_run_whose_code_has_changed_or_is_gone_is_parked_and_goes_on_with_the_old_code() {
    for gone in [false, true] {
        let mut desk = desk();
        desk.start("r", "event e; code; event f; say end");
        desk.rest();
        desk.raise("r", "e x", None);
        desk.rest();
        let change = |desk: &mut Desk, changed: bool| {
            if gone {
                desk.registered = !changed;
            } else {
                CHANGED.set(changed);
            }
            desk.reopen(1);
        };
        change(&mut desk, true);
        desk.raise("r", "f y", None);
        desk.rest();
        assert_eq!((desk.stands("r"), desk.rows(Keyspace::Mailbox)), ("running".to_owned(), 1));
        assert_eq!(desk.parked.len(), 1, "{:?}", desk.parked);
        change(&mut desk, false);
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: x y end");
    }
}

#[test]
fn a_parked_run_is_terminated_without_its_code() {
    for script in ["start a; race e 50; say end", "say end"] {
        let mut desk = desk();
        let early = script == "say end";
        desk.registered = !early;
        desk.reopen(1);
        desk.start("r", script);
        desk.rest();
        desk.registered = false;
        desk.reopen(1);
        desk.raise("r", "e x", None);
        desk.rest();
        assert_eq!(desk.parked.len(), if early { 2 } else { 1 }, "{:?}", desk.parked);
        desk.terminate("r");
        desk.rest();
        assert_eq!(desk.run("r").map(|run| run.status), Some(RunStatus::Terminated));
        assert_eq!((desk.rows(Keyspace::Tasks), desk.rows(Keyspace::Timers)), (0, 0));
        assert_eq!(desk.rows(Keyspace::Mailbox), 0);
    }
}

#[test]
fn a_run_that_is_suspended_before_it_begins_begins_when_it_is_resumed() {
    for asleep in [false, true] {
        let mut desk = desk();
        desk.registered = false;
        desk.reopen(1);
        desk.start("r", "say end");
        desk.rest();
        assert_eq!(desk.stands("r"), "pending");
        desk.suspend("r");
        desk.rest();
        assert!(!asleep || desk.evict_run("r"));
        desk.registered = true;
        desk.reopen(1);
        desk.rest();
        assert_eq!(desk.stands("r"), "suspended");
        desk.resume("r");
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: end");
    }
}
