//! Changed code over an old history.

use crate::support::{Script, activity, orchestration, payload, start};
use sarsen_orchestration::{Event, Input, Orchestrator, Parked, Typed};
use sarsen_protocol::{Address, Returns, RunId, Timestamp};
use std::time::Duration;

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
        22 => drop(cx.lock([Address::entity("account", "a")]).await),
        23 => drop(cx.lock([Address::entity("account", "b")]).await),
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
            let replayed = execution.replay(&events).and_then(|()| match execution.is_over() {
                true => Ok(()),
                false => execution.turn(Timestamp::default(), [Input::Suspended { reason: None }]).map(drop),
            });
            match replayed {
                Ok(()) => assert_eq!(done, recorded),
                Err(Parked::Changed { .. }) => assert_ne!(done, recorded),
                // The code has ended, and so has its history.
                Err(other) => panic!("{done} over {recorded}: {other}"),
            }
        }
    }
}
