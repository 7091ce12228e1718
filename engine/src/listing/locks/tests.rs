use super::*;
use crate::record::{LockRecord, Queue, RowId};
use sarsen_protocol::{CommandId, Epoch, ExecutionId, LockRequest, RunId, Sequence, ShardId, Source, Uuid};
use std::collections::BTreeMap;

type Store = BTreeMap<Keyspace, BTreeMap<Bytes, Bytes>>;

fn entity(key: &str) -> Address {
    Address::entity("account", key).expect("valid")
}

fn section(run: &str) -> Section {
    let run = RunId::new(run).expect("valid");
    Section { run, execution: ExecutionId(Uuid::nil()), id: CommandId(0) }
}

#[expect(clippy::unnecessary_box_returns, reason = "bodies hold it in a box")]
fn request(run: &str, keys: &[&str], position: u32) -> Box<LockRequest> {
    let entities = keys.iter().map(|key| entity(key)).collect();
    Box::new(LockRequest { section: section(run), entities, position, since: Timestamp::default() })
}

fn hold(store: &mut Store, key: &str, run: &str) {
    let lock = LockRecord { section: section(run), since: Timestamp::from_micros(7) };
    let row = (record::instance_key(&entity(key)), record::write_lock(&lock));
    store.entry(Keyspace::Locks).or_default().extend([row]);
}

fn message(key: &str, body: Body) -> Bytes {
    record::write_message(&Message::one_way(entity(key), entity("sender"), body))
}

fn accept(store: &mut Store, key: &str, queue: Queue, counter: u64, body: Body) {
    let row = record::mailbox_key(&entity(key), queue, RowId { epoch: Epoch(1), counter });
    store.entry(Keyspace::Mailbox).or_default().insert(row, message(key, body));
}

fn send(store: &mut Store, key: &str, number: u64, body: Body) {
    let source = Source { epoch: Epoch(1), shard: ShardId(1) };
    let row = record::inbox_key(entity(key).slot(), source, Sequence(number));
    store.entry(Keyspace::Inbox).or_default().insert(row, message(key, body));
}

/// What is listed, read `rows_max` rows at a time: entity, run, stage.
fn listed(store: &Store, rows_max: usize) -> Vec<(String, String, LockStage)> {
    let mut listing = LockListing::new();
    while let Some(reads) = listing.next_read() {
        let page = |read: &Read| {
            let rows = store.get(&read.keyspace).cloned().unwrap_or_default();
            let mut found = rows.range(read.from.clone()..read.to.clone());
            let taken = found.by_ref().take(rows_max);
            let rows = taken.map(|(key, value)| Row { key: key.clone(), value: value.clone() }).collect();
            Page { rows, more: found.next().is_some() }
        };
        let pages: Vec<Page> = reads.iter().map(page).collect();
        listing.take(&pages).expect("the records are whole");
    }
    let lock = |lock: ListedLock| (lock.entity.key().to_owned(), lock.section.run.to_string(), lock.stage);
    listing.finish().into_iter().map(lock).collect()
}

#[track_caller]
fn check(store: &Store, expected: &[(&str, &str, LockStage)]) {
    for rows_max in [1, 1000] {
        let found = listed(store, rows_max);
        let found: Vec<_> =
            found.iter().map(|(entity, run, stage)| (entity.as_str(), run.as_str(), *stage)).collect();
        assert_eq!(found, expected, "{rows_max} rows at a time");
    }
}

use LockStage::{Held, Releasing, Waiting};

#[test]
fn who_waits_is_listed_behind_who_holds_in_the_order_of_the_queue() {
    let mut store = Store::new();
    hold(&mut store, "a", "r1");
    hold(&mut store, "b", "r2");
    accept(&mut store, "a", Queue::Back, 3, Body::Lock(request("r4", &["a"], 0)));
    accept(&mut store, "a", Queue::Back, 2, Body::Lock(request("r3", &["a"], 0)));
    let add = || Body::operation("add".to_owned().into(), sarsen_protocol::Payload::null(), false);
    accept(&mut store, "a", Queue::Back, 1, add());
    send(&mut store, "a", 1, Body::Lock(request("r5", &["a"], 0)));
    let expected = [
        ("a", "r1", Held),
        ("a", "r3", Waiting { place: 1 }),
        ("a", "r4", Waiting { place: 2 }),
        ("a", "r5", Waiting { place: 3 }),
        ("b", "r2", Held),
    ];
    check(&store, &expected);
}

#[test]
fn a_lock_whose_release_is_in_the_mailbox_or_in_the_inbox_is_releasing() {
    let mut store = Store::new();
    for key in ["a", "b", "c"] {
        hold(&mut store, key, "r1");
    }
    accept(&mut store, "a", Queue::Front, 1, Body::Release(Box::new(section("r1"))));
    send(&mut store, "b", 1, Body::Release(Box::new(section("r1"))));
    accept(&mut store, "c", Queue::Front, 1, Body::Release(Box::new(section("r0"))));
    check(&store, &[("a", "r1", Releasing), ("b", "r1", Releasing), ("c", "r1", Held)]);
}

#[test]
fn a_cancel_on_its_way_ends_all_that_is_before_it_on_the_path() {
    let mut store = Store::new();
    hold(&mut store, "b", "r1");
    hold(&mut store, "c", "r9");
    accept(&mut store, "b", Queue::Front, 1, Body::Cancel(request("r1", &["a", "b", "c"], 1)));
    accept(&mut store, "c", Queue::Back, 1, Body::Lock(request("r1", &["a", "b", "c"], 2)));
    accept(&mut store, "c", Queue::Back, 2, Body::Lock(request("r2", &["c"], 0)));
    let expected = [
        ("b", "r1", Releasing),
        ("c", "r9", Held),
        ("c", "r1", Releasing),
        ("c", "r2", Waiting { place: 1 }),
    ];
    check(&store, &expected);
}
