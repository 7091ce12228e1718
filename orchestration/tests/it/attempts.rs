//! Attempts: what plans them, what ends them, and what they hand on.

use crate::support::{Script, activity, check, orchestration, start};
use sarsen_orchestration::{Again, Command, Event, RetryPolicy};
use sarsen_protocol::CallError;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

activity!(double: u32 => u32, value);
activity!(pay: u32 => Result<u32, Refused>, fallible);

orchestration!(child, |_cx, input: u32| -> u32 { input });

fn told<T: fmt::Debug>(answer: Result<T, CallError>) -> String {
    match answer {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_attempt_has_its_time_and_the_next_one_has_its_own() {
    orchestration!(timed, |cx, _input: ()| -> String {
        let policy = RetryPolicy { attempts: 2, ..RetryPolicy::every(SECOND) };
        told(cx.activity(double, 1).timeout(SECOND * 10).retry(policy).await)
    });
    check::<timed>(
        "null",
        &[
            ("", "0 attempt 1 of activity `double` with 1 until 110.000000s"),
            ("0 ! late", "1 a timer for 102.000000s"),
            ("fire 1", "2 attempt 2 of activity `double` with 1 until 112.000000s"),
            ("2 = 5", "the end with \"5\""),
        ],
    );
}

#[test]
fn all_attempts_together_have_their_time() {
    orchestration!(bounded, |cx, _input: ()| -> String {
        let policy = RetryPolicy { attempts: 9, ..RetryPolicy::every(SECOND * 3) };
        let request = cx.activity(double, 1).timeout(SECOND * 4).total_timeout(SECOND * 5);
        told(request.retry(policy).await)
    });
    check::<bounded>(
        "null",
        &[
            ("", "0 attempt 1 of activity `double` with 1 until 104.000000s"),
            // At 101, and the next would begin at 104, with a second left.
            ("0 ! a", "1 a timer for 104.000000s"),
            ("fire 1", "2 attempt 2 of activity `double` with 1 until 105.000000s"),
            // At 103 there is no time for another.
            ("2 ! b", "the end with \"activity `double` failed: panicked: b\""),
        ],
    );
}

#[test]
fn no_attempt_begins_when_the_time_of_the_policy_is_over() {
    orchestration!(tired, |cx, _input: ()| -> String {
        let policy = RetryPolicy { attempts: 9, total: SECOND * 3, ..RetryPolicy::every(SECOND * 2) };
        told(cx.activity(double, 1).retry(policy).await)
    });
    check::<tired>(
        "null",
        &[
            ("", "0 activity `double` with 1"),
            ("0 ! a", "1 a timer for 103.000000s"),
            ("fire 1", "2 attempt 2 of activity `double` with 1"),
            ("2 ! b", "the end with \"activity `double` failed: panicked: b\""),
        ],
    );
}

#[test]
fn a_filter_sees_the_error_and_stops_what_it_would_not_mend() {
    orchestration!(careful, |cx, _input: ()| -> String {
        let request = cx.activity(pay, 1).retry(RetryPolicy::every(SECOND));
        let request =
            request.retry_if(|failure| failure.error::<Refused>().is_none_or(|error| error.0 != "broke"));
        match request.await {
            Ok(Err(Refused(reason))) => reason,
            other => told(other),
        }
    });
    check::<careful>(
        "null",
        &[
            ("", "0 activity `pay` with 1"),
            ("0 !! busy", "1 a timer for 102.000000s"),
            ("fire 1", "2 attempt 2 of activity `pay` with 1"),
            ("2 !! broke", "the end with \"broke\""),
        ],
    );
}

#[test]
fn a_handler_says_whether_and_when() {
    orchestration!(handled, |cx, _input: ()| -> String {
        let request = cx.activity(double, 1).retry_with(|attempt| match attempt.number {
            1 => Again::After(SECOND * 7),
            2 if attempt.elapsed > SECOND => Again::After(Duration::ZERO),
            _ => Again::Stop,
        });
        told(request.await)
    });
    check::<handled>(
        "null",
        &[
            ("", "0 activity `double` with 1"),
            ("0 ! a", "1 a timer for 108.000000s"),
            ("fire 1", "2 attempt 2 of activity `double` with 1"),
            ("2 ! b", "3 a timer for 103.000000s"),
            ("fire 3", "4 attempt 3 of activity `double` with 1"),
            ("4 ! c", "the end with \"activity `double` failed: panicked: c\""),
        ],
    );
}

#[test]
fn a_filter_that_panics_fails_the_execution() {
    orchestration!(clumsy, |cx, _input: ()| -> String {
        let request = cx.activity(double, 1).retry(RetryPolicy::every(SECOND));
        told(request.retry_if(|failure| panic!("what is {}?", failure.message)).await)
    });
    check::<clumsy>(
        "null",
        &[("", "0 activity `double` with 1"), ("0 ! it", "the failure `panicked: what is it?`")],
    );
}

#[test]
fn the_next_attempt_is_told_how_far_the_last_one_got() {
    orchestration!(onward, |cx, _input: ()| -> String {
        told(cx.activity(double, 1).retry(RetryPolicy::every(SECOND)).await)
    });
    let mut script = Script::new::<onward>(start("onward", "null"));
    for inputs in ["", "0 !>70 late", "fire 1", "2 ! lost", "fire 3", "4 = 2"] {
        script.turn_of(inputs).unwrap();
    }
    script.check_replays();
    let handed_on: Vec<String> = script
        .history()
        .iter()
        .filter_map(|event| match event {
            Event::Issued(_, Command::Attempt(attempt)) => {
                Some(format!("{} {:?} {:?}", attempt.number, attempt.first, attempt.progress))
            }
            _ => None,
        })
        .collect();
    let first = "Some(CommandId(0)) Some(70)";
    assert_eq!(handed_on, [format!("2 {first}"), format!("3 {first}")]);
}

#[test]
fn a_child_that_failed_is_started_again_under_its_id() {
    orchestration!(parent, |cx, _input: ()| -> String {
        let policy = RetryPolicy { attempts: 2, ..RetryPolicy::every(SECOND) };
        told(cx.child(child, 1).tag("kind", "x").retry(policy).await)
    });
    let run = "0000000000000000000000000000000e-0";
    let started = format!("orchestration `child` as run `{run}` with 1");
    check::<parent>(
        "null",
        &[
            ("", &format!("0 {started}")),
            ("0 ! a", "1 a timer for 102.000000s"),
            ("fire 1", &format!("2 {started}")),
            ("2 ! b", &format!("the end with \"orchestration `child`, run `{run}`, failed: panicked: b\"")),
        ],
    );
}

#[test]
fn an_activity_is_asked_for_by_its_name() {
    orchestration!(dynamic, |cx, name: String| -> String {
        told(cx.activity_named::<u32>(name, &(1, "x")).retry(RetryPolicy::every(SECOND)).await)
    });
    check::<dynamic>(
        "\"resize\"",
        &[
            ("", "0 activity `resize` with [1,\"x\"]"),
            ("0 ! a", "1 a timer for 102.000000s"),
            ("fire 1", "2 attempt 2 of activity `resize` with [1,\"x\"]"),
            ("2 = 7", "the end with \"7\""),
        ],
    );
}

#[test]
fn several_events_are_waited_for_together() {
    orchestration!(thrice, |cx, _input: ()| -> String {
        let three = cx.event::<u32>("e").times(3).timeout(SECOND * 5).await;
        let left = cx.event::<u32>("e").timeout(SECOND).await;
        format!("{three:?} {left:?}")
    });
    check::<thrice>(
        "null",
        &[
            ("raise e 1", "0 a timer for 105.000000s"),
            ("raise e 2", ""),
            ("raise e 3", "1 the end of timer 0; 2 a timer for 103.000000s"),
            (
                "fire 2",
                "the end with \"Ok([1, 2, 3]) Err(TimedOut { name: EventName(\\\"e\\\"), timeout: 1s })\"",
            ),
        ],
    );
    // What came in time stays for who waits next.
    check::<thrice>(
        "null",
        &[
            ("raise e 1", "0 a timer for 105.000000s"),
            ("fire 0", "the end with \"Err(TimedOut { name: EventName(\\\"e\\\"), timeout: 5s }) Ok(1)\""),
        ],
    );
}
