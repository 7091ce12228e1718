use super::*;
use crate::samples::{events, grown_events, newest_events, scheduling_events};

#[test]
fn every_event_comes_back_from_json() {
    let events: Vec<Event> = [events(), grown_events(), newest_events(), scheduling_events()].concat();
    let exported = ExportedHistory::new(events).unwrap();
    let text = exported.to_json().unwrap();
    assert!(
        text.starts_with(r#"{"format":1,"events":[{"TurnStarted":{"at":1}},{"Started":{"run":"r","#),
        "{text}"
    );
    assert!(text.contains(r#""input":"1""#), "payloads are texts: {text}");
    assert_eq!(ExportedHistory::from_json(&text), Ok(exported));
}

#[test]
fn what_is_no_history_is_refused_by_name() {
    let misfit = ExportedHistory::from_json("{}").unwrap_err().to_string();
    assert!(misfit.starts_with("this is no exported history: missing field `format`"), "{misfit}");
    let newer = ExportedHistory::from_json(r#"{"format":2,"what":"ever"}"#);
    assert_eq!(newer, Err(ImportError::Newer { found: 2, known: 1 }));
    let headless = ExportedHistory::from_json(r#"{"format":1,"events":[{"TurnStarted":{"at":1}}]}"#);
    assert_eq!(headless, Err(ImportError::Headless));
}
