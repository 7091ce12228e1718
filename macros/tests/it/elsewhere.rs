//! Operations that run off their shard, as the macros write them.

use sarsen::{
    After, Asked, Behaviour, Ended, EntityType, OperationHost, Outgoing, Port, Returns, RunLimits, State,
    Typed,
};
use sarsen_macros::{Entity, operations};
use sarsen_protocol::{Address, FailureKind, OperationName, Payload, Timestamp, json};
use serde::{Deserialize, Serialize};
use std::{
    convert::Infallible,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// What the facade is for generated code: it has one host.
mod fixture {
    pub(super) mod __private {
        pub(in crate::elsewhere) use super::super::OperationContext;
        pub(in crate::elsewhere) use sarsen::__private::*;
    }
}

/// A host without anything.
struct Nobody;

/// The context of that host.
type OperationContext = sarsen::OperationContext<Nobody>;

impl OperationHost for Nobody {
    type Client = Infallible;

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(7_000_000)
    }

    fn client(&self) -> Infallible {
        unreachable!("nobody asks for one")
    }

    fn is_cancelled(&self) -> bool {
        false
    }

    async fn cancelled(&self) {}
}

#[derive(Entity, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Device {
    readings: Vec<i64>,
}

#[operations(crate = "crate::elsewhere::fixture")]
impl Device {
    /// Adds a reading, and tells it.
    #[operation(timeout = "30s")]
    async fn fetch(&mut self, cx: OperationContext, answer: i64, error: bool) -> Result<usize, String> {
        std::future::ready(()).await;
        self.readings.push(answer);
        cx.entity::<Self>("other").note(answer).after(Duration::from_secs(1)).signal();
        if error { Err("out of reach".to_owned()) } else { Ok(self.readings.len()) }
    }

    async fn count(&self) -> usize {
        std::future::ready(self.readings.len()).await
    }

    #[operation(blocking, timeout = "500ms")]
    fn crunch(&mut self, cx: OperationContext) {
        self.readings = vec![self.readings.iter().sum()];
        if self.readings == [0] {
            cx.delete();
        }
    }

    #[operation(blocking)]
    fn total(&self, r#plus: i64) -> i64 {
        self.readings.iter().sum::<i64>() + r#plus
    }

    async fn forward(&mut self, cx: OperationContext, name: String, key: String) {
        cx.entity_named(name, key).operation::<()>("note", &self.readings.len()).signal();
    }

    fn note(&mut self, reading: i64) {
        self.readings.push(reading);
    }
}

/// What is asked of a reference, in words.
struct Words;

impl Port for Words {
    type Request<R> = String;

    fn request<I: Serialize + ?Sized, R>(
        &self,
        operation: impl Into<OperationName>,
        input: &I,
        _: Returns<R>,
    ) -> String {
        let operation = operation.into();
        let input = json::encode(input).expect("inputs have JSON");
        format!("{operation} {}", String::from_utf8_lossy(input.as_bytes()))
    }
}

const LIMITS: RunLimits =
    RunLimits { payload_bytes_max: 1_000, state_bytes_max: 1_000, messages_max: 10, verify: true };

fn typed() -> Typed<Device> {
    Typed::new().expect("the names are valid")
}

/// Dispatches an operation on a state and lets it come to its end; with its timeout, and whether it blocks.
fn run(state: Option<&Device>, operation: &'static str, input: &str) -> (Ended, Option<Duration>, bool) {
    let typed = typed();
    let address = Address::entity(Device::NAME, "d").expect("valid");
    let state = state.map(|device| json::encode(device).and_then(|state| typed.decode(&state)));
    let state: Option<State> = state.transpose().expect("it has a state");
    let (operation, input) = (OperationName::of(operation), Payload::copy_of(input.as_bytes()));
    assert!(typed.is_dispatched(&operation));
    let asked = Asked { operation: &operation, input: &input };
    let dispatched = typed.dispatch(&address, state.as_ref(), asked, &LIMITS).expect("it can be copied");
    let blocks = dispatched.work.is_blocking();
    let mut work = pin!(dispatched.work.begin(Arc::new(Nobody)));
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => (ended, dispatched.timeout, blocks),
        Poll::Pending => panic!("nothing waits here"),
    }
}

fn answer(ended: &Ended) -> String {
    match &ended.outcome.answer {
        Ok(answer) => String::from_utf8_lossy(answer.as_bytes()).into_owned(),
        Err(failure) => failure.to_string(),
    }
}

fn state(ended: Ended) -> Option<String> {
    match ended.after {
        After::Put(_, encoded) => Some(String::from_utf8_lossy(encoded.as_bytes()).into_owned()),
        After::Same => Some("the same".to_owned()),
        After::Deleted => None,
    }
}

#[test]
fn an_async_fn_is_dispatched_with_its_inputs_and_gives_the_state_back() {
    let device = Device { readings: vec![1] };
    let (ended, timeout, blocks) = run(Some(&device), "fetch", "[5,false]");
    assert_eq!((timeout, blocks, answer(&ended).as_str()), (Some(Duration::from_secs(30)), false, "2"));
    let [Outgoing::Signal { to, operation, due, .. }] = &ended.outcome.messages[..] else {
        panic!("one signal, not {:?}", ended.outcome.messages)
    };
    assert_eq!((to.key(), operation.as_str()), ("other", "note"));
    assert_eq!(*due, Some(Timestamp::from_micros(8_000_000)), "counted from when it was sent");
    assert_eq!(state(ended).as_deref(), Some(r#"{"readings":[1,5]}"#));
}

#[test]
fn an_async_fn_signals_by_name_and_fails_by_a_name_that_is_none() {
    let (ended, ..) = run(None, "forward", r#"["gauge","g@1"]"#);
    let [Outgoing::Signal { to, operation, input, due: None }] = &ended.outcome.messages[..] else {
        panic!("one signal, not {:?}", ended.outcome.messages)
    };
    assert_eq!((to.to_string().as_str(), operation.as_str()), ("@gauge@g@1", "note"));
    assert_eq!(input.as_bytes(), b"0");
    let (ended, ..) = run(None, "forward", r#"["Gauge","g"]"#);
    let Err(failure) = &ended.outcome.answer else { panic!("there is no such name") };
    assert_eq!((failure.kind, ended.outcome.messages.len()), (FailureKind::InvalidAddress, 0));
}

#[test]
fn an_error_of_an_async_fn_leaves_nothing() {
    let (ended, ..) = run(None, "fetch", "[5,true]");
    assert_eq!(answer(&ended), "returned an error: out of reach");
    assert!(ended.outcome.messages.is_empty());
    assert_eq!(state(ended).as_deref(), Some("the same"));
}

#[test]
fn an_async_fn_that_only_looks_changes_nothing() {
    let (ended, timeout, _) = run(None, "count", "null");
    assert_eq!((timeout, answer(&ended).as_str()), (None, "0"));
    assert_eq!(state(ended).as_deref(), Some("the same"));
}

#[test]
fn what_is_marked_as_blocking_runs_off_the_shard_too() {
    let device = Device { readings: vec![1, 2] };
    let (ended, timeout, blocks) = run(Some(&device), "crunch", "null");
    assert_eq!((timeout, blocks), (Some(Duration::from_millis(500)), true));
    assert_eq!(state(ended).as_deref(), Some(r#"{"readings":[3]}"#));
    let (ended, ..) = run(Some(&Device::default()), "crunch", "null");
    assert_eq!(state(ended), None, "it deletes itself");
    let (ended, _, blocks) = run(Some(&device), "total", "4");
    assert_eq!((answer(&ended).as_str(), blocks), ("7", true));
}

#[test]
fn an_input_that_does_not_fit_is_its_failure() {
    let (ended, ..) = run(None, "fetch", "[1]");
    let Err(failure) = ended.outcome.answer else { panic!("it does not fit") };
    assert_eq!(failure.kind, FailureKind::Undecodable);
}

#[test]
fn ordinary_operations_beside_them_stay_inside_their_turn() {
    let typed = typed();
    assert!(typed.dispatches());
    for inside in ["note", "delete"] {
        assert!(!typed.is_dispatched(&OperationName::of(inside)));
    }
}

#[test]
fn references_ask_for_them_like_for_any_other() {
    let device = Device::refer(Words);
    assert_eq!(device.fetch(3, false), "fetch [3,false]");
    assert_eq!(device.count(), "count null");
    assert_eq!(device.crunch(), "crunch null");
    assert_eq!(device.total(1), "total 1");
}
