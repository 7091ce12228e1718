//! What an orchestration may ask for, and what becomes of it.

use crate::support::{activity, check, check_start, orchestration, payload, start};
use sarsen_orchestration::{End, Event, ExecutionLimits, Input, Orchestrator, RetryPolicy, Typed};
use sarsen_protocol::{Address, CallError, EventName, Port, Returns, RunId, Timestamp};
use std::time::Duration;

activity!(double: u32 => u32, value);
activity!(refuse: String => Result<u32, String>, fallible);
activity!(none: () => (), value);
activity!(pair: (u32, String) => Vec<u32>, value);

orchestration!(child, fallible, |_cx, n: u32| -> Result<u32, String> { Ok(n) });

const SECOND: Duration = Duration::from_secs(1);

/// A result as a text.
fn told<T: std::fmt::Debug>(result: Result<T, impl std::fmt::Display>) -> String {
    result.map_or_else(|error| error.to_string(), |value| format!("{value:?}"))
}

#[test]
fn activities_run_in_sequence() {
    orchestration!(sequence, |cx, n: u32| -> u32 {
        let n = cx.activity(double, n).await.unwrap();
        cx.activity(none, ()).await.unwrap();
        let pair = cx.activity(pair, (n, "x".to_owned())).await.unwrap();
        pair.into_iter().sum()
    });
    check::<sequence>(
        "2",
        &[
            ("", "0 activity `double` with 2"),
            ("0 = 4", "1 activity `none` with null"),
            ("1 = null", "2 activity `pair` with [4,\"x\"]"),
            ("2 = [1,2]", "the end with 3"),
        ],
    );
}

#[test]
fn a_failure_is_told_with_its_type_where_it_has_one() {
    orchestration!(ask, |cx, _input: ()| -> String {
        let given = cx.activity(refuse, "x").await;
        let owned = cx.activity(refuse, "x".to_owned()).await;
        let text = "x".to_owned();
        let lent = cx.activity(refuse, &text).await;
        drop(text);
        format!("{}; {}; {}", told(given), told(owned), told(lent))
    });
    check::<ask>(
        "null",
        &[
            ("", "0 activity `refuse` with \"x\""),
            ("0 !! no", "1 activity `refuse` with \"x\""),
            ("1 ! boom", "2 activity `refuse` with \"x\""),
            (
                "2 = 1.5",
                "the end with \"Err(\\\"no\\\"); activity `refuse` failed: panicked: boom; the answer of activity `refuse` \
                 does not fit its type: invalid type: floating point `1.5`, expected u32 at line 1 column 3\"",
            ),
        ],
    );
}

#[test]
fn a_child_is_a_run_of_its_own() {
    orchestration!(parent, |cx, _input: ()| -> String {
        let named = cx.child(child, 5).id("c").await;
        let nameless = cx.child(child, 5).await;
        format!("{}; {}", told(named), told(nameless))
    });
    let parent = ("", "0 orchestration `child` as run `c` with 5");
    let nameless = "1 orchestration `child` as run `0000000000000000000000000000000e-1` with 5";
    check::<parent>(
        "null",
        &[
            parent,
            ("0 ! gone", nameless),
            (
                "1 !! no",
                "the end with \"orchestration `child`, run `c`, failed: panicked: gone; Err(\\\"no\\\")\"",
            ),
        ],
    );
    check::<parent>("null", &[parent, ("0 = 5", nameless), ("1 = 6", "the end with \"Ok(5); Ok(6)\"")]);
}

#[test]
fn a_request_that_is_not_awaited_does_nothing() {
    orchestration!(idle, |cx, _input: ()| -> u32 {
        drop(cx.activity(double, 1));
        drop(cx.timer(SECOND));
        drop(cx.event::<u32>("e").timeout(SECOND));
        drop(cx.child(child, 1));
        drop(cx.caller(Address::entity("account", "a")).request("add", &1, Returns::<u32>::value()));
        cx.activity(double, 2).start().await.unwrap()
    });
    check::<idle>("null", &[("", "0 activity `double` with 2"), ("0 = 4", "the end with 4")]);
}

#[test]
fn a_started_activity_goes_on_before_it_is_awaited() {
    orchestration!(ahead, |cx, _input: ()| -> u32 {
        let doubled = cx.activity(double, 1).start();
        cx.timer(SECOND).await;
        doubled.await.unwrap()
    });
    let issued = "0 activity `double` with 1; 1 a timer for 101.000000s";
    check::<ahead>("null", &[("", issued), ("0 = 2", ""), ("fire 1", "the end with 2")]);
    check::<ahead>("null", &[("", issued), ("fire 1; 0 = 2", "the end with 2")]);
}

#[test]
fn retries_wait_longer_each_time_up_to_the_longest_interval() {
    orchestration!(stubborn, |cx, _input: ()| -> String {
        let policy = RetryPolicy {
            attempts: 4,
            backoff: 2.5,
            longest_interval: Duration::from_secs(5),
            ..RetryPolicy::every(SECOND * 2)
        };
        told(cx.activity(double, 1).retry(policy).await)
    });
    check::<stubborn>(
        "null",
        &[
            ("", "0 activity `double` with 1"),
            ("0 ! a", "1 a timer for 103.000000s"),
            ("fire 1", "2 attempt 2 of activity `double` with 1"),
            ("2 ! b", "3 a timer for 108.000000s"),
            ("fire 3", "4 attempt 3 of activity `double` with 1"),
            ("4 ! c", "5 a timer for 110.000000s"),
            (
                "fire 5; 1 = 5",
                "6 attempt 4 of activity `double` with 1; unapplied TaskEnded { id: CommandId(1), result: Ok(5) }",
            ),
            ("6 ! d", "the end with \"activity `double` failed: panicked: d\""),
        ],
    );
    check::<stubborn>(
        "null",
        &[
            ("", "0 activity `double` with 1"),
            ("0 ! a", "1 a timer for 103.000000s"),
            ("fire 1", "2 attempt 2 of activity `double` with 1"),
            ("2 = 8", "the end with \"8\""),
        ],
    );
}

#[test]
fn what_another_attempt_would_not_change_is_not_tried_again() {
    orchestration!(hopeless, |cx, _input: ()| -> String {
        told(cx.activity(double, 1).retry(RetryPolicy::every(SECOND)).await)
    });
    let asked = ("", "0 activity `double` with 1");
    for (failure, kind) in [("?", "unknown activity"), ("??", "input does not fit")] {
        let told = format!("the end with \"activity `double` failed: {kind}: no\"");
        check::<hopeless>("null", &[asked, (&format!("0 {failure} no"), &told)]);
        // Nor after an attempt that was worth another one.
        let again = [
            ("0 ! boom", "1 a timer for 102.000000s"),
            ("fire 1", "2 attempt 2 of activity `double` with 1"),
        ];
        check::<hopeless>("null", &[asked, again[0], again[1], (&format!("2 {failure} no"), &told)]);
    }
}

#[test]
fn attempts_follow_one_another_while_nobody_polls() {
    orchestration!(ahead, |cx, _input: ()| -> u32 {
        let doubled = cx.activity(double, 1).retry(RetryPolicy::every(SECOND)).start();
        cx.timer(SECOND * 60).await;
        doubled.await.unwrap()
    });
    check::<ahead>(
        "null",
        &[
            ("", "0 activity `double` with 1; 1 a timer for 160.000000s"),
            ("0 ! a", "2 a timer for 102.000000s"),
            ("fire 2", "3 attempt 2 of activity `double` with 1"),
            ("3 = 2", ""),
            ("fire 1", "the end with 2"),
        ],
    );
}

#[test]
fn dropping_what_waits_to_try_again_cancels_the_wait() {
    orchestration!(given_up, |cx, _input: ()| -> () {
        let doubled = cx.activity(double, 1).retry(RetryPolicy::every(SECOND)).start();
        cx.event::<()>("enough").await.unwrap();
        drop(doubled);
        cx.event::<()>("enough").await.unwrap();
    });
    check::<given_up>(
        "null",
        &[
            ("", "0 activity `double` with 1"),
            ("0 ! a", "1 a timer for 102.000000s"),
            ("raise enough null", "2 the end of timer 1"),
            ("fire 1", "unapplied TimerFired { id: CommandId(1) }"),
            ("raise enough null", "the end with null"),
        ],
    );
    // A failure that comes later is not followed by another attempt.
    check::<given_up>(
        "null",
        &[
            ("", "0 activity `double` with 1"),
            ("raise enough null", ""),
            ("0 ! a", ""),
            ("raise enough null", "the end with null"),
        ],
    );
}

#[test]
fn timers_are_counted_from_the_turn() {
    orchestration!(sleepy, |cx, _input: ()| -> u64 {
        cx.timer(Duration::from_secs(10_000_000_000)).await;
        cx.timer_until(Timestamp::from_micros(5)).await;
        cx.now().as_micros()
    });
    check::<sleepy>(
        "null",
        &[
            ("", "0 a timer for 10000000100.000000s"),
            ("fire 0", "1 a timer for 0.000005s"),
            ("fire 1", "the end with 102000000"),
        ],
    );
}

#[test]
fn time_never_goes_back() {
    orchestration!(clock, |cx, _input: ()| -> Vec<u64> {
        let mut times = Vec::new();
        while times.len() < 3 {
            times.push(cx.now().as_micros());
            cx.event::<()>("tick").await.unwrap();
        }
        times
    });
    let mut execution = Typed::<clock>::new().unwrap().begin(start("clock", "null"));
    let tick = || Input::EventRaised { name: EventName::of("tick"), input: payload("null") };
    let mut history = Vec::new();
    for (now, inputs) in [(5, vec![]), (3, vec![tick()]), (7, vec![tick(), tick()])] {
        history.extend(execution.turn(Timestamp::from_micros(now), inputs).unwrap().events);
    }
    assert_eq!(history.last(), Some(&Event::Ended(End::Returned(payload("[5,5,7]")))));
    let mut replayed = Typed::<clock>::new().unwrap().begin(start("clock", "null"));
    replayed.replay(&history).unwrap();
    assert!(replayed.is_over());
}

#[test]
fn events_wait_in_line_by_name_from_the_start() {
    orchestration!(listen, |cx, _input: ()| -> Vec<u32> {
        let first = cx.event("a").await.unwrap();
        cx.timer(SECOND).await;
        vec![first, cx.event("a").await.unwrap(), cx.event("b").await.unwrap(), cx.event("A").await.unwrap()]
    });
    check::<listen>(
        "null",
        &[
            ("raise b 1; raise a 2; raise a 3", "0 a timer for 101.000000s"),
            ("raise A 4", ""),
            ("fire 0", "the end with [2,3,1,4]"),
        ],
    );
}

#[test]
fn a_wait_for_an_event_ends_by_the_event_or_its_timeout() {
    orchestration!(patient, |cx, _input: ()| -> String {
        let told = told(cx.event::<u32>("go").timeout(SECOND).await);
        let next = cx.event::<u32>("go").timeout(SECOND).await;
        format!("{told}, {next:?}")
    });
    let set = ("", "0 a timer for 101.000000s");
    check::<patient>(
        "null",
        &[
            set,
            (
                "raise go 1; raise go 2",
                "1 the end of timer 0; 2 a timer for 102.000000s; 3 the end of timer 2; the end with \"1, Ok(2)\"",
            ),
        ],
    );
    check::<patient>(
        "null",
        &[
            set,
            (
                "fire 0; raise go 2",
                "1 a timer for 102.000000s; 2 the end of timer 1; the end with \"no event `go` was raised within 1000 ms, Ok(2)\"",
            ),
        ],
    );
    check::<patient>(
        "null",
        &[
            set,
            ("raise go \"x\"", "1 the end of timer 0; 2 a timer for 102.000000s"),
            (
                "raise go 1",
                "3 the end of timer 2; the end with \"event `go` does not fit the type that is waited for: invalid type: string \\\"x\\\", expected u32 at line 1 column 3, Ok(1)\"",
            ),
        ],
    );
}

#[test]
fn an_event_that_nobody_took_stays_for_the_next_who_waits() {
    orchestration!(handed_on, |cx, _input: ()| -> u32 {
        let (first, second) = (cx.event::<u32>("e").start(), cx.event::<u32>("e").start());
        cx.timer(SECOND).await;
        drop(first);
        second.await.unwrap()
    });
    let set = ("", "0 a timer for 101.000000s");
    check::<handed_on>("null", &[set, ("raise e 1", ""), ("fire 0", "the end with 1")]);
    check::<handed_on>("null", &[set, ("fire 0", ""), ("raise e 1", "the end with 1")]);
}

#[test]
fn what_nobody_waits_for_is_sent_in_the_order_of_the_code() {
    orchestration!(talk, |cx, _input: ()| -> String {
        let other = RunId::new("other").unwrap();
        cx.send_event(&other, "hello", &1).unwrap();
        cx.set_status(&vec!["busy"]).unwrap();
        let detached = cx.child(child, 1).detach().unwrap();
        let account = cx.caller(Address::entity("account", "a"));
        account.request("add", &1, Returns::<u32>::value()).signal().unwrap();
        account.request("add", &2, Returns::<u32>::value()).after(SECOND).signal().unwrap();
        let refused = cx.send_event(&other, "x", &f64::NAN).map_err(|error| error.to_string());
        format!("{detached} {refused:?}")
    });
    check::<talk>(
        "null",
        &[(
            "",
            "0 event `hello` to run `other` with 1; 1 status [\"busy\"]; 2 detached orchestration `child` as run \
             `0000000000000000000000000000000e-2` with 1; 3 signal `add` to @account@a with 1; 4 signal `add` to \
             @account@a with 2 for 101.000000s; the end with \"0000000000000000000000000000000e-2 Err(\\\"event `x` \
             cannot be sent: the value is NaN: JSON has no such number\\\")\"",
        )],
    );
}

#[test]
fn what_cannot_be_sent_is_refused_before_it_leaves() {
    orchestration!(blunder, |cx, _input: ()| -> Vec<bool> {
        let nowhere = cx.caller(Address::entity("Account", "a"));
        let somewhere = cx.caller(Address::entity("account", "a"));
        let long = "x".repeat(100);
        vec![
            matches!(
                nowhere.request("add", &1, Returns::<u32>::value()).await,
                Err(CallError::InvalidAddress(_))
            ),
            matches!(
                somewhere.request("add", &long, Returns::<u32>::value()).await,
                Err(CallError::Unsendable { .. })
            ),
            matches!(cx.activity(refuse, &long).await, Err(CallError::Unsendable { .. })),
            matches!(cx.child(child, 1).id("@a").await, Err(CallError::InvalidRun(_))),
            matches!(cx.child(child, 1).id("").detach(), Err(CallError::InvalidRun(_))),
            matches!(cx.set_status(&long), Err(CallError::Unsendable { .. })),
        ]
    });
    let mut start = start("blunder", "null");
    start.limits = ExecutionLimits { payload_bytes_max: 50, ..start.limits };
    check_start::<blunder>(start, &[("", "the end with [true,true,true,true,true,true]")]);
}

#[test]
fn random_numbers_repeat() {
    orchestration!(lucky, |cx, _input: ()| -> (u64, String, u64) {
        let first = cx.random();
        cx.activity(none, ()).await.unwrap();
        (first, cx.uuid().to_string(), cx.random())
    });
    check::<lucky>(
        "null",
        &[
            ("", "0 activity `none` with null"),
            (
                "0 = null",
                "the end with [7191089600892374487,\"044c3cd7-f43c-461c-a698-4080bab12a02\",10753165928301472203]",
            ),
        ],
    );
}

#[test]
fn the_context_says_where_it_is() {
    orchestration!(look, |cx, _input: ()| -> (String, String, bool) {
        (cx.run_id().to_string(), cx.execution_id().to_string(), cx.parent().is_some())
    });
    check::<look>("null", &[("", "the end with [\"run\",\"0000000000000000000000000000000e\",false]")]);
}

#[test]
fn signals_are_scheduled_and_cancelled_under_an_id() {
    orchestration!(plan, |cx, _input: ()| -> String {
        let caller = || cx.caller(Address::entity("account", "a"));
        let add = || caller().request::<_, u32>("add", &1, Returns::value());
        let once = add().after(SECOND).scheduled_as("flush").signal();
        let often = add().every(SECOND).scheduled_as("poll").signal();
        let later = add().after(2 * SECOND).every(SECOND).scheduled_as("poll").signal();
        let nameless = add().after(SECOND).scheduled_as("").signal();
        let hasty = add().every(Duration::ZERO).scheduled_as("poll").signal();
        drop(caller().cancel_scheduled("flush"));
        let cancelled = caller().cancel_scheduled("poll").await;
        let failed = caller().cancel_scheduled("poll").await;
        let stray = cx.caller(Address::entity("", "a")).cancel_scheduled("poll").await;
        let told = [told(once), told(often), told(later), told(nameless), told(hasty)];
        let refused = told.iter().filter(|told| *told != "()").count();
        format!("{refused}; {cancelled:?}; {}; {}", self::told(failed), self::told(stray))
    });
    check::<plan>(
        "null",
        &[
            (
                "",
                "0 signal `add` to @account@a as `flush` with 1 for 101.000000s; \
                 1 signal `add` to @account@a as `poll` with 1 for 101.000000s and every 1000000 us; \
                 2 signal `add` to @account@a as `poll` with 1 for 102.000000s and every 1000000 us; \
                 3 the end of what is scheduled as `poll` at @account@a",
            ),
            ("3 = true", "4 the end of what is scheduled as `poll` at @account@a"),
            (
                "4 ! full",
                "the end with \"2; Ok(true); operation `cancel_scheduled` of @account@a failed: panicked: full; \
                 `` is no entity name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _\"",
            ),
        ],
    );
}
