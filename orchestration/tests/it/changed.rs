//! Changed code over an old history.

use crate::support::{Script, activity, orchestration, payload, start};
use sarsen_orchestration::{CommandId, Event, Input, Orchestrator, Outstanding, Parked, Start, Typed};
use sarsen_protocol::{Address, EventName, Port, Returns, RunId, Timestamp};
use std::{cell::Cell, time::Duration};

activity!(double: serde_json::Value => u32, value);
activity!(triple: u32 => u32, value);

orchestration!(child, |_cx, n: u32| -> u32 { n });
orchestration!(other, |_cx, n: u32| -> u32 { n });

const SECOND: Duration = Duration::from_secs(1);

/// Does one thing, the n-th, and waits.
async fn one(cx: &sarsen_orchestration::Context, n: u32) {
    let run = RunId::new("r").unwrap();
    let entity = |key| cx.caller(Address::entity("account", key));
    let add = |key, input: u32| entity(key).request("add", &input, Returns::<()>::value());
    match n {
        0 => drop(cx.activity(double, serde_json::json!({"a": [1, 2], "b": null})).await),
        1 => drop(cx.activity(double, serde_json::json!({"a": [2, 1], "b": null})).await),
        2 => drop(cx.activity(triple, 1).await),
        3 => cx.timer(SECOND).await,
        4 => cx.timer(SECOND * 2).await,
        5 => drop(cx.child(child, 1).id("c").await),
        6 => drop(cx.child(child, 1).await),
        7 => drop(cx.child(other, 1).id("c").await),
        8 => drop(cx.child(child, 2).id("c").await),
        9 => drop(cx.child(child, 1).id("c").detach()),
        10 => cx.send_event(&run, "e", &1).unwrap(),
        11 => cx.send_event(&run, "f", &1).unwrap(),
        12 => cx.send_event(cx.run_id(), "e", &1).unwrap(),
        13 => cx.send_event(&run, "e", &2).unwrap(),
        14 => add("a", 1).signal().unwrap(),
        15 => add("b", 1).signal().unwrap(),
        16 => add("a", 2).signal().unwrap(),
        17 => entity("a").request("sub", &1, Returns::<()>::value()).signal().unwrap(),
        18 => add("a", 1).after(SECOND).signal().unwrap(),
        19 => drop(add("a", 1).await),
        20 => drop(add("b", 1).await),
        21 => drop(add("a", 2).await),
        22 => drop(cx.lock_addresses([Address::entity("account", "a")]).await),
        23 => drop(cx.lock_addresses([Address::entity("account", "b")]).await),
        24 => cx.set_status(&1).unwrap(),
        25 => cx.set_status(&2).unwrap(),
        26 => return,
        _ => {}
    }
    cx.event::<()>("never").await.unwrap();
}

const ACTS: u32 = 28;

orchestration!(act, |cx, n: u32| -> () { one(&cx, n).await });

/// An execution of one act.
fn of_act(n: u32) -> Script {
    let mut script = Script::new::<act>(start("act", &n.to_string()));
    script.turn_of("").unwrap();
    script
}

#[test]
fn every_other_act_than_the_recorded_one_parks() {
    for recorded in 0..ACTS {
        let mut events = of_act(recorded).history();
        for done in 0..ACTS {
            let Some(Event::Started(start)) = events.get_mut(1) else { panic!("{events:?}") };
            start.input = payload(&done.to_string());
            let mut execution = Typed::<act>::new().unwrap().begin((**start).clone());
            let mut replayed = execution.replay(&events);
            if replayed.is_ok() && !execution.is_over() {
                let next = Input::Suspended { reason: None };
                replayed = execution.turn(Timestamp::default(), [next]).map(drop);
            }
            match replayed {
                Ok(()) => assert_eq!(done, recorded),
                Err(Parked::Changed { .. }) => assert_ne!(done, recorded),
                // The code has ended, and so has its history.
                Err(other) => panic!("{done} over {recorded}: {other}"),
            }
        }
    }
}

#[test]
fn what_differs_is_named_with_its_place() {
    let mut events = of_act(3).history();
    let Some(Event::Started(start)) = events.get_mut(1) else { panic!("{events:?}") };
    start.input = payload("2");
    let mut execution = Typed::<act>::new().unwrap().begin((**start).clone());
    let parked = execution.replay(&events).unwrap_err();
    assert_eq!(
        parked.to_string(),
        "orchestration `act` has changed: event 2 of the history is command 0, a timer for 101.000000s, the code \
         comes to command 0, activity `triple` with 1; it goes on when code is there that does what is recorded"
    );
    assert!(execution.is_over());
}

#[test]
fn a_parked_owner_resumes_inside_its_section() {
    thread_local! {
        static CHANGED: Cell<bool> = const { Cell::new(false) };
    }
    orchestration!(owner, |cx, _input: ()| -> u32 {
        let _guard = cx.lock_addresses([Address::entity("account", "a")]).await.unwrap();
        if CHANGED.get() {
            cx.set_status(&"new").unwrap();
        }
        cx.timer(SECOND).await;
        cx.activity(triple, 1).await.unwrap()
    });
    let mut script = Script::new::<owner>(start("owner", "null"));
    script.turn_of("").unwrap();
    script.turn_of("grant 0").unwrap();
    let history = script.history();
    CHANGED.set(true);
    let mut changed = Typed::<owner>::new().unwrap().begin(script.execution.start().clone());
    assert!(matches!(changed.replay(&history), Err(Parked::Changed { .. })));
    // The section is known from the history alone.
    assert!(Outstanding::of(&history).section().is_some_and(|section| section.granted));
    CHANGED.set(false);
    script.evict();
    script.turn_of("fire 1").unwrap();
    assert!(script.execution.outstanding().section().is_some());
    let turn = script.turn_of("2 = 3").unwrap();
    assert_eq!(turn.end().unwrap().to_string(), "the end with 3");
    script.check_replays();
}

#[test]
fn a_command_that_was_not_recorded_parks_before_whatever_comes_next() {
    let events = of_act(27).history();
    let Some(Event::Started(begun)) = events.get(1) else { panic!("{events:?}") };
    let start = Start { input: payload("24"), ..(**begun).clone() };
    let raised = Event::Arrived(Input::EventRaised { name: EventName::of("x"), input: payload("1") });
    for (next, expected) in [(raised, "an input"), (events[0].clone(), "the beginning of another turn")] {
        let events = [events[0].clone(), Event::Started(Box::new(start.clone())), next];
        let mut execution = Typed::<act>::new().unwrap().begin(start.clone());
        let parked = execution.replay(&events).unwrap_err().to_string();
        assert!(
            parked.contains(&format!("event 2 of the history is {expected}, the code comes to status 1")),
            "{parked}"
        );
    }
}

#[test]
fn code_that_goes_on_beyond_its_history_parks_at_its_next_turn() {
    let events = of_act(27).history();
    let Some(Event::Started(begun)) = events.get(1) else { panic!("{events:?}") };
    let start = Start { input: payload("24"), ..(**begun).clone() };
    let events = [events[0].clone(), Event::Started(Box::new(start.clone()))];
    let mut execution = Typed::<act>::new().unwrap().begin(start);
    execution.replay(&events).unwrap();
    let parked = execution.turn(Timestamp::default(), []).unwrap_err();
    assert!(parked.to_string().contains("is the end of the history, the code comes to status 1"), "{parked}");
}

#[test]
fn what_is_no_history_of_the_execution_is_named() {
    let events = of_act(3).history();
    let begin = || {
        let Some(Event::Started(start)) = events.get(1) else { panic!("{events:?}") };
        Typed::<act>::new().unwrap().begin((**start).clone())
    };
    let check = |events: &[Event], reason: &str| {
        let parked = begin().replay(events).unwrap_err();
        assert!(
            matches!(parked, Parked::Disorder { .. }) && parked.to_string().ends_with(reason),
            "{parked}"
        );
    };
    let fired = Event::Arrived(Input::TimerFired { id: CommandId(0) });
    check(
        &[events[0].clone(), fired.clone()],
        "event 1 cannot stand in the history of orchestration `act`: nothing waits for this input",
    );
    check(&[&events[..], &events[1..]].concat(), "another execution begins");
    check(&[&events[..], &[fired.clone(), fired]].concat(), "nothing waits for this input");
    let ended = of_act(26).history();
    let Some(Event::Started(start)) = ended.get(1) else { panic!("{ended:?}") };
    let mut execution = Typed::<act>::new().unwrap().begin((**start).clone());
    execution.replay(&ended).unwrap();
    assert!(execution.is_over());
    let parked = execution.replay(&ended[..1]).unwrap_err();
    assert!(parked.to_string().ends_with("the execution has ended before it"), "{parked}");
}
