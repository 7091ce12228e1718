//! Critical sections and their rules.

use crate::support::{activity, check, orchestration};
use sarsen_orchestration::{Caller, Context, Either, join, select};
use sarsen_protocol::{Address, AddressError, CallError, Port, Returns, SectionError};
use std::time::Duration;

activity!(none: () => (), value);

orchestration!(child, |_cx, n: u32| -> u32 { n });

const SECOND: Duration = Duration::from_secs(1);

fn account(key: &str) -> Result<Address, AddressError> {
    Address::entity("account", key)
}

fn add(cx: &Context, key: &str) -> sarsen_orchestration::EntityRequest<u32> {
    let caller: Caller = cx.caller(account(key));
    caller.request("add", &1, Returns::value())
}

/// The rule that forbade something.
fn rule<T: std::fmt::Debug>(result: Result<T, CallError>) -> SectionError {
    match result {
        Err(CallError::Section(rule)) => rule,
        other => panic!("no rule forbade it: {other:?}"),
    }
}

const LOCKED: (&str, &str) = ("", "0 a section over @account@a, @account@b");

#[test]
fn a_section_is_asked_for_in_one_order_and_without_repeats() {
    orchestration!(transfer, |cx, _input: ()| -> u32 {
        let guard = cx.lock_addresses([account("b"), account("a"), account("b")]).await.unwrap();
        let (a, b) = join((add(&cx, "a"), add(&cx, "b"))).await;
        guard.release();
        a.unwrap() + b.unwrap()
    });
    check::<transfer>(
        "null",
        &[
            LOCKED,
            (
                "grant 0",
                "1 call `add` of @account@a with 1 in section 0; 2 call `add` of @account@b with 1 in section 0",
            ),
            ("2 = 2", ""),
            ("1 = 1", "3 the end of section 0; the end with 3"),
        ],
    );
}

#[test]
fn a_section_ends_once_by_whatever_comes_first() {
    orchestration!(scope, fallible, |cx, way: String| -> Result<(), String> {
        {
            let guard = cx.lock_addresses([account("a"), account("b")]).await.unwrap();
            match way.as_str() {
                "drop" => drop(guard),
                "release" => guard.release(),
                "return" => return Ok(()),
                "error" => return Err("no".to_owned()),
                "panic" => panic!("no"),
                "forget" => std::mem::forget(guard),
                "again" => return cx.continue_as_new("again").await,
                _ => {}
            }
        }
        cx.activity(none, ()).await.map_err(|error| error.to_string())
    });
    let ended = |way: &str, outcome: &str| {
        check::<scope>(&format!("{way:?}"), &[LOCKED, ("grant 0", outcome)]);
    };
    ended("drop", "1 the end of section 0; 2 activity `none` with null");
    ended("release", "1 the end of section 0; 2 activity `none` with null");
    ended("scope", "1 the end of section 0; 2 activity `none` with null");
    ended("return", "1 the end of section 0; the end with null");
    ended("error", "1 the end of section 0; the failure `returned an error: no`");
    ended("panic", "1 the end of section 0; the failure `panicked: no`");
    ended("again", "1 the end of section 0; another execution with \"again\"");
    let forgotten = [
        LOCKED,
        ("grant 0", "1 activity `none` with null"),
        ("1 = null", "2 the end of section 0; the end with null"),
    ];
    check::<scope>("\"forget\"", &forgotten);
}

#[test]
fn a_lock_that_is_no_longer_waited_for_is_cancelled_or_given_back() {
    orchestration!(hasty, |cx, wait: bool| -> () {
        let lock = cx.lock_addresses([account("a"), account("b")]);
        cx.event::<()>("go").await.unwrap();
        if wait {
            drop(lock.await);
        } else {
            drop(lock);
        }
        cx.event::<()>("go").await.unwrap();
    });
    let go = "raise go null";
    // The grant comes later: it finds nobody.
    check::<hasty>(
        "false",
        &[LOCKED, (go, "1 the end of section 0"), ("grant 0", "unapplied LockGranted { id: CommandId(0) }")],
    );
    check::<hasty>(
        "false",
        &[LOCKED, ("grant 0", ""), (go, "1 the end of section 0"), (go, "the end with null")],
    );
    check::<hasty>(
        "true",
        &[LOCKED, (go, ""), ("grant 0", "1 the end of section 0"), (go, "the end with null")],
    );
}

#[test]
fn each_rule_forbids_with_the_entity_and_before_anything_leaves() {
    orchestration!(unruly, |cx, _input: ()| -> Vec<String> {
        let mut rules = Vec::new();
        let none: [Result<Address, AddressError>; 0] = [];
        rules.push(rule(cx.lock_addresses(none).await));
        rules.push(rule(cx.lock_addresses([Address::entity("A", "x")]).await));
        let waiting = cx.lock_addresses([account("a"), account("b")]);
        rules.push(rule(cx.lock_addresses([account("c")]).await));
        rules.push(rule(cx.child(child, 1).await));
        rules.push(rule(add(&cx, "a").signal()));
        rules.push(rule(add(&cx, "a").await));
        rules.push(rule(add(&cx, "c").await));
        let guard = waiting.await.unwrap();
        rules.push(rule(cx.lock_addresses([account("c"), account("a")]).await));
        rules.push(rule(cx.child(child, 1).await));
        rules.push(rule(add(&cx, "b").after(SECOND).signal()));
        rules.push(rule(add(&cx, "c").await));
        let called = add(&cx, "a").start();
        rules.push(rule(add(&cx, "a").await));
        assert_eq!(cx.section(), Some(vec![account("b").unwrap()]));
        called.await.unwrap();
        assert_eq!(cx.section(), Some(vec![account("a").unwrap(), account("b").unwrap()]));
        guard.release();
        assert_eq!(cx.section(), None);
        let rules = rules.iter().map(ToString::to_string);
        rules.map(|rule| rule.split_once(':').unwrap().0.to_owned()).collect()
    });
    let cannot = "cannot call @account";
    let first = [
        "a section over no entity",
        "cannot lock",
        "cannot lock @account@c while the section over @account@a is open",
        "cannot await orchestration `child` while the section over @account@a is open",
        "cannot signal @account@a, which the open section locks",
        &format!("{cannot}@a before the lock is granted"),
        &format!("{cannot}@c before the lock is granted"),
        "cannot lock @account@a while the section over @account@a is open",
        "cannot await orchestration `child` while the section over @account@a is open",
        "cannot signal @account@b, which the open section locks",
        &format!("{cannot}@c while a section is open that does not lock it"),
        &format!("{cannot}@a while an earlier call to it is not answered"),
    ];
    let mut script = crate::support::Script::new::<unruly>(crate::support::start("unruly", "null"));
    for (inputs, commands) in [("", 1), ("grant 0", 1), ("1 = 1", 1)] {
        assert_eq!(script.turn_of(inputs).unwrap().commands().count(), commands, "after `{inputs}`");
    }
    let sarsen_orchestration::End::Returned(result) = script.turns[2].turn.end().unwrap() else {
        panic!("it returns: {:?}", script.turns[2].turn)
    };
    assert_eq!(sarsen_protocol::json::decode::<Vec<String>>(result).unwrap(), first);
    script.check_replays();
}

#[test]
fn what_is_allowed_inside_a_section() {
    orchestration!(busy, |cx, _input: ()| -> () {
        let _guard = cx.lock_addresses([account("a"), account("b")]).await.unwrap();
        cx.activity(none, ()).await.unwrap();
        cx.timer(SECOND).await;
        cx.event::<()>("e").await.unwrap();
        cx.set_status(&1).unwrap();
        cx.send_event(cx.run_id(), "e", &1).unwrap();
        add(&cx, "c").signal().unwrap();
        cx.child(child, 1).id("c").detach().unwrap();
        add(&cx, "a").await.unwrap();
        add(&cx, "a").await.unwrap();
    });
    check::<busy>(
        "null",
        &[
            LOCKED,
            ("grant 0", "1 activity `none` with null"),
            ("1 = null", "2 a timer for 103.000000s"),
            (
                "fire 2; raise e null",
                "3 status 1; 4 event `e` to run `run` with 1; 5 signal `add` to @account@c with 1; 6 detached \
                 orchestration `child` as run `c` with 1; 7 call `add` of @account@a with 1 in section 0",
            ),
            ("7 = 1", "8 call `add` of @account@a with 1 in section 0"),
            (
                "8 ! lost",
                "9 the end of section 0; the failure `panicked: called `Result::unwrap()` on an `Err` value: Failed { address: @account@a, operation: \"add\", failure: Failure { kind: Panicked, message: \"lost\", details: None } }`",
            ),
        ],
    );
}

#[test]
fn outside_of_a_section_entities_are_called_without_rules() {
    orchestration!(free, |cx, _input: ()| -> u32 {
        let (one, two) = join((add(&cx, "a"), add(&cx, "a"))).await;
        one.unwrap() + two.unwrap()
    });
    check::<free>(
        "null",
        &[
            ("", "0 call `add` of @account@a with 1; 1 call `add` of @account@a with 1"),
            ("0 = 1; 1 = 2", "the end with 3"),
        ],
    );
}

#[test]
fn a_lock_has_the_time_that_it_is_given_and_no_more() {
    orchestration!(patient, |cx, _input: ()| -> () {
        let held = cx.lock_addresses([account("b"), account("a")]).timeout(SECOND).await;
        cx.set_status(&held.map(drop).map_err(|error| error.to_string())).unwrap();
        cx.event::<()>("go").await.unwrap();
    });
    let asked = ("", "0 a section over @account@a, @account@b; 1 a timer for 101.000000s");
    let held = "2 the end of timer 1; 3 the end of section 0; 4 status {\"Ok\":null}";
    let late = "2 the end of section 0; 3 status {\"Err\":\"the locks of the section over @account@a were not held \
                within 1000 ms: nothing of it is locked, ask again, or give it longer\"}";
    let refused = "2 the end of timer 1; 3 status {\"Err\":\"cannot lock @account@a: no\"}";
    let end = ("raise go null", "the end with null");
    check::<patient>("null", &[asked, ("grant 0", held), end]);
    check::<patient>("null", &[asked, ("fire 1", late), end]);
    check::<patient>("null", &[asked, ("refuse 0 no", refused), end]);
    // What comes second finds nobody, in the same turn or later.
    let (granted, fired) =
        ("unapplied LockGranted { id: CommandId(0) }", "unapplied TimerFired { id: CommandId(1) }");
    check::<patient>("null", &[asked, ("grant 0; fire 1", &format!("{held}; {fired}")), end]);
    check::<patient>("null", &[asked, ("fire 1; grant 0", &format!("{late}; {granted}")), end]);
    check::<patient>("null", &[asked, ("grant 0", held), ("fire 1", fired), end]);
    check::<patient>("null", &[asked, ("fire 1", late), ("grant 0", granted), end]);
}

#[test]
fn the_time_of_a_lock_ends_with_it_and_without_anybody_who_awaits_it() {
    orchestration!(absent, |cx, drops: bool| -> bool {
        let lock = cx.lock_addresses([account("a")]).timeout(SECOND / 2).timeout(SECOND);
        cx.event::<()>("go").await.unwrap();
        if drops {
            drop(lock);
            let _guard = cx.lock_addresses([account("b")]).timeout(SECOND).await.unwrap();
            return true;
        }
        matches!(rule(lock.await), SectionError::TimedOut { timeout: SECOND, .. })
    });
    let asked = (
        "",
        "0 a section over @account@a; 1 a timer for 100.500000s; 2 the end of timer 1; 3 a timer for 101.000000s",
    );
    let go = "raise go null";
    check::<absent>("false", &[asked, ("fire 3", "4 the end of section 0"), (go, "the end with true")]);
    let again = "4 the end of section 0; 5 the end of timer 3; 6 a section over @account@b; 7 a timer for 102.000000s";
    let end = ("grant 6", "8 the end of timer 7; 9 the end of section 6; the end with true");
    check::<absent>("true", &[asked, (go, again), end]);
}

#[test]
fn a_lock_with_a_time_is_joined_and_raced_like_any_other() {
    orchestration!(racing, |cx, _input: ()| -> bool {
        let lock = cx.lock_addresses([account("a")]).timeout(SECOND);
        let (lock, ()) = join((lock, cx.timer(SECOND * 3))).await;
        drop(lock);
        let lock = cx.lock_addresses([account("a")]).timeout(SECOND);
        matches!(select(lock, cx.event::<()>("go")).await, Either::Second(_))
    });
    check::<racing>(
        "null",
        &[
            ("", "0 a section over @account@a; 1 a timer for 101.000000s; 2 a timer for 103.000000s"),
            ("fire 1", "3 the end of section 0"),
            ("fire 2", "4 a section over @account@a; 5 a timer for 103.000000s"),
            ("raise go null", "6 the end of section 4; 7 the end of timer 5; the end with true"),
        ],
    );
}

#[test]
fn a_lock_that_is_taken_is_refused_with_its_holder() {
    orchestration!(hurried, |cx, _input: ()| -> String {
        let refused = rule(cx.try_lock_addresses([account("b"), account("a"), account("b")]).await);
        let rule = rule(cx.try_lock_addresses([account("b")]).timeout(SECOND).await);
        let held = cx.try_lock_addresses([account("a")]).await.unwrap();
        assert_eq!(cx.section(), Some(vec![account("a").unwrap()]));
        drop(held);
        assert_eq!(rule, SectionError::TimedOut { entity: account("b").unwrap(), timeout: SECOND });
        refused.to_string()
    });
    let taken = SectionError::Taken {
        entity: account("b").unwrap(),
        run: sarsen_protocol::RunId::new("other").unwrap(),
    };
    let refuse = format!("taken 0 {}", account("b").unwrap());
    check::<hurried>(
        "null",
        &[
            ("", "0 a section over free @account@a, @account@b"),
            (&refuse, "1 a section over free @account@b; 2 a timer for 102.000000s"),
            ("fire 2", "3 the end of section 1; 4 a section over free @account@a"),
            ("grant 4", &format!("5 the end of section 4; the end with {:?}", taken.to_string())),
        ],
    );
}

#[test]
fn a_section_schedules_at_what_it_locks_and_cancels_nothing_else() {
    orchestration!(plan, |cx, _input: ()| -> bool {
        let plan = |key: &str| add(&cx, key).after(SECOND).scheduled_as("id").signal();
        let lock = cx.lock_addresses([account("a"), account("b")]);
        assert_eq!(rule(plan("a")), SectionError::NotGranted { entity: account("a").unwrap() });
        let guard = lock.await.unwrap();
        plan("a").unwrap();
        plan("c").unwrap();
        let elsewhere = cx.caller(account("c")).cancel_scheduled("id").await;
        assert_eq!(rule(elsewhere), SectionError::NotLocked { entity: account("c").unwrap() });
        let cancelled = cx.caller(account("b")).cancel_scheduled("id").await.unwrap();
        guard.release();
        cancelled
    });
    check::<plan>(
        "null",
        &[
            LOCKED,
            (
                "grant 0",
                "1 signal `add` to @account@a as `id` with 1 for 102.000000s in section 0; \
                 2 signal `add` to @account@c as `id` with 1 for 102.000000s; \
                 3 the end of what is scheduled as `id` at @account@b in section 0",
            ),
            ("3 = false", "4 the end of section 0; the end with false"),
        ],
    );
}
