//! Events for tests.

use crate::{Attempt, Command, CommandId, End, Event, ExecutionLimits, Input, Labels, Launch, Parent, Start};
use sarsen_protocol::{
    ActivityName, Address, EventName, ExecutionId, Failure, FailureKind, FailureOrigin, OperationName,
    OrchestrationName, Payload, Period, RunId, ScheduleId, ScheduleRequest, Timestamp, TraceContext,
    UnscheduleRequest, Uuid,
};
use std::time::Duration;

fn payload(text: &'static str) -> Payload {
    Payload::from_encoded(text.into())
}

fn run(text: &str) -> RunId {
    RunId::new(text).unwrap()
}

fn failure() -> Failure {
    Failure::new(FailureKind::Returned, "no").with_details(Some(payload("1")))
}

fn labels() -> Labels {
    let trace = TraceContext { trace_id: 1, span_id: 2, flags: 3 };
    Labels { version: Some("v".to_owned()), tags: vec![("t".to_owned(), "u".to_owned())], trace: Some(trace) }
}

fn launch() -> Launch {
    Launch { run: run("c"), name: OrchestrationName::of("o"), input: payload("2"), labels: Labels::default() }
}

fn started() -> Event {
    let execution = |id| ExecutionId(Uuid::from_u128(id));
    Event::Started(Box::new(Start {
        run: run("r"),
        execution: execution(1),
        name: OrchestrationName::of("o"),
        input: payload("2"),
        seed: 3,
        parent: Some(Parent {
            run: run("p"),
            execution: execution(2),
            command: CommandId(4),
            name: OrchestrationName::of("q"),
            version: None,
        }),
        scheduled: Some(Timestamp::from_micros(5)),
        labels: labels(),
        limits: ExecutionLimits { payload_bytes_max: 6, commands_per_turn_max: 7, history_events_max: 8 },
    }))
}

fn commands() -> Vec<Command> {
    let to = Address::entity("a", "k").unwrap();
    let operation = OperationName::of("x");
    vec![
        Command::Task { name: ActivityName::of("t"), input: payload("1"), labels: labels() },
        Command::Timer { fire_at: Timestamp::from_micros(300) },
        Command::CancelTimer { timer: CommandId(1) },
        Command::Child(launch()),
        Command::Detached(launch()),
        Command::SendEvent { run: run("r"), name: EventName::of("e"), input: payload("1") },
        Command::Signal {
            to: to.clone(),
            operation: operation.clone(),
            input: payload("1"),
            due: Some(Timestamp::from_micros(2)),
        },
        Command::Call { to: to.clone(), operation, input: payload("1"), section: Some(CommandId(8)) },
        Command::Lock { entities: vec![to] },
        Command::Unlock { section: CommandId(9) },
        Command::SetStatus { status: payload("1") },
    ]
}

fn inputs() -> Vec<Input> {
    let id = CommandId(1);
    vec![
        Input::TaskEnded { id, result: Ok(payload("1")) },
        Input::TaskEnded { id, result: Err(failure()) },
        Input::TimerFired { id },
        Input::ChildEnded { id, result: Ok(payload("1")) },
        Input::ChildEnded { id, result: Err(failure()) },
        Input::CallEnded { id, result: Ok(payload("1")) },
        Input::CallEnded { id, result: Err(failure()) },
        Input::LockGranted { id },
        Input::EventRaised { name: EventName::of("e"), input: payload("1") },
        Input::Suspended { reason: Some("s".to_owned()) },
        Input::Resumed { reason: None },
        Input::LockRefused { id, failure: failure() },
    ]
}

fn ends() -> Vec<End> {
    vec![
        End::Returned(payload("1")),
        End::Failed(failure()),
        End::ContinuedAsNew(payload("1")),
        End::Terminated { reason: Some(payload("1")), recurse: true },
    ]
}

/// An event of every kind.
pub(crate) fn events() -> Vec<Event> {
    let turn = Event::TurnStarted { at: Timestamp::from_micros(1) };
    let issued = commands().into_iter().map(|command| Event::Issued(CommandId(9), command));
    let arrived = inputs().into_iter().map(Event::Arrived);
    let ended = ends().into_iter().map(Event::Ended);
    [turn, started()].into_iter().chain(arrived).chain(issued).chain(ended).collect()
}

/// An event of every kind that is there since version 2 of the format.
pub(crate) fn grown_events() -> Vec<Event> {
    let origin = FailureOrigin { type_name: "T".to_owned(), causes: vec!["c".to_owned()], is_final: true };
    let failure = Failure { origin: Some(Box::new(origin)), ..failure() };
    let attempt = Attempt {
        name: ActivityName::of("t"),
        input: payload("1"),
        labels: labels(),
        number: 2,
        first: Some(CommandId(3)),
        until: Some(Timestamp::from_micros(4)),
        progress: Some(payload("5")),
    };
    vec![
        Event::Arrived(Input::AttemptFailed { id: CommandId(1), failure, progress: payload("5") }),
        Event::Issued(CommandId(9), Command::Attempt(Box::new(attempt))),
        Event::Arrived(Input::Rewound { reason: Some("s".to_owned()) }),
    ]
}

/// An event of every kind that is there since version 3 of the format.
pub(crate) fn newest_events() -> Vec<Event> {
    let entities = vec![Address::entity("a", "k").unwrap()];
    vec![Event::Issued(CommandId(9), Command::TryLock { entities })]
}

/// An event of every kind that is there since version 4 of the format.
pub(crate) fn scheduling_events() -> Vec<Event> {
    let to = || Address::entity("a", "k").unwrap();
    let id = ScheduleId::new("s").unwrap();
    let every = Some(Period::new(Duration::from_millis(1)).unwrap());
    let section = Some(CommandId(8));
    let (operation, input, due) = (OperationName::of("x"), payload("1"), Timestamp::from_micros(2));
    let request = ScheduleRequest { id: id.clone(), operation, input, due, every, section };
    let commands = [
        Command::Schedule { to: to(), request: Box::new(request) },
        Command::Unschedule { to: to(), request: Box::new(UnscheduleRequest { id, section: None }) },
    ];
    commands.into_iter().map(|command| Event::Issued(CommandId(9), command)).collect()
}
