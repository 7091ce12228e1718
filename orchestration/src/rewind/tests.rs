use super::*;
use crate::samples;
use sarsen_protocol::{
    ActivityName, EventName, Failure, FailureKind, OperationName, OrchestrationName, RunId,
};

fn payload(text: &'static str) -> Payload {
    Payload::from_encoded(text.into())
}

fn failure() -> Failure {
    Failure::new(FailureKind::Returned, "no")
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn launch() -> Launch {
    let run = RunId::new("c").expect("valid");
    Launch { run, name: OrchestrationName::of("o"), input: payload("2"), labels: crate::Labels::default() }
}

/// An event by a few words: `task 0`, `ok 0`, `bad 0` for what is asked for and how it ends.
fn event(text: &str) -> Event {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let id = CommandId(rest.parse().unwrap_or_default());
    let to = Address::entity("a", "k").expect("valid");
    let bad = || Err(failure());
    match verb {
        "turn" => Event::TurnStarted { at: at(u64::from(id.0)) },
        "begin" => samples::events().swap_remove(1),
        "task" => {
            let (name, input) = (ActivityName::of("t"), payload("1"));
            Event::Issued(id, Command::Task { name, input, labels: crate::Labels::default() })
        }
        "timer" => Event::Issued(id, Command::Timer { fire_at: at(50) }),
        "cancel" => Event::Issued(CommandId(90), Command::CancelTimer { timer: id }),
        "child" => Event::Issued(id, Command::Child(launch())),
        "call" => {
            let (operation, input) = (OperationName::of("x"), payload("1"));
            Event::Issued(id, Command::Call { to, operation, input, section: None })
        }
        "lock" => Event::Issued(id, Command::Lock { entities: vec![to] }),
        "unlock" => Event::Issued(CommandId(91), Command::Unlock { section: id }),
        "status" => Event::Issued(id, Command::SetStatus { status: payload("7") }),
        "ok" => Event::Arrived(Input::TaskEnded { id, result: Ok(payload("1")) }),
        "bad" => Event::Arrived(Input::TaskEnded { id, result: bad() }),
        "fired" => Event::Arrived(Input::TimerFired { id }),
        "child-ok" => Event::Arrived(Input::ChildEnded { id, result: Ok(payload("1")) }),
        "child-bad" => Event::Arrived(Input::ChildEnded { id, result: bad() }),
        "call-ok" => Event::Arrived(Input::CallEnded { id, result: Ok(payload("1")) }),
        "call-bad" => Event::Arrived(Input::CallEnded { id, result: bad() }),
        "granted" => Event::Arrived(Input::LockGranted { id }),
        "event" => Event::Arrived(Input::EventRaised { name: EventName::of("e"), input: payload("1") }),
        "failed" => Event::Ended(End::Failed(failure())),
        "returned" => Event::Ended(End::Returned(payload("1"))),
        _ => panic!("`{text}` is no event"),
    }
}

fn events(text: &str) -> Vec<Event> {
    text.split(", ").filter(|text| !text.is_empty()).map(event).collect()
}

fn ids<T>(of: &[(CommandId, T)]) -> Vec<u32> {
    of.iter().map(|(id, _)| id.0).collect()
}

/// Compares what a history comes to: what is kept, asked for again, the children, what is given again.
#[track_caller]
fn check(history: &str, kept: &str, again: &[u32], children: &[u32], later: &str) {
    let history = format!("turn 1, begin, {history}");
    let rewound = Rewound::of(events(&history), at(100)).expect("it can be rewound");
    let kept = if kept.is_empty() { String::new() } else { format!("turn 1, begin, {kept}") };
    assert_eq!(rewound.kept, events(&kept));
    assert_eq!((ids(&rewound.again), ids(&rewound.children)), (again.to_vec(), children.to_vec()));
    let later: Vec<Event> = events(later);
    assert_eq!(rewound.later.into_iter().map(Event::Arrived).collect::<Vec<_>>(), later);
    assert_eq!(rewound.input, Some(payload("2")));
}

#[test]
fn what_failed_last_is_asked_for_again_and_results_before_it_stay() {
    check(
        "task 0, turn 2, ok 0, task 1, turn 3, bad 1, failed",
        "task 0, turn 2, ok 0, task 1",
        &[1],
        &[],
        "",
    );
    // A failure that the code has come back from stays, and so does another attempt's wait.
    let kept = "task 0, turn 2, bad 0, timer 1, turn 3, fired 1, task 2";
    check(&format!("{kept}, turn 4, bad 2, failed"), kept, &[2], &[], "");
    // Both of two that failed together; the good one between them is told again.
    check(
        "task 0, task 1, task 2, turn 2, bad 0, ok 1, bad 2, failed",
        "task 0, task 1, task 2",
        &[0, 2],
        &[],
        "ok 1",
    );
}

#[test]
fn what_the_failure_led_to_goes_and_what_was_asked_for_before_it_stays() {
    let history = "task 0, task 1, timer 2, turn 2, bad 0, task 3, turn 3, ok 1, event, ok 3, failed";
    check(history, "task 0, task 1, timer 2", &[0, 2], &[], "ok 1, event");
}

#[test]
fn timers_are_set_again_and_given_up_ones_are_not() {
    check(
        "timer 0, task 1, turn 2, fired 0, bad 1, cancel 4, failed",
        "timer 0, task 1, turn 2, fired 0",
        &[1],
        &[],
        "",
    );
    check("timer 0, task 1, turn 2, bad 1, fired 0, failed", "timer 0, task 1", &[0, 1], &[], "");
    check("timer 0, task 1, cancel 0, turn 2, bad 1, failed", "timer 0, task 1, cancel 0", &[1], &[], "");
}

#[test]
fn children_that_failed_or_are_under_way_are_asked_for_and_good_results_are_kept() {
    check(
        "child 0, child 1, child 2, turn 2, child-ok 1, child-bad 0, failed",
        "child 0, child 1, child 2, turn 2, child-ok 1",
        &[],
        &[0, 2],
        "",
    );
    check(
        "child 0, child 1, turn 2, child-bad 0, child-ok 1, failed",
        "child 0, child 1",
        &[],
        &[0],
        "child-ok 1",
    );
}

#[test]
fn code_that_failed_by_itself_is_told_again_what_came_last() {
    check("task 0, turn 2, ok 0, failed", "task 0", &[], &[], "ok 0");
    check("status 0, turn 2, event, event, failed", "status 0, turn 2, event", &[], &[], "event");
    check("task 0, failed", "", &[], &[], "");
}

#[test]
fn a_failed_call_is_made_again_and_one_without_an_answer_forbids_it() {
    check("call 0, call 1, turn 2, call-bad 0, call-ok 1, failed", "call 0, call 1", &[0], &[], "call-ok 1");
    let history = events("turn 1, begin, call 0, task 1, turn 2, bad 1, failed");
    let to = Address::entity("a", "k").expect("valid");
    assert_eq!(Rewound::of(history, at(9)), Err(RewindError::Unanswered { to }));
}

#[test]
fn a_failure_inside_a_section_or_none_at_all_is_refused() {
    let inside = "turn 1, begin, lock 0, turn 2, granted 0, task 1, turn 3, bad 1, unlock 0, failed";
    assert_eq!(Rewound::of(events(inside), at(9)), Err(RewindError::InSection));
    let behind = "lock 0, turn 2, granted 0, unlock 0, task 2";
    check(&format!("{behind}, turn 3, bad 2, failed"), behind, &[2], &[], "");
    assert_eq!(Rewound::of(events("turn 1, begin, returned"), at(9)), Err(RewindError::NotFailed));
    assert_eq!(Rewound::of(events("turn 1, begin, task 0"), at(9)), Err(RewindError::NotFailed));
}

#[test]
fn the_status_is_that_of_the_point_and_attempts_have_their_time_again() {
    let mut history = events("turn 10, begin, status 0, turn 20, event");
    let attempt = crate::Attempt {
        name: ActivityName::of("t"),
        input: payload("1"),
        labels: crate::Labels::default(),
        number: 1,
        first: None,
        until: Some(at(25)),
        progress: None,
    };
    history.push(Event::Issued(CommandId(1), Command::Attempt(Box::new(attempt.clone()))));
    history.extend(events("turn 25, bad 1, status 2, failed"));
    let rewound = Rewound::of(history, at(100)).expect("it can be rewound");
    assert_eq!(rewound.status, Some(payload("7")));
    let renewed = Command::Attempt(Box::new(crate::Attempt { until: Some(at(105)), ..attempt }));
    assert_eq!(rewound.again, [(CommandId(1), renewed.clone())]);
    assert_eq!(rewound.kept.last(), Some(&Event::Issued(CommandId(1), renewed)));
}
