//! The entity of these tests: an operation for each thing that can happen. And a way to write runs as text.

use sarsen_entities::{
    Asked, Behaviour, Change, Entity, EntityContext, EntityType, Operations, Outcome, Outgoing, Port, Ran,
    Reference, Returns, RunLimits, State, Typed,
};
use sarsen_protocol::{Address, OperationName, Payload, RunId, ScheduleRequest, Timestamp, json};
use serde::{Deserialize, Serialize};
use std::{
    fmt::{self, Write},
    panic,
    time::Duration,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    pub(crate) total: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) ratio: f64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) log: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(ratio: &f64) -> bool {
    *ratio == 0.0
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Refused(i64);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused {}", self.0)
    }
}

/// Its fields are free to name what no operation has.
#[derive(Clone, Debug)]
pub(crate) struct LedgerRef<P> {
    pub(crate) port: P,
}

impl<P: Port> Reference for LedgerRef<P> {
    type Port = P;
    type Over<Q: Port> = LedgerRef<Q>;

    fn port(&self) -> &P {
        &self.port
    }

    fn over<Q: Port>(port: Q) -> LedgerRef<Q> {
        LedgerRef { port }
    }
}

impl<P: Port> LedgerRef<P> {
    pub(crate) fn add(&self, n: i64) -> P::Request<i64> {
        self.port.request("add", &n, Returns::value())
    }

    pub(crate) fn note(&self, text: &str) -> P::Request<()> {
        self.port.request("note", text, Returns::value())
    }

    pub(crate) fn scale(&self, ratio: f64) -> P::Request<()> {
        self.port.request("scale", &ratio, Returns::value())
    }
}

impl EntityType for Ledger {
    const NAME: &'static str = "ledger";
    type Ref<P: Port> = LedgerRef<P>;

    fn refer<P: Port>(port: P) -> LedgerRef<P> {
        LedgerRef { port }
    }
}

impl Entity for Ledger {
    /// Begins with the length of its key.
    fn initial(key: &str) -> Self {
        assert_ne!(key, "initial panics", "no initial state");
        Self { total: i64::try_from(key.len()).expect("a key is short"), ratio: 0.0, log: String::new() }
    }

    fn operations() -> Operations<Self> {
        Operations::new()
            .update("add", Returns::value(), |ledger: &mut Self, _, n: i64| ledger.add(n))
            .update("note", Returns::value(), |ledger: &mut Self, _, text: String| ledger.log.push_str(&text))
            .update("scale", Returns::value(), |ledger: &mut Self, _, ratio| ledger.ratio = ratio)
            .update("shatter", Returns::value(), |ledger: &mut Self, _, ()| ledger.ratio = f64::NAN)
            .update("refuse", Returns::fallible(), |ledger: &mut Self, cx, n| ledger.refuse(cx, n))
            .update("explode", Returns::value(), |ledger: &mut Self, cx, n| ledger.explode(cx, n))
            .update("divide", Returns::value(), |ledger: &mut Self, _, (a, b): (f64, f64)| {
                ledger.add(1);
                a / b
            })
            .update("repeat", Returns::value(), |ledger: &mut Self, _, (text, n): (String, usize)| {
                ledger.add(1);
                text.repeat(n)
            })
            .update("pass", Returns::value(), |ledger: &mut Self, cx, (key, n): (String, i64)| {
                ledger.pass(cx, &key, n);
            })
            .update("remove", Returns::value(), |ledger: &mut Self, cx, ()| {
                cx.delete();
                ledger.add(1)
            })
            .read("total", Returns::value(), |ledger: &Self, _, ()| ledger.total)
            .read("ask", Returns::value(), |ledger: &Self, cx, key: String| {
                cx.entity::<Self>(key).add(ledger.total).signal();
            })
            .read("doubt", Returns::fallible(), |ledger: &Self, _, ()| Err::<(), _>(Refused(ledger.total)))
    }
}

impl Ledger {
    fn add(&mut self, n: i64) -> i64 {
        self.total += n;
        self.total
    }

    fn refuse(&mut self, cx: &EntityContext<'_>, n: i64) -> Result<i64, Refused> {
        self.pass(cx, "never", n);
        cx.delete();
        Err(Refused(self.add(n)))
    }

    fn explode(&mut self, cx: &EntityContext<'_>, n: i64) {
        self.pass(cx, "never", n);
        cx.delete();
        // A panic that the process's hook does not print: the random mixes have thousands.
        panic::resume_unwind(Box::new(format!("exploded at {}", self.add(n))));
    }

    fn pass(&mut self, cx: &EntityContext<'_>, key: &str, n: i64) {
        let other = cx.entity::<Self>(key);
        other.add(n).signal();
        other.note("late").after(Duration::from_millis(5)).signal();
        self.total -= n;
    }
}

pub(crate) const LIMITS: RunLimits =
    RunLimits { payload_bytes_max: 64, state_bytes_max: 64, messages_max: 4, verify: false };

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_000);

/// One operation as the engine holds it.
#[derive(Clone, Debug)]
pub(crate) struct Op(pub(crate) OperationName, pub(crate) Payload);

/// Reads `name` or `name input`, the input being JSON.
pub(crate) fn op(text: &str) -> Op {
    let (name, input) = text.split_once(' ').unwrap_or((text, "null"));
    Op(OperationName::from(name.to_owned()), Payload::from_encoded(input.to_owned().into()))
}

fn typed<E: Entity>() -> Typed<E> {
    Typed::new().expect("it can be registered")
}

pub(crate) fn run<E: Entity>(key: &str, state: &mut Option<State>, ops: &[Op], limits: &RunLimits) -> Ran {
    let typed = typed::<E>();
    let address = Address::entity(E::NAME, key).expect("valid");
    let asked: Vec<Asked<'_>> = ops.iter().map(|Op(operation, input)| Asked { operation, input }).collect();
    typed.run(&address, state, &asked, NOW, limits)
}

/// The state as text; `-` for none.
pub(crate) fn state_text<E: Entity>(state: Option<&State>) -> String {
    state.map_or("-".to_owned(), |state| text(&typed::<E>().encode(state).expect("a run left it behind")))
}

pub(crate) fn state_of<E: Entity>(text: &str) -> Option<State> {
    let payload = Payload::from_encoded(text.to_owned().into());
    (text != "-").then(|| typed::<E>().decode(&payload).expect("it fits"))
}

pub(crate) fn text(payload: &Payload) -> String {
    String::from_utf8(payload.as_bytes().to_vec()).expect("JSON is UTF-8")
}

/// An outcome as `answer -> receiver operation input @due ..` or `kind: message {details}`.
pub(crate) fn outcome_text(outcome: &Outcome) -> String {
    let mut line = match &outcome.answer {
        Ok(answer) => text(answer),
        Err(failure) => match &failure.details {
            Some(details) => format!("{failure} {}", text(details)),
            None => failure.to_string(),
        },
    };
    for message in &outcome.messages {
        write!(line, " -> {}", outgoing_text(message)).expect("a string takes everything");
    }
    line
}

fn outgoing_text(message: &Outgoing) -> String {
    match message {
        Outgoing::Signal { to, operation, input, due } => {
            let due = due.map_or(String::new(), |due| format!(" @{}", due.as_micros()));
            format!("{to} {operation} {}{due}", text(input))
        }
        Outgoing::Start { run, name, input } => {
            let run = run.as_ref().map_or("(generated)", RunId::as_str);
            format!("run {run} {name} {}", text(input))
        }
        Outgoing::Schedule { to, request } => {
            let ScheduleRequest { id, operation, input, due, every, .. } = &**request;
            let every = every.map_or(String::new(), |every| format!(" +{:?}", every.duration()));
            format!("{to} {id}: {operation} {} @{}{every}", text(input), due.as_micros())
        }
        Outgoing::Unschedule { to, request } => format!("{to} {}: none", request.id),
    }
}

pub(crate) fn change_text(change: &Change) -> String {
    match change {
        Change::None => "unchanged".to_owned(),
        Change::Put(state) => text(state),
        Change::Deleted => "deleted".to_owned(),
    }
}

/// Runs a script on the entity `key` that begins as `state` and compares outcomes, change and state left behind.
pub(crate) fn check_with<E: Entity>(
    (key, state, limits): (&str, &str, &RunLimits),
    script: &[(&str, &str)],
    change: &str,
) {
    let ops: Vec<Op> = script.iter().map(|(text, _)| op(text)).collect();
    let mut after = state_of::<E>(state);
    let ran = run::<E>(key, &mut after, &ops, limits);
    let outcomes: Vec<String> = ran.outcomes.iter().map(outcome_text).collect();
    let expected: Vec<&str> = script.iter().map(|(_, outcome)| *outcome).collect();
    assert_eq!(outcomes, expected);
    assert_eq!(change_text(&ran.change), change);
    let expected = match &ran.change {
        Change::None => state.to_owned(),
        Change::Put(put) => text(put),
        Change::Deleted => "-".to_owned(),
    };
    assert_eq!(state_text::<E>(after.as_ref()), expected, "the state in memory is the state of the record");
    assert!(sarsen_entities::inside_operation().is_none());
}

/// [`check_with`] for the ledger `abc`, with and without verification.
pub(crate) fn check(state: &str, script: &[(&str, &str)], change: &str) {
    check_with::<Ledger>(("abc", state, &LIMITS), script, change);
    check_with::<Ledger>(("abc", state, &RunLimits { verify: true, ..LIMITS }), script, change);
}

pub(crate) fn encoded<T: Serialize>(value: &T) -> Payload {
    json::encode(value).expect("it has JSON")
}
