//! What the journal keeps, refuses and uses again.

use bytes::Bytes;
use sarsen_protocol::{Batch, BatchNumber, Keyspace, Lease, Read, SlotRange, Write};
use sarsen_storage::{Disk, Error, FaultyDisk, Outcome, Progress, RedbOptions, RedbStore, Store};

const BLOCK: usize = 4096;

/// Segments of two groups.
const OPTIONS: RedbOptions = RedbOptions {
    cache_bytes: 1 << 20,
    tail_bytes_max: 1 << 30,
    tail_rows_max: 1 << 30,
    segment_bytes: 3 * BLOCK as u64,
};

fn open(disk: &FaultyDisk) -> Result<RedbStore, Error> {
    RedbStore::open(disk.clone(), OPTIONS)
}

/// A store and its only lease.
struct Open {
    store: RedbStore,
    lease: Lease,
    number: u64,
}

impl Open {
    fn on(disk: &FaultyDisk) -> Self {
        let store = open(disk).unwrap();
        let lease = store.acquire(SlotRange::ALL).unwrap();
        Self { store, lease, number: 0 }
    }

    /// Commits `value` under `key` as a group of its own.
    fn put(&mut self, key: &str, value: impl Into<Bytes>) {
        self.number += 1;
        let write = Write {
            keyspace: Keyspace::Instances,
            key: Bytes::copy_from_slice(key.as_bytes()),
            value: Some(value.into()),
        };
        let batch = Batch { lease: self.lease, number: BatchNumber(self.number), writes: vec![write] };
        assert!(matches!(self.store.commit(&[batch])[..], [(_, Outcome::Durable(_))]));
    }

    fn checkpoint(&self) {
        while self.store.checkpoint(1000).unwrap() != Progress::Done {}
    }
}

/// The keys that a store holds.
fn keys(store: &RedbStore) -> Vec<String> {
    let read = Read {
        keyspace: Keyspace::Instances,
        from: Bytes::new(),
        to: Bytes::from_static(&[0xff]),
        rows_max: usize::MAX,
        bytes_max: usize::MAX,
        values: false,
    };
    let rows = store.read(&[read]).unwrap().remove(0).rows;
    rows.into_iter().map(|row| String::from_utf8(row.key.to_vec()).unwrap()).collect()
}

fn damage(disk: &FaultyDisk) -> String {
    match open(disk) {
        Err(error @ Error::Damaged { .. }) => error.to_string(),
        other => panic!("it should be damaged: {other:?}"),
    }
}

/// A disk that was left with the groups `a` to `f` in three segments; the lease is another group, before them.
fn three_segments() -> FaultyDisk {
    let disk = FaultyDisk::new();
    let mut open = Open::on(&disk);
    for key in ["a", "b", "c", "d", "e"] {
        open.put(key, "1");
    }
    disk.after_kill()
}

fn change(disk: &FaultyDisk, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = disk.bytes(name);
    change(&mut bytes);
    disk.put(name, bytes);
}

#[test]
fn what_is_in_the_journal_alone_is_there_again_and_what_rests_is_not_read_twice() {
    let disk = three_segments();
    assert_eq!(disk.names("journal").unwrap().len(), 3);
    let mut open = Open::on(&disk);
    assert_eq!(keys(&open.store), ["a", "b", "c", "d", "e"]);
    open.put("f", "1");
    assert!(open.store.counters().tail_bytes > 0);
    open.checkpoint();
    assert_eq!(open.store.counters().tail_bytes, 0);
    let left = disk.after_kill();
    let store = self::open(&left).unwrap();
    assert_eq!(store.counters().tail_bytes, 0, "nothing had to be read");
    assert_eq!(keys(&store), ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn a_recycled_segments_old_records_are_not_replayed() {
    let disk = FaultyDisk::new();
    let mut open = Open::on(&disk);
    for round in 0..40 {
        open.put("key", format!("{round}"));
        open.put(&format!("other {round:02}"), "1");
        if round % 5 == 4 {
            open.checkpoint();
        }
    }
    let names = disk.names("journal").unwrap();
    assert!(names.len() < 12, "80 groups lie in {} segments of two", names.len());
    // Whatever the segments held before, in each state that a kill may leave.
    for round in 40..60 {
        open.put("key", format!("{round}"));
        let left = disk.after_kill();
        let store = self::open(&left).unwrap();
        let from = Bytes::from_static(b"key");
        let to = Bytes::from_static(b"key\0");
        let read = Read { keyspace: Keyspace::Instances, from, to, rows_max: 1, bytes_max: 1, values: true };
        assert_eq!(store.read(&[read]).unwrap()[0].rows[0].value, format!("{round}"));
        assert_eq!(keys(&store).len(), 41);
        if round == 50 {
            open.checkpoint();
        }
    }
}

#[test]
fn a_torn_groups_remains_are_not_revived_by_a_shorter_one() {
    let disk = FaultyDisk::new();
    let mut open = Open::on(&disk);
    open.put("a", "1");
    // A group of three blocks of which the first is lost, with what looks like a group in the second. Before the value
    // stand its header of 64 bytes, and 8 more with its key.
    let inner = disk.bytes("journal/000001")[BLOCK..2 * BLOCK].to_vec();
    open.put("torn", [vec![0; BLOCK - 72], inner.clone(), vec![0; 100]].concat());
    let left = disk.after_kill();
    change(&left, "journal/000002", |bytes| {
        assert_eq!(bytes[2 * BLOCK..3 * BLOCK], inner, "the value lies where it is looked for");
        bytes[BLOCK..BLOCK + 512].fill(0);
    });
    drop(open);
    let mut open = Open::on(&left);
    assert_eq!(keys(&open.store), ["a"]);
    open.put("b", "1");
    for _ in 0..2 {
        let left = left.after_kill();
        assert_eq!(keys(&self::open(&left).unwrap()), ["a", "b"]);
    }
}

#[test]
fn a_broken_group_is_the_end_only_if_no_group_follows_it() {
    // The last group of the last segment, and the same with its successor.
    let disk = FaultyDisk::new();
    let mut open = Open::on(&disk);
    let one = disk.after_kill();
    open.put("a", "1");
    let two = disk.after_kill();
    for disk in [&one, &two] {
        change(disk, "journal/000001", |bytes| bytes[BLOCK + 70] ^= 1);
    }
    assert!(keys(&self::open(&one).unwrap()).is_empty());
    let text = damage(&two);
    let expected =
        "journal/000001 is damaged: group 1 is broken, but group 2 is there; restore it from a backup";
    assert_eq!(text, expected);
}

#[test]
fn a_broken_group_before_a_later_segment_is_damage() {
    let disk = three_segments();
    change(&disk, "journal/000001", |bytes| bytes[2 * BLOCK + 70] ^= 1);
    let text = damage(&disk);
    assert!(
        text.contains("it follows group 2 of epoch 1, but the segment before it ends at group 1"),
        "{text}"
    );
}

#[test]
fn a_segment_that_is_gone_is_damage() {
    let disk = three_segments();
    disk.remove("journal/000002");
    let text = damage(&disk);
    assert!(
        text.contains("it follows group 4 of epoch 1, but the segment before it ends at group 2"),
        "{text}"
    );
    let disk = three_segments();
    disk.remove("journal/000001");
    assert!(damage(&disk).contains("it begins behind group 2, but the tables hold 0"));
}

#[test]
fn a_broken_header_of_a_segment_with_groups_is_damage_and_without_is_none() {
    let disk = three_segments();
    change(&disk, "journal/000003", |bytes| bytes[20] ^= 1);
    assert!(damage(&disk).contains("its header is broken, but group 5 is there"), "{}", damage(&disk));
    let disk = three_segments();
    disk.put("journal/000004", vec![7; 3 * BLOCK]);
    disk.put("journal/readme", b"not ours".to_vec());
    assert_eq!(keys(&open(&disk).unwrap()).len(), 5);
}

#[test]
fn a_journal_that_is_gone_is_damage_once_anything_rests_in_the_tables() {
    let disk = FaultyDisk::new();
    let mut open = Open::on(&disk);
    open.put("a", "1");
    open.checkpoint();
    let left = disk.after_kill();
    left.remove("journal/000001");
    let text = damage(&left);
    assert_eq!(
        text,
        "journal is damaged: it ends at group 0, but the tables hold 2; restore it from a backup"
    );
}

#[test]
fn commits_make_room_themselves_when_nobody_makes_checkpoints() {
    let disk = FaultyDisk::new();
    let options = RedbOptions { tail_rows_max: 100, ..OPTIONS };
    let store = RedbStore::open(disk.clone(), options).unwrap();
    let lease = store.acquire(SlotRange::ALL).unwrap();
    let mut backlog = 0;
    for number in 1..=200 {
        let write = |row: u64| Write {
            keyspace: Keyspace::Instances,
            key: Bytes::from(format!("{number} {row}")),
            value: Some(Bytes::from_static(b"1")),
        };
        let batch = Batch { lease, number: BatchNumber(number), writes: (0..9).map(write).collect() };
        assert!(matches!(store.commit(&[batch])[..], [(_, Outcome::Durable(_))]));
        backlog = backlog.max(store.backlog());
    }
    assert!((100..=130).contains(&backlog), "{backlog} % of what may wait have waited");
    assert!(disk.names("journal").unwrap().len() < 40);
    assert_eq!(keys(&store).len(), 1800);
}
