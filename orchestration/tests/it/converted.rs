//! Histories in the words of the Durable Task Framework.

use crate::support::{Script, activity, orchestration, start};
use sarsen_orchestration::Converter;
use std::time::Duration;

activity!(step: () => (), value);

orchestration!(child, |_cx, n: u32| -> u32 { n });

#[test]
fn an_activity_a_timer_and_a_child_are_the_twelve_events_of_the_lineage() {
    orchestration!(three, |cx, _input: ()| -> u32 {
        cx.activity(step, ()).await.unwrap();
        cx.timer(Duration::from_secs(1)).await;
        cx.child(child, 1).await.unwrap()
    });
    let mut script = Script::new::<three>(start("three", "null"));
    for inputs in ["", "0 = null", "fire 1", "2 = 1"] {
        script.turn_of(inputs).unwrap();
    }
    let mut converter = Converter::new();
    let events = script.history();
    let named = events.iter().flat_map(|event| converter.convert(event)).map(|event| {
        let json = serde_json::to_value(&event).unwrap();
        format!("{} {}", event.event_id, json["eventType"].as_str().unwrap())
    });
    assert_eq!(
        named.collect::<Vec<_>>(),
        [
            "-1 orchestratorStarted",
            "-1 executionStarted",
            "0 taskScheduled",
            "-1 orchestratorStarted",
            "-1 taskCompleted",
            "1 timerCreated",
            "-1 orchestratorStarted",
            "-1 timerFired",
            "2 subOrchestrationInstanceCreated",
            "-1 orchestratorStarted",
            "-1 subOrchestrationInstanceCompleted",
            "-1 executionCompleted",
        ]
    );
}
