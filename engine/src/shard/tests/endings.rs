//! What ends a section: each of the ways there are, with a crash at every boundary between two commits, and an open
//! with another number of shards behind it. At every durable state each lock's section is alive or its end is in a row;
//! in the end nothing is locked, and who waited has had its turn.
//!
//! What ends none is in `non_endings`.

use super::{
    desk::{CHANGED, Desk},
    sections::assert_free,
};
use crate::{Limits, record};
use bytes::Bytes;
use sarsen_protocol::{Answer, Body, Identity, Keyspace, Message, Reuse};
use std::time::Duration;

/// What a test asks of the run `r` that owns a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// The event for which it waits.
    Raise,
    Suspend,
    Terminate,
    /// The parent `p` is terminated, and with it its children.
    TerminateParent,
    /// Another run in its place.
    Replace,
    /// Once it is over.
    Purge,
    /// An operator takes the locks of `x` and `y`.
    Force(&'static str),
    /// Its code is another one, so that it is parked at its next turn.
    Park,
    /// Five seconds go by.
    Pass,
}

/// How many turns a section's end may take in these tests.
const TURNS_MAX: usize = 400;

/// A run `r` with this script that holds `x` and `y`, or waits for them, comes to its end by what is asked of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    script: &'static str,
    asks: &'static [Ask],
    /// Whether another run holds `y` until the end, so that the section never comes to hold all.
    waits: bool,
}

/// A section that is held.
const fn held(script: &'static str, asks: &'static [Ask]) -> Ending {
    Ending { script, asks, waits: false }
}

/// A section that has the first of its locks and waits for the second.
const fn waiting(script: &'static str, asks: &'static [Ask]) -> Ending {
    Ending { script, asks, waits: true }
}

// Where the run goes on behind the end of its section.

pub(super) const DROPPED: Ending = held("lock x y; event e; unlock; event never", &[Ask::Raise]);
pub(super) const RELEASED: Ending = held("lock x y; event e; release; event never", &[Ask::Raise]);
pub(super) const GIVEN_UP: Ending = waiting("vie e x y; event never", &[Ask::Raise]);
pub(super) const TIMED_OUT: Ending = waiting("within 5 x y; event never", &[Ask::Pass]);
pub(super) const FORCED: Ending = held("lock x y; event e", &[Ask::Force("x"), Ask::Force("y")]);

/// Plays an ending without a crash, and with one behind each of its commits.
#[track_caller]
fn check(ending: Ending) {
    for (before, behind) in [(1, 3), (3, 2)] {
        for asleep in [false, true] {
            let play =
                |crash| play(ending, (before, behind), asleep, crash).unwrap_or_else(|what| panic!("{what}"));
            for crash in 0..play(None) {
                play(Some(crash));
            }
        }
    }
}

/// Plays an ending with a crash behind so many turns. Returns how many turns it took.
///
/// # Errors
/// What is wrong with a lock at a boundary between two commits.
pub(super) fn play(
    ending: Ending,
    (before, behind): (u16, u16),
    asleep: bool,
    crash: Option<usize>,
) -> Result<usize, String> {
    let mut desk = Desk::new(before, Limits::default());
    if ending.waits {
        desk.start("holder", "lock y; event e; unlock");
        desk.rest();
    }
    if ending.asks == [Ask::TerminateParent] {
        desk.start("p", &format!("child r {}", ending.script.replace("; ", ", ")));
    } else {
        desk.start("r", ending.script);
    }
    desk.rest();
    let other = if ending.waits { "y by holder" } else { "y by r" };
    assert_eq!(desk.locks(), ["x by r", other], "{ending:?}");
    desk.start("next", "lock y x; call x add 1; call y add 1; unlock; say had");
    desk.signal("x", "add", "10", Identity::None);
    desk.rest();
    assert_eq!((desk.locks(), desk.sum("x")), (vec!["x by r".to_owned(), other.to_owned()], 0));
    if asleep {
        desk.evict_all();
    }
    let turns = ask_all(&mut desk, ending, behind, crash);
    CHANGED.set(false);
    let turns = turns?;
    if ending.waits {
        assert!(!desk.locks().contains(&"x by r".to_owned()), "{ending:?}, crash {crash:?}");
        desk.raise("holder", "e 1", None);
        desk.crawl_to_rest().map_err(|astray| format!("{astray}: {ending:?}, crash {crash:?}"))?;
    }
    assert_eq!(desk.stands("next"), "completed: 11 1 had", "{ending:?}, crash {crash:?}");
    // What an operator did is kept for a time.
    let alarm =
        |row: &Bytes| matches!(record::read_message(row), Ok(Message { body: Body::Expire { .. }, .. }));
    assert!(desk.values(Keyspace::Timers).iter().all(alarm), "{ending:?}, crash {crash:?}");
    assert_free(&desk);
    Ok(turns)
}

/// Asks one thing after the other, each when the one before is durable, and again when a crash has taken its answer.
fn ask_all(desk: &mut Desk, ending: Ending, behind: u16, crash: Option<usize>) -> Result<usize, String> {
    let (mut done, mut asked, mut quiet) = (0, None, 0);
    for turn in 0..TURNS_MAX {
        if crash == Some(turn) {
            desk.reopen(behind);
            asked = None;
            quiet = 0;
        }
        if let Some(request) = asked
            && let Some(answer) = desk.answer(request)
        {
            // A purge comes too early until the run is over.
            let again = ending.asks[done] == Ask::Purge && matches!(answer, Answer::Refused(_));
            done += usize::from(!again || desk.run("r").is_none());
            asked = None;
        }
        if asked.is_none() && done < ending.asks.len() {
            asked = ask(desk, ending.asks[done]);
            done += usize::from(asked.is_none());
        }
        let worked = desk.crawl();
        if let Some(astray) = desk.astray() {
            return Err(format!("{astray}: {ending:?}, crash {crash:?}, behind turn {turn}"));
        }
        quiet = if worked || asked.is_some() || done < ending.asks.len() { 0 } else { quiet + 1 };
        // Each of the shards had its turn, and nothing was to be done.
        if quiet > 6 && desk.is_idle() {
            return Ok(turn);
        }
    }
    panic!("it does not come to rest: {ending:?}, crash {crash:?}, {done} of it done");
}

/// Asks for something. Returns the request, if it is one of a client.
fn ask(desk: &mut Desk, what: Ask) -> Option<u64> {
    match what {
        Ask::Raise => Some(desk.raise("r", "e on", None)),
        Ask::Suspend => Some(desk.suspend("r")),
        Ask::Terminate => Some(desk.terminate("r")),
        Ask::TerminateParent => {
            Some(desk.manage("p", Body::Terminate { reason: None, recurse: true, child_of: None }))
        }
        Ask::Replace => Some(desk.start_as("r", "say new", Reuse::TerminateAndReplace, Identity::None)),
        Ask::Purge => Some(desk.manage("r", Body::Purge)),
        Ask::Force(key) => Some(desk.force(key, "r")),
        Ask::Park => {
            CHANGED.set(true);
            desk.evict_run("r");
            None
        }
        Ask::Pass => {
            desk.now = desk.now.after(Duration::from_secs(5));
            None
        }
    }
}

#[test]
fn a_return_gives_all_locks_back() {
    check(held("lock x y; event e; say end", &[Ask::Raise]));
}

#[test]
fn an_error_gives_all_locks_back() {
    check(held("lock x y; event e; fail no", &[Ask::Raise]));
}

#[test]
fn a_panic_gives_all_locks_back() {
    check(held("lock x y; event e; panic no", &[Ask::Raise]));
}

#[test]
fn a_dropped_guard_gives_all_locks_back() {
    check(DROPPED);
}

#[test]
fn a_release_gives_all_locks_back() {
    check(RELEASED);
}

#[test]
fn a_continue_as_new_gives_all_locks_back() {
    check(held("lock x y; event e; again event never", &[Ask::Raise]));
    // The next execution wants the same locks, and is none of the owners before it.
    check(held("lock x y; event e; again lock x, unlock, event never", &[Ask::Raise]));
}

#[test]
fn a_termination_gives_all_locks_back() {
    check(held("lock x y; event e", &[Ask::Terminate]));
    check(waiting("lock x y; event e", &[Ask::Terminate]));
    check(waiting("within 50 x y; event e", &[Ask::Terminate]));
}

#[test]
fn a_termination_of_the_parent_gives_all_locks_back() {
    check(held("lock x y; event e", &[Ask::TerminateParent]));
    check(waiting("lock x y; event e", &[Ask::TerminateParent]));
}

#[test]
fn a_suspension_and_then_a_termination_gives_all_locks_back() {
    check(held("lock x y; event e", &[Ask::Suspend, Ask::Terminate]));
    check(waiting("lock x y; event e", &[Ask::Suspend, Ask::Terminate]));
}

#[test]
fn a_parking_and_then_a_termination_gives_all_locks_back() {
    check(held("lock x y; code; event e; event f", &[Ask::Park, Ask::Raise, Ask::Terminate]));
    check(waiting("code; lock x y; event e; event f", &[Ask::Park, Ask::Raise, Ask::Terminate]));
}

/// A run that is under way is not purged. One that is over may be while its releases are on their way.
#[test]
fn a_purge_behind_the_end_takes_no_release_back() {
    check(held("lock x y; event e", &[Ask::Raise, Ask::Purge]));
    check(held("lock x y; event e", &[Ask::Terminate, Ask::Purge]));
    check(waiting("lock x y; event e", &[Ask::Terminate, Ask::Purge]));
}

#[test]
fn a_replacement_under_the_same_id_gives_all_locks_back() {
    check(held("lock x y; event e", &[Ask::Replace]));
    check(waiting("lock x y; event e", &[Ask::Replace]));
}

#[test]
fn a_request_that_is_no_longer_waited_for_leaves_no_lock() {
    check(GIVEN_UP);
}

#[test]
fn the_end_of_the_time_for_a_lock_leaves_none_on_its_path() {
    check(TIMED_OUT);
}

#[test]
fn an_operator_gives_back_what_the_owner_does_not() {
    check(FORCED);
}
