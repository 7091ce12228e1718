use super::*;
use crate::samples::events;

/// An event of every kind in their words, with names and fields of semantics.md 3.10.
const GOLDEN: &[&str] = &[
    r#"{"eventId":-1,"timestamp":1,"eventType":"orchestratorStarted"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"executionStarted","name":"o","version":"v","input":"2","orchestrationInstance":{"instanceId":"r","executionId":"00000000000000000000000000000001"},"parentInstance":{"taskScheduledId":4,"name":"q","instance":{"instanceId":"p","executionId":"00000000000000000000000000000002"}},"scheduledStartTimestamp":5,"parentTraceContext":"00-00000000000000000000000000000001-0000000000000002-03","tags":{"t":"u"}}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"taskCompleted","taskScheduledId":1,"result":"1"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"taskFailed","taskScheduledId":1,"failureDetails":{"errorType":"Returned","errorMessage":"no","isNonRetriable":false,"properties":{"details":"1"}}}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"timerFired","fireAt":1,"timerId":1}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"subOrchestrationInstanceCompleted","taskScheduledId":1,"result":"1"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"subOrchestrationInstanceFailed","taskScheduledId":1,"failureDetails":{"errorType":"Returned","errorMessage":"no","isNonRetriable":false,"properties":{"details":"1"}}}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"entityOperationCompleted","requestId":"00000000000000000000000000000001:1","output":"1"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"entityOperationFailed","requestId":"00000000000000000000000000000001:1","failureDetails":{"errorType":"Returned","errorMessage":"no","isNonRetriable":false,"properties":{"details":"1"}}}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"entityLockGranted","criticalSectionId":"00000000000000000000000000000001:1"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"eventRaised","name":"e","input":"1"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"executionSuspended","input":"s"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"executionResumed"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"genericEvent","data":"critical section 00000000000000000000000000000001:1 refused: {\"errorType\":\"Returned\",\"errorMessage\":\"no\",\"isNonRetriable\":false,\"properties\":{\"details\":\"1\"}}"}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"taskScheduled","name":"t","version":"v","input":"1","parentTraceContext":"00-00000000000000000000000000000001-0000000000000002-03","tags":{"t":"u"}}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"timerCreated","fireAt":300}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"genericEvent","data":"timer 1 cancelled"}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"subOrchestrationInstanceCreated","instanceId":"c","name":"o","input":"2"}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"subOrchestrationInstanceCreated","instanceId":"c","name":"o","input":"2","tags":{"FireAndForget":""}}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"eventSent","instanceId":"r","name":"e","input":"1"}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"entityOperationSignaled","requestId":"00000000000000000000000000000001:9","operation":"x","scheduledTime":2,"input":"1","targetInstanceId":"@a@k"}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"entityOperationCalled","requestId":"00000000000000000000000000000001:9","operation":"x","input":"1","parentInstanceId":"r","parentExecutionId":"00000000000000000000000000000001","targetInstanceId":"@a@k"}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"entityLockRequested","criticalSectionId":"00000000000000000000000000000001:9","lockSet":["@a@k"],"position":0,"parentInstanceId":"r"}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"entityUnlockSent","criticalSectionId":"00000000000000000000000000000001:9","parentInstanceId":"r","targetInstanceId":"@a@k"}"#,
    r#"{"eventId":9,"timestamp":1,"eventType":"genericEvent","data":"custom status 1"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"executionCompleted","orchestrationStatus":"Completed","result":"1"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"executionCompleted","orchestrationStatus":"Failed","failureDetails":{"errorType":"Returned","errorMessage":"no","isNonRetriable":false,"properties":{"details":"1"}}}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"continueAsNew","input":"1"}"#,
    r#"{"eventId":-1,"timestamp":1,"eventType":"executionTerminated","input":"1","recurse":true}"#,
];

#[test]
fn every_event_has_its_words() {
    let mut converter = Converter::new();
    let events = events();
    let words = events.iter().flat_map(|event| converter.convert(event));
    let lines: Vec<String> = words.map(|event| serde_json::to_string(&event).unwrap()).collect();
    assert_eq!(lines, GOLDEN);
}

#[test]
fn a_rewinding_is_told_with_its_reason_and_its_run() {
    let mut converter = Converter::new();
    let rewound = Event::Arrived(Input::Rewound { reason: Some("s".to_owned()) });
    converter.convert(&events()[1]);
    let words = converter.convert(&rewound);
    let line = serde_json::to_string(&words[0]).unwrap();
    let golden =
        r#"{"eventId":-1,"timestamp":0,"eventType":"executionRewound","reason":"s","instanceId":"r"}"#;
    assert_eq!(line, golden);
}

#[test]
fn what_is_not_tried_again_says_so() {
    use sarsen_protocol::FailureKind;
    let said = |kind| details(&Failure::new(kind, "no")).is_non_retriable;
    assert_eq!([FailureKind::UnknownActivity, FailureKind::Undecodable].map(said), [true, true]);
    assert_eq!([FailureKind::Panicked, FailureKind::Returned].map(said), [false, false]);
}
