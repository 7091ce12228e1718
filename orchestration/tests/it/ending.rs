//! How executions end, and what is left then.

use crate::support::{Script, activity, check, check_start, input, orchestration, start};
use sarsen_orchestration::{
    Command, CommandId, End, Event, Execution, ExecutionLimits, Input, Orchestrator, Outstanding, Typed,
};
use sarsen_protocol::{Address, Timestamp};
use std::{cell::Cell, time::Duration};

activity!(none: () => (), value);

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_result_is_returned_or_fails() {
    orchestration!(divide, fallible, |_cx, n: (u32, u32)| -> Result<u32, String> {
        n.0.checked_div(n.1).ok_or("by zero".to_owned())
    });
    check::<divide>("[6,2]", &[("", "the end with 3")]);
    check::<divide>("[6,0]", &[("", "the failure `returned an error: by zero`")]);
    check::<divide>(
        "6",
        &[(
            "",
            "the failure `input does not fit: invalid type: integer `6`, expected a tuple of size 2 at line 1 column 1`",
        )],
    );
    orchestration!(endless, |_cx, n: f64| -> f64 { n / 0.0 });
    check::<endless>(
        "1.0",
        &[("", "the failure `result cannot be encoded: the value is infinity: JSON has no such number`")],
    );
}

#[test]
fn continue_as_new_carries_the_events_that_nobody_took() {
    orchestration!(eternal, |cx, n: u32| -> u32 {
        let _taken = cx.event::<u32>("a").await.unwrap();
        let _given = cx.event::<u32>("a").start();
        let _timer = cx.timer(SECOND).start();
        if cx.event::<bool>("go").await.unwrap() {
            return cx.continue_as_new(&(n + 1)).await;
        }
        cx.continue_as_new("no number").await
    });
    let mut script = Script::new::<eternal>(start("eternal", "1"));
    script.turn_of("raise b 1; raise a 2; raise a 3; raise b 4").unwrap();
    let turn = script.turn_of("raise go true; fire 0; raise a 5").unwrap();
    assert_eq!(turn.end().unwrap().to_string(), "another execution with 2");
    let none = Outstanding::default();
    let events = ["raise b 1", "raise a 3", "raise b 4", "raise a 5"].map(|text| input(text, &none));
    assert_eq!(turn.carried, events);
    assert_eq!(turn.unapplied, [Input::TimerFired { id: CommandId(0) }]);
    script.check_replays();
    check::<eternal>(
        "1",
        &[
            ("raise a 1", "0 a timer for 101.000000s"),
            (
                "raise go false",
                "the failure `input does not fit: the next execution's input: invalid type: string \"no number\", expected u32 at line 1 column 11`",
            ),
        ],
    );
}

#[test]
fn a_branch_that_panics_fails_the_execution() {
    orchestration!(fragile, |cx, _input: ()| -> () {
        let _branch = cx.branch({
            let cx = cx.clone();
            async move {
                cx.event::<()>("go").await.unwrap();
                panic!("broken");
            }
        });
        cx.timer(SECOND).await;
    });
    check::<fragile>(
        "null",
        &[
            ("", "0 a timer for 101.000000s"),
            (
                "raise go null; fire 0",
                "unapplied TimerFired { id: CommandId(0) }; the failure `panicked: broken`",
            ),
        ],
    );
}

#[test]
fn what_runs_beside_the_code_ends_with_it_and_records_nothing() {
    orchestration!(short, |cx, _input: ()| -> () {
        let cx2 = cx.clone();
        // Never dropped by the code.
        std::mem::forget(cx.branch(async move {
            let _guard = cx2.lock_addresses([Address::entity("account", "a")]).await.unwrap();
            cx2.timer(SECOND).await;
        }));
        cx.event::<()>("go").await.unwrap();
    });
    check::<short>(
        "null",
        &[
            ("", "0 a section over @account@a"),
            ("grant 0", "1 a timer for 102.000000s"),
            ("raise go null", "2 the end of section 0; the end with null"),
        ],
    );
}

thread_local! {
    static DROPPED: Cell<u32> = const { Cell::new(0) };
}

/// Counts its end, in a branch that is made too late.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 10);
    }
}

/// Does all that can be done when it is dropped.
struct Noisy(sarsen_orchestration::Context);

impl Drop for Noisy {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
        let cx = &self.0;
        let _ = (cx.random(), cx.uuid(), cx.now(), cx.is_replaying());
        cx.set_status(&"dropped").unwrap();
        drop(cx.timer(SECOND).start());
        drop(cx.event::<u32>("e").timeout(SECOND).start());
        let late = Late;
        let _branch = cx.branch(async move { drop(late) });
        panic!("in a drop");
    }
}

#[test]
fn a_discarded_execution_does_nothing_more() {
    orchestration!(noisy, |cx, _input: ()| -> () {
        let _noisy = Noisy(cx.clone());
        let _guard = cx.lock_addresses([Address::entity("account", "a")]).await.unwrap();
        cx.timer(SECOND).await;
    });
    let mut script = Script::new::<noisy>(start("noisy", "null"));
    script.turn_of("").unwrap();
    script.turn_of("grant 0").unwrap();
    let history = script.history();
    script.evict();
    assert_eq!((script.history(), DROPPED.get()), (history.clone(), 11));
    assert_eq!(script.execution.outstanding(), &Outstanding::of(&history));
    assert!(script.execution.outstanding().section().is_some_and(|section| section.granted));
    // Live, it is an act like any other, and fails the execution by its panic.
    let turn = script.turn_of("fire 1").unwrap();
    let commands: Vec<String> = turn.commands().map(|(_, command)| command.to_string()).collect();
    assert_eq!(
        commands,
        [
            "the end of section 0",
            "status \"dropped\"",
            "a timer for 103.000000s",
            "the end of timer 4",
            "a timer for 103.000000s",
            "the end of timer 6"
        ][..]
            .to_vec(),
    );
    assert_eq!(turn.end().unwrap().to_string(), "the failure `panicked: in a drop`");
}

#[test]
fn too_many_commands_in_a_turn_fail_the_execution() {
    orchestration!(flood, |cx, n: u32| -> () {
        let _guard = cx.lock_addresses([Address::entity("account", "a")]).await.unwrap();
        (0..n).for_each(|n| cx.set_status(&n).unwrap());
        cx.timer(SECOND).await;
    });
    let mut limited = start("flood", "3");
    limited.limits = ExecutionLimits { commands_per_turn_max: 3, ..limited.limits };
    check_start::<flood>(
        limited.clone(),
        &[
            ("", "0 a section over @account@a"),
            (
                "grant 0",
                "1 status 0; 2 status 1; 3 status 2; 4 the end of section 0; the failure `over a limit: it issues more than 3 commands at once: wait for some in between`",
            ),
        ],
    );
    limited.input = crate::support::payload("2");
    check_start::<flood>(
        limited,
        &[
            ("", "0 a section over @account@a"),
            ("grant 0", "1 status 0; 2 status 1; 3 a timer for 102.000000s"),
        ],
    );
}

#[test]
fn too_long_a_history_fails_the_execution() {
    orchestration!(long, |cx, _input: ()| -> () {
        loop {
            cx.activity(none, ()).await.unwrap();
        }
    });
    let mut limited = start("long", "null");
    limited.limits = ExecutionLimits { history_events_max: 8, ..limited.limits };
    check_start::<long>(
        limited,
        &[
            ("", "0 activity `none` with null"),
            ("0 = null", "1 activity `none` with null"),
            (
                "1 = null",
                "2 activity `none` with null; the failure `over a limit: its history has more than 8 events: let it continue as new`",
            ),
        ],
    );
}

#[test]
fn too_long_a_result_fails_the_execution() {
    orchestration!(wordy, |_cx, n: usize| -> String { "x".repeat(n) });
    check::<wordy>(
        "999",
        &[("", "the failure `result is too large: the result has 1001 bytes, 1000 are allowed`")],
    );
}

#[test]
fn a_termination_gives_back_the_locks_of_any_execution() {
    orchestration!(held, |cx, _input: ()| -> () {
        let _guard = cx.lock_addresses([Address::entity("account", "a")]).await.unwrap();
        cx.timer(SECOND).await;
    });
    let mut script = Script::new::<held>(start("held", "null"));
    script.turn_of("").unwrap();
    script.turn_of("grant 0").unwrap();
    let mut history = script.history();
    let outstanding = Outstanding::of(&history);
    let events = outstanding.terminate(Timestamp::from_micros(1), None, true);
    assert_eq!(
        events,
        [
            Event::TurnStarted { at: Timestamp::from_micros(101_000_000) },
            Event::Issued(CommandId(2), Command::Unlock { section: CommandId(0) }),
            Event::Ended(End::Terminated { reason: None, recurse: true }),
        ]
    );
    history.extend(events);
    let left = Outstanding::of(&history);
    assert!(left.is_ended() && left.section().is_none() && left.timers().contains_key(&CommandId(1)));
}

#[test]
fn suspension_is_recorded_and_changes_nothing() {
    orchestration!(calm, |cx, _input: ()| -> () { cx.timer(SECOND).await });
    check::<calm>(
        "null",
        &[
            ("", "0 a timer for 101.000000s"),
            (
                "resume; suspend; suspend",
                "unapplied Resumed { reason: None }; unapplied Suspended { reason: None }",
            ),
            ("resume; fire 0", "the end with null"),
        ],
    );
}

#[test]
fn a_suspension_without_code_is_the_turn_that_code_would_record() {
    orchestration!(parked, |cx, _input: ()| -> () { cx.timer(SECOND).await });
    let begin = || Typed::<parked>::new().unwrap().begin(start("parked", "null"));
    let at = Timestamp::from_micros;
    let reason = || Some("for the night".to_owned());
    let mut execution = begin();
    let mut history = execution.turn(at(5), []).unwrap().events;
    let expect = |history: &[Event], execution: &Execution| {
        let outstanding = Outstanding::of(history);
        assert_eq!(&outstanding, execution.outstanding());
        outstanding
    };

    assert_eq!(expect(&history, &execution).resume(at(6), reason()), []);
    let suspended = expect(&history, &execution).suspend(at(6), reason());
    assert_eq!(suspended, execution.turn(at(6), [Input::Suspended { reason: reason() }]).unwrap().events);
    history.extend(suspended);
    assert_eq!(expect(&history, &execution).suspend(at(7), None), []);
    // Time does not go back here either.
    let resumed = expect(&history, &execution).resume(at(4), None);
    assert_eq!(resumed, [Event::TurnStarted { at: at(6) }, Event::Arrived(Input::Resumed { reason: None })]);
    assert_eq!(resumed, execution.turn(at(4), [Input::Resumed { reason: None }]).unwrap().events);
    history.extend(resumed);

    let mut replayed = begin();
    replayed.replay(&history).unwrap();
    let fired = [Input::TimerFired { id: CommandId(0) }];
    let (turn, last) = (replayed.turn(at(8), fired.clone()), execution.turn(at(8), fired));
    assert_eq!(turn, last);
    history.extend(last.unwrap().events);
    let over = expect(&history, &execution);
    assert_eq!((over.suspend(at(9), None), over.resume(at(9), None)), (vec![], vec![]));
}
