//! Errors that reach users inside others or not at all, provoked in their own rooms.

use crate::{
    entities::{Bell, Insufficient},
    told::{Told, told},
};
use sarsen::{Address, CommandId, Failure, FailureKind, Payload, Returns, Timestamp};
use sarsen_entities::{Behaviour, InputError, Typed};
use sarsen_orchestration::{Command, End, Event, Input, Rewound};
use sarsen_protocol::{Batch, BatchNumber, EventName, OperationName, SlotRange, json, record};
use sarsen_storage::{
    Crash, Directory, Disk, Error, FaultyDisk, MemoryStore, Outcome, RedbOptions, RedbStore, Store,
};
use std::{fs, path::Path};
use tempfile::tempdir;

pub(crate) async fn address_of_another_form() -> Told {
    told(Address::parse("clerk/a"))
}

fn check(operation: &'static str, input: &str) -> Told {
    let bell = Typed::<Bell>::new().expect("a good type");
    let input = json::encode(input).expect("a text");
    told::<(), InputError>(bell.check(&OperationName::of(operation), &input))
}

pub(crate) async fn input_unknown_operation() -> Told {
    check("sing", "")
}

pub(crate) async fn input_misfit() -> Told {
    check("ring", "loudly")
}

pub(crate) async fn answer_failed() -> Told {
    let failure = Failure::new(FailureKind::Panicked, "the till is stuck");
    told(Returns::<Result<f64, Insufficient>>::fallible().decode(Err(failure)))
}

pub(crate) async fn answer_misfit() -> Told {
    told(Returns::<f64>::value().decode(Ok(Payload::null())))
}

pub(crate) async fn record_newer() -> Told {
    told(record::decode::<u8>(1, &record::encode(2, &0_u8).into()))
}

pub(crate) async fn record_damaged() -> Told {
    told(record::decode::<u8>(1, &vec![1].into()))
}

fn directory(spoil: impl FnOnce(&Path)) -> Told {
    let place = tempdir().expect("there is a place for temporary files");
    spoil(place.path());
    told(Directory::open(place.path())).within(place.path())
}

fn write(path: &Path, name: &str, text: &str) {
    fs::write(path.join(name), text).expect("the directory is ours");
}

pub(crate) async fn directory_locked() -> Told {
    let place = tempdir().expect("there is a place for temporary files");
    let _first = Directory::open(place.path()).expect("it is empty");
    told(Directory::open(place.path())).within(place.path())
}

pub(crate) async fn directory_foreign() -> Told {
    directory(|path| write(path, "holiday.jpg", ""))
}

pub(crate) async fn directory_newer() -> Told {
    directory(|path| write(path, "sarsen.toml", "format = 3\nshape = round\n"))
}

pub(crate) async fn directory_damaged() -> Told {
    directory(|path| write(path, "sarsen.toml", "format = 2\nshape = round\n"))
}

pub(crate) async fn directory_io() -> Told {
    directory(|path| fs::create_dir(path.join("sarsen.toml")).expect("the directory is ours"))
}

fn redb(disk: impl Disk) -> Result<RedbStore, Error> {
    RedbStore::open(disk, RedbOptions::default())
}

pub(crate) async fn store_io() -> Told {
    let disk = FaultyDisk::new();
    disk.crash_at(Crash::Sync { at: 1, done: false });
    told(redb(disk))
}

pub(crate) async fn store_damaged() -> Told {
    let disk = FaultyDisk::new();
    disk.put("state.redb", b"not a database".to_vec());
    told(redb(disk))
}

pub(crate) async fn store_newer() -> Told {
    Told::of(&Error::Newer { what: "state.redb".to_owned(), found: 2, known: 1 })
}

pub(crate) async fn store_gap() -> Told {
    let store = MemoryStore::new();
    let lease = store.acquire(SlotRange::ALL).expect("a store in memory does not fail");
    match store.commit(&[Batch { lease, number: BatchNumber(7), writes: Vec::new() }]).remove(0) {
        (_, Outcome::Unknown(error)) => Told::of(&error),
        (_, outcome) => panic!("{outcome:?}"),
    }
}

pub(crate) async fn store_stopped() -> Told {
    let disk = FaultyDisk::new();
    let store = redb(disk.clone()).expect("it is empty");
    disk.crash_at(Crash::Sync { at: disk.syncs() + 1, done: true });
    told(store.acquire(SlotRange::ALL));
    told(store.acquire(SlotRange::ALL))
}

/// A history of one command and one input behind it, which then failed.
fn rewound(command: Command, input: Input) -> Told {
    let id = CommandId(0);
    let failed = End::Failed(Failure::new(FailureKind::Panicked, "no"));
    let turn = Event::TurnStarted { at: Timestamp::default() };
    let events = vec![turn, Event::Issued(id, command), Event::Arrived(input), Event::Ended(failed)];
    told(Rewound::of(events, Timestamp::default()))
}

fn clerk() -> Address {
    Address::entity("clerk", "a").expect("it is an address")
}

pub(crate) async fn not_failed() -> Told {
    told(Rewound::of(Vec::new(), Timestamp::default()))
}

pub(crate) async fn in_section() -> Told {
    rewound(Command::Lock { entities: vec![clerk()] }, Input::LockGranted { id: CommandId(0) })
}

pub(crate) async fn unanswered() -> Told {
    let (operation, input) = (OperationName::of("add"), Payload::null());
    let call = Command::Call { to: clerk(), operation, input, section: None };
    rewound(call, Input::EventRaised { name: EventName::of("go"), input: Payload::null() })
}
