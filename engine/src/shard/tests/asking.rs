//! How locks are asked for: for a time, and without waiting for others.

use super::{
    desk::Desk,
    limits,
    sections::{assert_free, settle},
};
use crate::Limits;
use sarsen_protocol::{Identity, Keyspace};
use std::{collections::BTreeSet, time::Duration};

/// How much the process remembers between two steps of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    Nothing,
    Eviction,
    /// A crash, and an open with so many shards.
    Crash(u16),
}

const BETWEEN: [Between; 4] = [Between::Nothing, Between::Eviction, Between::Crash(1), Between::Crash(3)];

impl Between {
    /// Comes to rest, and forgets what is not durable.
    fn rest(self, desk: &mut Desk) {
        desk.rest();
        match self {
            Self::Nothing => {}
            Self::Eviction => desk.evict_all(),
            Self::Crash(shards) => {
                desk.reopen(shards);
                desk.rest();
            }
        }
    }
}

fn pass(desk: &mut Desk, seconds: u64) {
    desk.now = desk.now.after(Duration::from_secs(seconds));
}

#[test]
fn a_lock_that_is_not_held_in_time_leaves_nothing_on_its_path() {
    for (between, shards) in BETWEEN.into_iter().flat_map(|between| [(between, 1), (between, 3)]) {
        let mut desk = Desk::new(shards, Limits::default());
        desk.start("holder", "lock y; event e; unlock");
        between.rest(&mut desk);
        desk.start("r", "within 5 x y z; lock x z; event f; unlock");
        between.rest(&mut desk);
        pass(&mut desk, 4);
        between.rest(&mut desk);
        assert_eq!(desk.locks(), ["x by r", "y by holder"]);
        desk.signal("x", "add", "1", Identity::None);
        between.rest(&mut desk);
        pass(&mut desk, 1);
        between.rest(&mut desk);
        assert_eq!(desk.locks(), ["x by r", "y by holder", "z by r"], "the second section");
        assert_eq!((desk.sum("x"), desk.rows(Keyspace::Timers)), (1, 0), "what waited behind the first one");
        desk.raise("r", "f on", None);
        between.rest(&mut desk);
        let late = "!(the locks of the section over @sum@x were not held within 5000 ms: nothing of it is locked, \
                    ask again, or give it longer)";
        assert_eq!(desk.stands("r"), format!("completed: {late} on"));
        desk.raise("holder", "e 1", None);
        between.rest(&mut desk);
        assert_free(&desk);
    }
}

/// The release and the end of the time come in each order, some of it durable before the other and some not.
#[test]
fn a_grant_that_comes_with_the_end_of_its_time_has_one_outcome() {
    let mut seen = BTreeSet::new();
    for (between, first, shards) in BETWEEN
        .into_iter()
        .flat_map(|between| (0..4).flat_map(move |first| [(between, first, 1), (between, first, 3)]))
    {
        let mut desk = Desk::new(shards, Limits::default());
        desk.start("holder", "lock x; event e; unlock");
        desk.rest();
        desk.start("r", "within 5 x y; call x add 1; unlock; say end");
        between.rest(&mut desk);
        if first == 0 {
            pass(&mut desk, 5);
            desk.settle();
        }
        desk.raise("holder", "e 1", None);
        if first == 1 {
            desk.settle();
        } else if first == 2 {
            desk.settle();
            desk.commit();
        }
        if first > 0 {
            pass(&mut desk, 5);
        }
        between.rest(&mut desk);
        between.rest(&mut desk);
        let stands = desk.stands("r");
        assert!(stands.ends_with("1 end"), "{between:?} {first}: {stands}");
        seen.insert(stands.contains("within 5000 ms"));
        assert_eq!((desk.sum("x"), desk.rows(Keyspace::Timers)), (1, 0), "{between:?} {first}");
        assert_free(&desk);
    }
    assert_eq!(seen.len(), 2, "both outcomes are seen");
}

#[test]
fn the_timer_of_a_lock_goes_with_its_grant_and_with_its_run() {
    for granted in [false, true] {
        for between in BETWEEN {
            let mut desk = Desk::new(1, Limits::default());
            if !granted {
                desk.start("holder", "lock x; event e; unlock");
                desk.rest();
            }
            desk.start("r", "within 5 x; event e; unlock");
            between.rest(&mut desk);
            assert_eq!(desk.rows(Keyspace::Timers), u64::from(!granted));
            if granted {
                pass(&mut desk, 9);
                between.rest(&mut desk);
                assert_eq!(desk.locks(), ["x by r"], "it has its lock, and keeps it");
            }
            desk.terminate("r");
            between.rest(&mut desk);
            assert_eq!((desk.rows(Keyspace::Timers), desk.locks().len()), (0, usize::from(!granted)));
        }
    }
}

const TAKEN: &str = "nothing was locked, try again later, or wait for it with `cx.lock(..)`";

#[test]
fn who_does_not_wait_has_all_locks_or_none() {
    for (between, shards) in BETWEEN.into_iter().flat_map(|between| [(between, 1), (between, 3)]) {
        let mut desk = Desk::new(shards, Limits::default());
        desk.start("holder", "lock y; event e; unlock");
        between.rest(&mut desk);
        desk.start("r", "free z y x; event f; free x z; call z add 1; event g; unlock; say end");
        between.rest(&mut desk);
        assert_eq!(desk.locks(), ["y by holder"], "what was had before is given back");
        assert_eq!((desk.rows(Keyspace::Mailbox), desk.rows(Keyspace::Inbox)), (0, 0));
        desk.raise("r", "f on", None);
        between.rest(&mut desk);
        assert_eq!(desk.locks(), ["x by r", "y by holder", "z by r"]);
        for run in ["holder", "r"] {
            desk.raise(run, if run == "r" { "g on" } else { "e on" }, None);
            between.rest(&mut desk);
        }
        let taken = format!("!(@sum@y is locked by run `holder`: {TAKEN})");
        assert_eq!(desk.stands("r"), format!("completed: {taken} on 1 on end"));
        assert_free(&desk);
    }
}

/// One that is refused is not kept from trying again by its own lock, which is on its way back.
#[test]
fn who_does_not_wait_may_try_again_at_once() {
    for shards in [1, 2, 3, 5] {
        let mut desk = Desk::new(shards, Limits::default());
        desk.start("holder", "lock z; event e; unlock");
        desk.rest();
        desk.start("r", "free v w x y z; free v w; unlock; free w x y; unlock; free y; unlock; say end");
        desk.rest();
        let taken = format!("!(@sum@z is locked by run `holder`: {TAKEN})");
        assert_eq!(desk.stands("r"), format!("completed: {taken} end"));
        assert_eq!(desk.locks(), ["z by holder"]);
    }
}

/// A request that comes while nobody holds the lock has its turn in the mailbox, behind those who wait there already.
#[test]
fn who_does_not_wait_is_refused_when_one_before_it_is_granted() {
    for (windowed, between) in
        [(false, Between::Nothing), (true, Between::Nothing), (true, Between::Eviction)]
    {
        let window = if windowed { 2 } else { 100 };
        let mut desk = Desk::new(1, limits(|limits| limits.mailbox_window = window));
        desk.hold_entity = Some("x".to_owned());
        desk.start("sender", "signal x 1; signal x 1; signal x 1; signal x 1");
        settle(&mut desk);
        desk.start("first", "lock x; event e; unlock");
        settle(&mut desk);
        for (run, before) in [("second", "a"), ("third", "b")] {
            desk.start(run, &format!("free {before} x; say end"));
            settle(&mut desk);
        }
        assert_eq!(desk.stands("second"), "running", "the entity is not there yet");
        desk.hold_entity = None;
        between.rest(&mut desk);
        for run in ["second", "third"] {
            let taken = format!("!(@sum@x is locked by run `first`: {TAKEN})");
            assert_eq!(desk.stands(run), format!("completed: {taken} end"), "{windowed} {between:?}");
        }
        assert_eq!((desk.locks(), desk.sum("x")), (vec!["x by first".to_owned()], 4));
        desk.raise("first", "e 1", None);
        desk.rest();
        assert_free(&desk);
    }
}

/// The operations before it in the mailbox are done before the lock is had, in the order of their senders.
#[test]
fn who_does_not_wait_comes_behind_what_it_has_sent_before() {
    for shards in [1, 3] {
        let mut desk = Desk::new(shards, Limits::default());
        desk.start("r", "signal x 1; signal x 2; free x; call x sum; unlock");
        desk.rest();
        assert_eq!(desk.stands("r"), "completed: 3");
        assert_free(&desk);
    }
}

#[test]
fn who_does_not_wait_and_gives_up_leaves_nothing() {
    for (between, dropped) in BETWEEN.into_iter().flat_map(|between| [(between, false), (between, true)]) {
        let mut desk = Desk::new(1, Limits::default());
        desk.hold_entity = Some("y".to_owned());
        desk.start("r", if dropped { "race e 50; asktry x y z; event f" } else { "free x y z; event f" });
        settle(&mut desk);
        if dropped {
            desk.raise("r", "e 1", None);
        } else {
            assert_eq!(desk.locks(), ["x by r"]);
            desk.terminate("r");
        }
        settle(&mut desk);
        desk.hold_entity = None;
        between.rest(&mut desk);
        desk.rest();
        assert_free(&desk);
    }
}

/// A release of the first section comes when the second one holds the lock, and again if a crash behind so many turns
/// has taken its answer.
pub(super) fn is_late_release_of_its_section_alone(shards: u16, crash: Option<usize>) -> bool {
    let mut desk = Desk::new(shards, Limits::default());
    desk.start("r", "lock x y; call x log 1; unlock; lock x y; event e; call x log 2; unlock; say end");
    desk.rest();
    desk.signal("x", "log", "9", Identity::None);
    desk.rest();
    let mut late = desk.force("x", "r");
    for turn in 0..20 {
        if crash == Some(turn) {
            desk.reopen(4 - shards);
        }
        desk.crawl();
        if desk.locks() != ["x by r", "y by r"] {
            return false;
        }
    }
    if desk.answer(late).is_none() {
        late = desk.force("x", "r");
        desk.rest();
    }
    desk.raise("r", "e on", None);
    desk.rest();
    let end = (desk.returned(late), desk.stands("r"), desk.sum("x"), desk.locks().len());
    end == ("false".to_owned(), "completed: 1 on 12 end".to_owned(), 129, 0)
}

#[test]
fn a_late_release_frees_no_later_section_of_its_run() {
    for shards in [1, 3] {
        for crash in std::iter::once(None).chain((0..20).map(Some)) {
            assert!(is_late_release_of_its_section_alone(shards, crash), "{shards} shards, crash {crash:?}");
        }
    }
}

/// The one lock of a run that is in the way of others is taken from it; its other one is its own as before.
#[test]
fn an_operator_takes_a_lock_from_its_owner_and_who_waits_goes_on() {
    for (between, shards) in BETWEEN.into_iter().flat_map(|between| [(between, 1), (between, 3)]) {
        let mut desk = Desk::new(shards, Limits::default());
        desk.start("stuck", "lock x y; event e; call x add 1; call y add 1; unlock; say end");
        between.rest(&mut desk);
        desk.start("next", "lock x; event f; call x add 10; unlock; say end");
        desk.rest();
        desk.signal("x", "add", "100", Identity::None);
        between.rest(&mut desk);
        let (forced, again) = (desk.force("x", "stuck"), desk.force("y", "next"));
        between.rest(&mut desk);
        assert_eq!((desk.returned(forced), desk.returned(again)), ("true".to_owned(), "false".to_owned()));
        assert_eq!(desk.forced(), ["x of stuck"]);
        assert_eq!(desk.locks(), ["x by next", "y by stuck"]);
        desk.raise("stuck", "e on", None);
        between.rest(&mut desk);
        assert_eq!(desk.stands("stuck"), "completed: on !LockLost 1 end");
        assert_eq!(desk.locks(), ["x by next"], "the release of its owner gives back nothing of another's");
        desk.raise("next", "f on", None);
        between.rest(&mut desk);
        assert_eq!((desk.stands("next"), desk.sum("x")), ("completed: on 10 end".to_owned(), 110));
        assert_free(&desk);
    }
}

/// An operator's word is taken although the mailbox is full, and not lost with the process that has taken it.
#[test]
fn an_operator_is_heard_by_a_full_mailbox_and_over_a_crash() {
    for settled in [false, true] {
        let mut desk = Desk::new(1, limits(|limits| limits.mailbox_messages_max = 1));
        desk.start("stuck", "lock x; event e");
        desk.rest();
        desk.signal("x", "add", "1", Identity::None);
        desk.rest();
        let forced = desk.force("x", "stuck");
        desk.settle();
        assert_eq!(desk.answer(forced), None, "nothing is told before it is durable");
        if settled {
            desk.commit();
        }
        desk.reopen(2);
        desk.rest();
        assert_eq!(desk.locks().is_empty(), settled);
        assert_eq!(desk.sum("x"), u64::from(settled));
    }
}
