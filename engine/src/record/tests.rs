//! Golden bytes: a change here is a change of the format on disk.

mod bodies;

use super::*;
use sarsen_protocol::{
    Body, FailureKind, Identity, Labels, Life, OperationName, OrchestrationName, Origin, Parent,
    PendingReason, Period, RunOutcome, RunStatus, ScheduleId, ShardId, Uuid,
};

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// Checks that a value is written as the golden bytes of version 1 say but for its version, and that both are read.
fn grown<T: PartialEq + std::fmt::Debug>(
    value: &T,
    written: &Bytes,
    golden: &str,
    read: impl Fn(&Bytes) -> Result<T, RecordError>,
) {
    let mut earlier = written.to_vec();
    assert_eq!(std::mem::replace(&mut earlier[0], 1), GROWN, "the version");
    assert_eq!(hex(&earlier), plain(golden), "{value:?}");
    assert_eq!(read(written).as_ref(), Ok(value));
    assert_eq!(read(&earlier.into()).as_ref(), Ok(value));
}

/// The bytes without the blanks that make them readable.
fn plain(golden: &str) -> String {
    golden.replace([' ', '\n'], "")
}

fn alice() -> Address {
    Address::entity("account", "alice").expect("valid")
}

fn run_id() -> RunId {
    RunId::new("r").expect("valid")
}

fn payload(text: &'static str) -> Payload {
    Payload::from_encoded(Bytes::from_static(text.as_bytes()))
}

const ROW: RowId = RowId { epoch: Epoch(2), counter: 3 };

const EXECUTION: ExecutionId = ExecutionId(Uuid::from_u128(0x0123_4567_89ab_7cde_8f01_2345_6789_abcd));

const TRACE: TraceContext = TraceContext { trace_id: 1, span_id: 2, flags: 1 };

fn message() -> Message {
    Message {
        to: alice(),
        from: Origin::Instance(Address::entity("bank", "b").expect("valid")),
        body: Body::operation("add".to_owned().into(), payload("7"), false),
        identity: Identity::Key(IdentityName::new("k").expect("valid")),
        due: Some(Timestamp::from_micros(300)),
        deadline: None,
        trace: Some(Box::new(TRACE)),
    }
}

#[test]
fn keys_of_version_1_stand() {
    let slot = Slot::new(0x0102).expect("a slot");
    let source = Source { epoch: Epoch(4), shard: ShardId(5) };
    let timer = TimerId { due: Timestamp::from_micros(6), row: ROW, slot };
    let name = IdentityName::new("k").expect("valid");
    let run = Address::run(&run_id());
    let of_command = RowId::of_command(EXECUTION, CommandId(7));
    let keys = [
        (instance_key(&alice()), "XX 6163636f756e74 00 616c696365"),
        (instance_key(&run), "YY 00 72"),
        (
            mailbox_key(&alice(), Queue::Front, ROW),
            "XX 6163636f756e74 00 616c696365 00 00 0000000000000002 0000000000000003",
        ),
        (mailbox_key(&run, Queue::Back, ROW), "YY 00 72 00 01 0000000000000002 0000000000000003"),
        (inbox_key(slot, source, Sequence(7)), "0102 0000000000000004 0005 0000000000000007"),
        (timer_key(timer), "0102 0000000000000006 0000000000000002 0000000000000003"),
        (
            timer_key(TimerId { row: of_command, ..timer }),
            "0102 0000000000000006 8f0123456789abcd 0000000000000007",
        ),
        (key_key(&alice(), &name), "XX 6163636f756e74 00 616c696365 00 6b"),
        (dead_key(LetterId::new(slot, ROW.epoch, ROW.counter)), "0102 0000000000000002 0000000000000003"),
        (task_key(slot, of_command), "0102 8f0123456789abcd 0000000000000007"),
        (history_key(&run, EXECUTION, 0x0a0b), "YY 00 72 00 0123456789ab7cde8f0123456789abcd 00000a0b"),
    ];
    let slot = |address: &Address| hex(&address.slot().number().to_be_bytes());
    let slots = |golden: &str| golden.replace("XX", &slot(&alice())).replace("YY", &slot(&run));
    for (key, golden) in keys {
        assert_eq!(hex(&key), plain(&slots(golden)));
    }
}

#[test]
fn keys_are_read_as_they_were_written() {
    let slot = alice().slot();
    let source = Source { epoch: Epoch(4), shard: ShardId(5) };
    let timer = TimerId { due: Timestamp::from_micros(6), row: ROW, slot };
    let task = RowId::of_command(EXECUTION, CommandId(7));
    let run = Address::run(&run_id());
    for address in [alice(), run] {
        assert_eq!(read_instance_key(&instance_key(&address)), Ok(address.clone()));
        for queue in Queue::ALL {
            let key = mailbox_key(&address, queue, ROW);
            assert_eq!(read_mailbox_key(&key), Ok((address.clone(), queue, ROW)));
        }
    }
    assert_eq!(read_inbox_key(&inbox_key(slot, source, Sequence(7))), Ok((slot, source, Sequence(7))));
    assert_eq!(read_timer_key(&timer_key(timer)), Ok(timer));
    let letter = LetterId::new(slot, ROW.epoch, ROW.counter);
    assert_eq!(read_dead_key(&dead_key(letter)), Ok(letter));
    assert_eq!(read_task_key(&task_key(slot, task)), Ok((slot, task)));
    for short in [&b""[..], b"x", b"xx", b"xxaccount"] {
        assert!(read_instance_key(short).is_err());
        assert!(read_mailbox_key(short).is_err());
        assert!(read_inbox_key(short).is_err());
        assert!(read_timer_key(short).is_err());
        assert!(read_dead_key(short).is_err());
        assert!(read_task_key(short).is_err());
    }
    let other_queue = mailbox_key(&alice(), Queue::Back, ROW);
    let at = other_queue.len() - 17;
    let mut other_queue = other_queue.to_vec();
    other_queue[at] = 2;
    assert!(read_mailbox_key(&other_queue).is_err());
}

/// An execution's rows are told from those that a shard numbers.
#[test]
fn no_shards_epoch_is_that_of_a_command() {
    let of_command = RowId::of_command(EXECUTION, CommandId(7));
    assert_eq!(of_command, RowId::of_unique(EXECUTION.unique(), CommandId(7)));
    assert!(of_command.epoch > Epoch(1 << 62));
    let other = ExecutionId::generated(Timestamp::from_micros(0), alice().slot(), 0);
    assert_ne!(RowId::of_command(other, CommandId(7)), of_command);
}

/// A key as if its address lived in alice's slot.
fn beside_alice(key: &Bytes) -> Bytes {
    let mut key = key.to_vec();
    key[..2].copy_from_slice(&alice().slot().number().to_be_bytes());
    Bytes::from(key)
}

#[test]
fn mailbox_rows_of_an_address_are_apart_from_those_of_longer_keys() {
    let longer = Address::entity("account", "alice2").expect("valid");
    for queue in Queue::ALL {
        let (from, to) = mailbox_bounds(&alice(), queue, None);
        let inside = |address: &Address, queue| {
            (&from..&to).contains(&&beside_alice(&mailbox_key(address, queue, ROW)))
        };
        assert!(inside(&alice(), queue));
        assert!(!inside(&longer, queue));
        assert!(Queue::ALL.iter().all(|other| inside(&alice(), *other) == (*other == queue)));
        let (behind, _) = mailbox_bounds(&alice(), queue, Some(ROW));
        assert!(behind > mailbox_key(&alice(), queue, ROW));
        assert!(behind <= mailbox_key(&alice(), queue, RowId { counter: 4, ..ROW }));
        let end = mailbox_end(&alice());
        assert!(end > mailbox_key(&alice(), queue, RowId::of_unique(u64::MAX >> 2, CommandId(u32::MAX))));
        assert!(end <= beside_alice(&mailbox_key(&longer, queue, ROW)));
    }
}

#[test]
fn chunks_of_an_execution_are_apart_from_those_of_others() {
    let run = Address::run(&run_id());
    let next = ExecutionId(Uuid::from_u128(EXECUTION.0.as_u128() + 1));
    let (from, to) = history_bounds(&run, EXECUTION, 3);
    let inside = |execution, chunk| (&from..&to).contains(&&history_key(&run, execution, chunk));
    assert_eq!([2, 3, 4, u32::MAX].map(|chunk| inside(EXECUTION, chunk)), [false, true, true, true]);
    assert!(!inside(next, 0) && !inside(next, 3));
    let longer = Address::run(&RunId::new("r2").expect("valid"));
    let mut of_longer = history_key(&longer, EXECUTION, 3).to_vec();
    of_longer[..2].copy_from_slice(&run.slot().number().to_be_bytes());
    assert!(!(from..to).contains(&Bytes::from(of_longer)));
}

#[test]
fn tasks_of_a_slot_are_read_on_behind_the_last() {
    let slot = Slot::new(1).expect("a slot");
    let task = |command| RowId::of_command(EXECUTION, CommandId(command));
    let inside = |after, slot, id| {
        let (from, to) = task_bounds(Slot::new(1).expect("a slot"), after);
        (from..to).contains(&task_key(slot, id))
    };
    assert!(inside(None, slot, task(0)) && inside(None, slot, task(u32::MAX)));
    assert!(!inside(Some(task(3)), slot, task(3)) && inside(Some(task(3)), slot, task(4)));
    assert!(!inside(None, Slot::new(2).expect("a slot"), task(0)));
}

#[test]
fn timers_of_a_moment_belong_to_the_window_that_ends_there() {
    let slot = Slot::new(1).expect("a slot");
    let key = |due| timer_key(TimerId { due: Timestamp::from_micros(due), row: ROW, slot });
    let (from, to) = timer_bounds(slot, Some(Timestamp::from_micros(5)), Timestamp::from_micros(9));
    let inside: Vec<u64> = (0..20).filter(|due| (from.clone()..to.clone()).contains(&key(*due))).collect();
    assert_eq!(inside, [6, 7, 8, 9]);
    let (from, to) = timer_bounds(slot, None, Timestamp::MAX);
    assert!((from.clone()..to.clone()).contains(&key(0)) && (from..to).contains(&key(u64::MAX)));
}

#[test]
fn values_of_version_1_stand_and_come_back() {
    let header = InstanceHeader {
        exists: true,
        producers: vec![Producer { name: "p".to_owned(), number: Sequence(9), seen_secs: 10 }],
        extras: None,
    };
    let instance = write_instance(&header, b"{}");
    assert_eq!(hex(&instance), plain("01 01 01 01 70 09 0a 7b7d"));
    assert_eq!(read_instance(&instance), Ok((header, Some(payload("{}")))));

    grown(&message(), &write_message(&message()), MESSAGE_V1, read_message);

    let outcome = KeyOutcome { answer: Ok(Payload::null()), expires: Timestamp::from_micros(1) };
    let key = KeyRecord { content: 2, outcome: Some(outcome) };
    grown(&key, &write_key(&key), "01 02 01 00 04 6e756c6c 01", read_key);

    let failure = Failure::new(FailureKind::Panicked, "x");
    let dead = write_dead(Timestamp::from_micros(1), &failure, &message());
    let (_, body) = MESSAGE_V1.split_at(2);
    let letter = DeadLetter { at: Timestamp::from_micros(1), failure, message: message() };
    grown(&letter, &dead, &format!("01 01 01 01 78 00 {body}"), read_dead);
}

#[test]
fn an_entity_with_extras_is_of_version_2_and_one_without_stays_what_it_was() {
    let producers = vec![Producer { name: "p".to_owned(), number: Sequence(9), seen_secs: 10 }];
    let alarm = Alarm { life: Life(5), due: Timestamp::from_micros(300) };
    let schedule = ScheduleRecord {
        id: ScheduleId::new("s").expect("valid"),
        operation: OperationName::of("x"),
        due: Timestamp::from_micros(300),
        every: Some(Period::new(Period::MIN).expect("long enough")),
        epoch: Epoch(2),
        counter: 3,
    };
    let changed = Some(Timestamp::from_micros(7));
    let extras = Extras { alarm: Some(alarm), changed, schedules: vec![schedule] };
    let header = InstanceHeader { exists: true, producers, extras: Some(Box::new(extras)) };
    let instance = write_instance(&header, b"{}");
    assert_eq!(
        hex(&instance),
        plain("02 01 01 01 70 09 0a 01 05 fb2c01 01 07 01 01 73 01 78 fb2c01 01 fbe803 02 03 7b7d")
    );
    assert_eq!(read_instance(&instance), Ok((header, Some(payload("{}")))));
    let plainly = InstanceHeader { exists: true, ..InstanceHeader::default() };
    assert_eq!(hex(&write_instance(&plainly, b"{}")), plain("01 01 00 7b7d"));
}

const MESSAGE_V1: &str =
    "01 0d6163636f756e7400616c696365 01 0662616e6b0062 00 03616464 0137 00 00 01016b 01fb2c01 00 01 01 02 01";

fn labels() -> Labels {
    let tags = vec![("t".to_owned(), "u".to_owned())];
    Labels { version: Some("v".to_owned()), tags, trace: Some(TRACE) }
}

fn parent() -> Parent {
    Parent {
        run: RunId::new("p").expect("valid"),
        execution: EXECUTION,
        command: CommandId(4),
        name: OrchestrationName::of("q"),
        version: None,
    }
}

/// What a run's row may hold, each part with its bytes.
fn run_rows() -> Vec<(RunRow, String)> {
    let record = RunRecord {
        name: OrchestrationName::of("o"),
        first: EXECUTION,
        execution: EXECUTION,
        status: RunStatus::Completed,
        created: Timestamp::from_micros(1),
        changed: Timestamp::from_micros(2),
        completed: Some(Timestamp::from_micros(3)),
        custom_status: Some(payload("4")),
        outcome: Some(RunOutcome::Returned(payload("5"))),
        parent: Some(parent()),
        labels: labels(),
        parked: Some("x".to_owned()),
        chunks: 6,
        extras: None,
    };
    let garbage = Garbage { execution: EXECUTION, from: 1, to: 300 };
    let id = "10 0123456789ab7cde8f0123456789abcd";
    let labels = "01 01 76 01 01 74 01 75 01 01 02 01";
    let parent = format!("01 70 {id} 04 01 71 00");
    let outcomes = [
        (RunOutcome::Returned(payload("5")), "00 01 35"),
        (RunOutcome::Failed(Failure::new(FailureKind::Panicked, "y")), "01 01 01 79 00"),
        (RunOutcome::Terminated { reason: Some(payload("6")) }, "02 01 01 36"),
    ];
    let of = |(outcome, bytes): (RunOutcome, &str)| {
        let record = RunRecord { outcome: Some(outcome), ..record.clone() };
        let row = RunRow { run: Some(record), garbage: vec![garbage] };
        let golden = format!(
            "01 01 01 6f {id} {id} 03 01 02 01 03 01 01 34 01 {bytes} 01 {parent} {labels} 01 01 78 06 01 {id} 01 fb 2c01"
        );
        (row, golden)
    };
    let empty = (RunRow::default(), "01 00 00".to_owned());
    outcomes.into_iter().map(of).chain([empty]).collect()
}

#[test]
fn runs_of_version_1_stand_and_come_back() {
    for (row, golden) in run_rows() {
        grown(&row, &write_run(&row), &golden, read_run_row);
    }
    let statuses = [
        RunStatus::Pending,
        RunStatus::Running,
        RunStatus::Suspended,
        RunStatus::Completed,
        RunStatus::Failed,
        RunStatus::Terminated,
    ];
    assert_eq!(statuses.map(|status| encode_exact(VERSION, &status)[1]), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn runs_with_more_than_version_1_knew_stand_and_come_back() {
    let (mut row, _) = run_rows().swap_remove(2);
    let plain_row = write_run(&row);
    let record = row.run.as_mut().expect("there is one");
    record.extras = Some(Box::default());
    assert_eq!(write_run(&row), plain_row, "what is not there takes no room");
    let reasons = [(PendingReason::Scheduled, "00"), (PendingReason::Concurrency, "01")];
    for (reason, bytes) in reasons {
        let extras = RunExtras {
            scheduled: Some(Timestamp::from_micros(1)),
            pending: Some(reason),
            expires: Some(Timestamp::from_micros(2)),
            input: Some(payload("3")),
        };
        row.run.as_mut().expect("there is one").extras = Some(Box::new(extras));
        let mut written = write_run(&row).to_vec();
        assert_eq!(read_run_row(&Bytes::copy_from_slice(&written)).as_ref(), Ok(&row));
        assert_eq!(std::mem::replace(&mut written[0], 2), GROWN, "the version");
        let (before, garbage) = plain_row.split_at(plain_row.len() - 22);
        let golden = format!("02 02 {} 01 01 01 {bytes} 01 02 01 01 33 {}", hex(&before[2..]), hex(garbage));
        assert_eq!(hex(&written), plain(&golden));
        assert_eq!(read_run_row(&written.into()).as_ref(), Ok(&row));
    }
}

#[test]
fn rows_of_the_keyspace_meta_stand_and_come_back() {
    let run = Address::run(&run_id());
    let slot = hex(&run.slot().number().to_be_bytes());
    assert_eq!(hex(&changed_key(run.slot())), format!("{slot}00"));
    assert_eq!(hex(&permit_key(&run)), format!("{slot}010072"));
    assert_eq!(read_changed_key(&changed_key(run.slot())), Some(run.slot()));
    assert_eq!(read_changed_key(&permit_key(&run)), None);
    assert_eq!(read_permit_key(&permit_key(&run)), Ok(Some(run.clone())));
    assert_eq!(read_permit_key(&changed_key(run.slot())), Ok(None));

    let span = span_of(Timestamp::from_micros(3_000_000_001));
    assert_eq!((span, hex(&write_changed(span))), (300, "01fb2c01".to_owned()));
    assert_eq!(read_changed(&write_changed(span)), Ok(span));

    let permit = PermitRecord::new(&OrchestrationName::of("o"), ROW, true);
    assert_eq!(hex(&write_permit(&permit)), plain("01 01 6f 02 03 01"));
    assert_eq!(read_permit(&write_permit(&permit)), Ok(permit.clone()));
    assert_eq!(permit.order(), ROW);
}

#[test]
fn locks_and_tasks_of_all_versions_stand_and_come_back() {
    let id = "10 0123456789ab7cde8f0123456789abcd";
    let section = Section { run: run_id(), execution: EXECUTION, id: CommandId(8) };
    let lock = LockRecord { section, since: Timestamp::from_micros(9) };
    assert_eq!(hex(&write_lock(&lock)), plain(&format!("01 01 72 {id} 08 09")));
    assert_eq!(read_lock(&write_lock(&lock)), Ok(lock));

    let task = TaskRecord {
        run: run_id(),
        execution: EXECUTION,
        name: ActivityName::of("t"),
        input: payload("1"),
        trace: Some(TRACE),
        attempt: 3,
        first: Some(CommandId(2)),
        progress: Some(payload("7")),
    };
    let golden = format!("01 72 {id} 01 74 01 31 01 01 02 01");
    assert_eq!(hex(&write_task(&task)), plain(&format!("02 {golden} 03 01 02 01 01 37")));
    assert_eq!(read_task(&write_task(&task)), Ok(task.clone()));
    let earlier = plain(&format!("01 {golden}"));
    let earlier: Vec<u8> = (0..earlier.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&earlier[at..at + 2], 16).expect("hexadecimal"))
        .collect();
    let first = TaskRecord { attempt: 1, first: None, progress: None, ..task };
    assert_eq!(read_task(&earlier), Ok(first));
}
