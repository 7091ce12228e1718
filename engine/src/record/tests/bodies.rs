//! The golden bytes of every kind of message.

use super::*;
use sarsen_protocol::{
    Begin, Completed, Completion, EventName, ExecutionLimits, FailedAttempt, FailureOrigin, ImportRequest,
    Launch, LockRequest, Operation, OperationName, Period, RaisedEvent, RequestId, Reuse, ScheduleId,
    ScheduleRequest, ScheduledSignal, SessionId, Start, StartRequest, UnscheduleRequest, Within,
};

const ID: &str = "10 0123456789ab7cde8f0123456789abcd";
const LABELS: &str = "01 01 76 01 01 74 01 75 01 01 02 01";

fn failure() -> Failure {
    Failure::new(FailureKind::Returned, "no").with_details(Some(payload("1")))
}

fn request() -> LockRequest {
    let section = Section { run: run_id(), execution: EXECUTION, id: CommandId(8) };
    let other = Address::entity("bank", "b").expect("valid");
    LockRequest { section, entities: vec![alice(), other], position: 1, since: Timestamp::from_micros(9) }
}

fn launch() -> Launch {
    Launch { run: run_id(), name: OrchestrationName::of("o"), input: payload("2"), labels: labels() }
}

fn start() -> Start {
    Start {
        run: run_id(),
        execution: EXECUTION,
        name: OrchestrationName::of("o"),
        input: payload("2"),
        seed: 3,
        parent: Some(parent()),
        scheduled: Some(Timestamp::from_micros(5)),
        labels: labels(),
        limits: ExecutionLimits { payload_bytes_max: 6, commands_per_turn_max: 7, history_events_max: 8 },
    }
}

/// The bodies for entities.
fn of_entities() -> Vec<(Body, String)> {
    let operation = Operation {
        name: OperationName::of("x"),
        input: payload("1"),
        answered: true,
        section: Some(CommandId(8)),
    };
    let request = request();
    let asked = format!("01 72 {ID} 08 02 0d 6163636f756e7400616c696365 06 62616e6b0062 01 09");
    vec![
        (Body::Operation(operation), "00 01 78 01 31 01 01 08".to_owned()),
        (Body::Lock(Box::new(request.clone())), format!("01 {asked}")),
        (Body::Release(Box::new(request.section.clone())), format!("02 01 72 {ID} 08")),
        (Body::Cancel(Box::new(request)), format!("03 {asked}")),
    ]
}

/// The bodies that begin a run or manage it.
fn of_runs() -> Vec<(Body, String)> {
    let parent_bytes = format!("01 70 {ID} 04 01 71 00");
    let launched = format!("01 72 01 6f 01 32 {LABELS}");
    let started = format!("01 72 {ID} 01 6f 01 32 03 01 {parent_bytes} 01 05 {LABELS} 06 07 08");
    let policies =
        [Reuse::Fail, Reuse::Return, Reuse::ReplaceFinished, Reuse::TerminateAndReplace].into_iter();
    let starts = policies.zip(0..).map(|(reuse, number)| {
        let start = StartRequest { launch: launch(), reuse, parent: Some(parent()), generated: false };
        (Body::Start(Box::new(start)), format!("04 {launched} {number:02x} 01 {parent_bytes} 00"))
    });
    let carried = vec![(EventName::of("e"), payload("1"))];
    let begin = Begin { start: start(), carried };
    let (name, keep_until) = (EventName::of("e"), Some(Timestamp::from_micros(9)));
    let event = RaisedEvent { name, input: payload("1"), keep_until };
    let (reason, why) = (Some("s".to_owned()), Some(payload("1")));
    let others = [
        (Body::Begin(Box::new(begin)), format!("05 {started} 01 01 65 01 31")),
        (Body::Event(Box::new(event)), "06 01 65 01 31 01 09".to_owned()),
        (Body::Suspend { reason: reason.clone() }, "08 01 01 73".to_owned()),
        (Body::Resume { reason: None }, "09 00".to_owned()),
        (Body::Terminate { reason: why, recurse: true, child_of: None }, "0a 01 01 31 01 00".to_owned()),
        (Body::Purge, "0b".to_owned()),
        (Body::Sweep, "0c".to_owned()),
    ];
    starts.chain(others).collect()
}

/// What an execution is told.
fn completions() -> Vec<(Body, String)> {
    let entities = vec![alice()];
    let origin = FailureOrigin { type_name: "T".to_owned(), causes: vec!["c".to_owned()], is_final: true };
    let failed = FailedAttempt {
        failure: Failure { origin: Some(Box::new(origin)), ..failure() },
        progress: payload("5"),
    };
    let completions = [
        (Completion::Task(Ok(payload("1"))), "00 00 01 31"),
        (Completion::Task(Err(failure())), "00 01 00 02 6e6f 01 01 31"),
        (Completion::Timer, "01"),
        (Completion::Child(Ok(payload("1"))), "02 00 01 31"),
        (Completion::Call(Err(failure())), "03 01 00 02 6e6f 01 01 31"),
        (Completion::Granted(entities), "04 01 0d 6163636f756e7400616c696365"),
        (Completion::Refused(failure()), "05 00 02 6e6f 01 01 31"),
        (Completion::Overdue, "06"),
        (Completion::Failed(Box::new(failed)), "07 00 02 6e6f 02 01 01 31 01 54 01 01 63 01 01 35"),
    ];
    let of = |(completion, bytes): (Completion, &str)| {
        let completed = Completed { execution: EXECUTION, command: CommandId(7), completion };
        (Body::Completed(Box::new(completed)), format!("07 {ID} 07 {bytes}"))
    };
    completions.into_iter().map(of).collect()
}

#[test]
fn bodies_of_version_1_stand_and_come_back() {
    for (body, golden) in [of_entities(), of_runs(), completions()].concat() {
        let message = Message::one_way(alice(), Address::run(&run_id()), body);
        let golden = format!("01 0d6163636f756e7400616c696365 01 02 00 72 {golden} 00 00 00 00");
        grown(&message, &write_message(&message), &golden, read_message);
    }
}

#[test]
fn bodies_of_version_2_stand_and_come_back() {
    let import = ImportRequest {
        name: OrchestrationName::of("o"),
        execution: EXECUTION,
        created: Timestamp::from_micros(1),
        completed: Timestamp::from_micros(2),
        custom_status: Some(payload("1")),
        outcome: RunOutcome::Returned(payload("2")),
        labels: labels(),
        history: vec![Bytes::from_static(b"hi")],
    };
    let bodies = [
        (Body::Due { execution: EXECUTION }, format!("0d {ID}")),
        (Body::PurgeThis { first: EXECUTION }, format!("0e {ID}")),
        (
            Body::Import(Box::new(import)),
            format!("0f 01 6f {ID} 01 02 01 01 31 00 01 32 {LABELS} 01 02 6869"),
        ),
        (Body::Rewind { reason: Some("s".to_owned()) }, "10 01 01 73".to_owned()),
    ];
    check_since(2, bodies);
}

#[test]
fn bodies_of_version_3_stand_and_come_back() {
    let asked = format!("01 72 {ID} 08 02 0d 6163636f756e7400616c696365 06 62616e6b0062 01 09");
    check_since(3, [(Body::TryLock(Box::new(request())), format!("11 {asked}"))]);
    check_since(4, [(Body::Expire { life: Life(5) }, "12 05".to_owned())]);
}

#[test]
fn bodies_of_version_4_stand_and_come_back() {
    let id = || ScheduleId::new("s").expect("valid");
    let (operation, input, due) = (OperationName::of("x"), payload("1"), Timestamp::from_micros(2));
    let every = Some(Period::new(Period::MIN).expect("long enough"));
    let schedule = ScheduleRequest { id: id(), operation, input, due, every, section: Some(CommandId(8)) };
    let (name, input) = (OperationName::of("x"), payload("1"));
    let operation = Operation { name, input, answered: false, section: None };
    let signal = ScheduledSignal { id: id(), epoch: Epoch(2), counter: 3, operation };
    let bodies = [
        (Body::Schedule(Box::new(schedule)), "13 01 73 01 78 01 31 02 01 fbe803 01 08".to_owned()),
        (Body::Unschedule(Box::new(UnscheduleRequest { id: id(), section: None })), "14 01 73 00".to_owned()),
        (Body::Scheduled(Box::new(signal)), "15 01 73 02 03 01 78 01 31 00 00".to_owned()),
    ];
    check_since(4, bodies);
}

/// Checks the bodies that are there since a version: their bytes are the same in all versions from it on.
fn check_since(version: u8, bodies: impl IntoIterator<Item = (Body, String)>) {
    for (body, golden) in bodies {
        let message = Message::one_way(alice(), Address::run(&run_id()), body);
        let mut written = write_message(&message).to_vec();
        assert_eq!(std::mem::replace(&mut written[0], version), GROWN, "the version");
        let golden = format!("{version:02x} 0d6163636f756e7400616c696365 01 02 00 72 {golden} 00 00 00 00");
        assert_eq!(hex(&written), plain(&golden), "{message:?}");
        for read in version..=GROWN {
            written[0] = read;
            assert_eq!(read_message(&Bytes::copy_from_slice(&written)).as_ref(), Ok(&message));
        }
    }
}

#[test]
fn origins_of_version_1_stand_and_come_back() {
    let session = SessionId(EXECUTION.0);
    let within = Within { run: run_id(), execution: EXECUTION };
    let client = |within| Origin::Client { session, request: RequestId(9), within };
    let execution = Origin::Execution { run: run_id(), execution: EXECUTION, command: CommandId(7) };
    let origins = [
        (client(None), format!("00 {ID} 09 00")),
        (client(Some(Box::new(within))), format!("00 {ID} 09 01 01 72 {ID}")),
        (Origin::Instance(alice()), "01 0d6163636f756e7400616c696365".to_owned()),
        (execution, format!("02 01 72 {ID} 07")),
    ];
    for (from, golden) in origins {
        let message = Message { from, ..Message::one_way(alice(), alice(), Body::Purge) };
        let golden = format!("01 0d6163636f756e7400616c696365 {golden} 0b 00 00 00 00");
        grown(&message, &write_message(&message), &golden, read_message);
    }
}
