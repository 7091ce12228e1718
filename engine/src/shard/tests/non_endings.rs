//! What ends no section: the owner goes on inside it, whatever it waits for, and nobody else is served meanwhile.
//!
//! Each of these comes behind every turn of a run that awaits all that can be awaited inside a section, and each turn is
//! a commit of its own. At every durable state a run that says it is inside holds its locks, and the logs of its entities
//! show nobody else; in the end others have come behind it.

use super::{desk::Desk, sections::assert_free};
use crate::Limits;
use sarsen_protocol::{Answer, Identity};
use std::time::Duration;

/// What comes over the owner, behind one of its turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Eviction,
    /// Suspended until nothing goes on, then resumed.
    Suspension,
    /// Its code is not there until nothing goes on, then it is.
    Parking,
    /// The process dies between two commits; the next one has so many shards.
    Crash(u16),
    /// The process dies with turns that are not committed yet; the next one has so many shards.
    Loss(u16),
    /// The process goes when nothing is left to be done; the next one has so many shards.
    Shutdown(u16),
}

/// It logs at both entities while it is inside, and awaits an activity, calls, a timer, an event, and two things at once.
const OWNER: &str = "lock y x; status inside; do a; call x log 1; wait 5; event e; start b; start c; join; \
                     call y log 1; call x log 2; status outside; unlock; say end";

/// How many turns it may take.
const TURNS_MAX: usize = 600;

/// Plays the owner with this event behind each of its turns.
#[track_caller]
fn check(shards: u16, event: Event) {
    let turns = play(shards, None);
    for at in 0..turns {
        play(shards, Some((at, event)));
    }
}

#[track_caller]
fn play(shards: u16, event: Option<(usize, Event)>) -> usize {
    let mut desk = Desk::new(shards, Limits::default());
    desk.busy = true;
    let mut owner = Owner { desk, event, shards, outsiders: 0, inside: 0 };
    owner.insist(|desk| desk.start("r", OWNER));
    owner.insist(|desk| desk.raise("r", "e came", None));
    let mut turns = 0;
    while owner.desk.stands("r") != "completed: a 1 came b c 1 12 end" {
        if let Some((_, event)) = owner.event.take_if(|(at, _)| *at == turns) {
            owner.come_over(event);
        }
        if !owner.crawl() {
            owner.desk.now = owner.desk.now.after(Duration::from_secs(5));
        }
        turns += 1;
        assert!(turns < TURNS_MAX, "{event:?}: {}", owner.desk.stands("r"));
    }
    owner.rest();
    assert!(owner.inside > 5, "{event:?}: inside at {} durable states", owner.inside);
    assert_free(&owner.desk);
    for (key, own) in [("x", "12"), ("y", "1")] {
        let log = owner.desk.sum(key).to_string();
        let others =
            log.strip_prefix(own).unwrap_or_else(|| panic!("{event:?}: somebody came in between: {log}"));
        assert!(!others.is_empty() && others.bytes().all(|digit| digit == b'9'), "{event:?}: {log}");
    }
    turns
}

struct Owner {
    desk: Desk,
    event: Option<(usize, Event)>,
    shards: u16,
    /// Signals of others.
    outsiders: usize,
    /// At how many durable states it was inside.
    inside: usize,
}

impl Owner {
    /// One turn and its commit. Returns whether anything was done.
    #[track_caller]
    fn crawl(&mut self) -> bool {
        let worked = (0..self.shards.max(3)).fold(false, |worked, _| worked | self.desk.crawl());
        assert_eq!(self.desk.astray(), None);
        if self.desk.status("r") == "inside" {
            self.inside += 1;
            assert_eq!(self.desk.locks(), ["x by r", "y by r"], "{:?}", self.event);
            let logs = ["x", "y"].map(|key| self.desk.sum(key).to_string());
            assert!(
                logs.iter().all(|log| !log.contains('9')),
                "{:?}: somebody is served: {logs:?}",
                self.event
            );
            if self.outsiders < 4 {
                let key = ["x", "y"][self.outsiders % 2];
                self.outsiders += 1;
                self.desk.signal(key, "log", "9", Identity::None);
            }
        }
        worked
    }

    #[track_caller]
    fn rest(&mut self) {
        let turns = (0..TURNS_MAX).take_while(|_| self.crawl() || !self.desk.is_idle()).count();
        assert!(turns < TURNS_MAX, "it does not come to rest");
    }

    /// Asks until it is durable.
    fn insist(&mut self, ask: impl Fn(&mut Desk) -> u64) {
        let asked = ask(&mut self.desk);
        for _ in 0..TURNS_MAX {
            match self.desk.answer(asked) {
                Some(Answer::Refused(error)) => panic!("refused: {error}"),
                Some(_) => return,
                None => drop(self.crawl()),
            }
        }
        panic!("it is not answered");
    }

    fn come_over(&mut self, event: Event) {
        match event {
            Event::Eviction => self.desk.evict_all(),
            Event::Suspension => {
                self.insist(|desk| desk.suspend("r"));
                self.rest();
                self.insist(|desk| desk.resume("r"));
            }
            Event::Parking => {
                self.desk.registered = false;
                self.desk.reopen(self.shards);
                self.rest();
                self.desk.registered = true;
                self.desk.reopen(self.shards);
            }
            Event::Crash(shards) => self.desk.reopen(shards),
            Event::Loss(shards) => {
                self.desk.settle();
                self.desk.reopen(shards);
            }
            Event::Shutdown(shards) => {
                self.rest();
                self.desk.reopen(shards);
            }
        }
    }
}

#[test]
fn an_eviction_at_every_await_gives_no_lock_back() {
    for shards in [1, 3] {
        check(shards, Event::Eviction);
    }
}

#[test]
fn a_suspension_and_a_resumption_give_no_lock_back() {
    for shards in [1, 3] {
        check(shards, Event::Suspension);
    }
}

#[test]
fn a_parking_and_a_mending_give_no_lock_back() {
    for shards in [1, 3] {
        check(shards, Event::Parking);
    }
}

#[test]
fn a_crash_at_every_commit_boundary_gives_no_lock_back() {
    for shards in [1, 3] {
        check(shards, Event::Crash(shards));
    }
}

#[test]
fn a_crash_that_loses_turns_gives_no_lock_back() {
    for shards in [1, 3] {
        check(shards, Event::Loss(shards));
    }
}

#[test]
fn an_open_with_another_number_of_shards_gives_no_lock_back() {
    for (shards, then) in [(1, 2), (1, 5), (3, 1), (3, 4)] {
        check(shards, Event::Shutdown(then));
        check(shards, Event::Crash(then));
        check(shards, Event::Loss(then));
    }
}
