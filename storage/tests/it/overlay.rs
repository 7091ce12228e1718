//! Reads see the newest rows, wherever those are: in the live layer, in frozen ones, in the tables.

use bytes::Bytes;
use sarsen_protocol::{Batch, BatchNumber, Keyspace, Read, SlotRange, Write};
use sarsen_storage::{FaultyDisk, MemoryStore, Outcome, RedbOptions, RedbStore, SplitMix64, Store};

const SEEDS: u64 = 30;

fn key(random: &mut SplitMix64, keys: u64) -> Bytes {
    format!("key {:05}", random.below(keys)).into()
}

fn read(random: &mut SplitMix64, keys: u64) -> Read {
    let (from, mut to) = (key(random, keys), key(random, keys));
    if random.below(3) == 0 {
        to = [&from[..], &[0]].concat().into();
    }
    let rows_max = [1, 3, 20, usize::MAX][usize::try_from(random.below(4)).unwrap()];
    let bytes_max = [1, 60, 400, usize::MAX][usize::try_from(random.below(4)).unwrap()];
    Read { keyspace: keyspace(random), from, to, rows_max, bytes_max, values: random.below(4) > 0 }
}

fn keyspace(random: &mut SplitMix64) -> Keyspace {
    if random.below(2) == 0 { Keyspace::Instances } else { Keyspace::Mailbox }
}

/// At most one write a key.
fn writes(random: &mut SplitMix64, keys: u64, count: u64) -> Vec<Write> {
    let keyspace = keyspace(random);
    let mut writes: Vec<Write> = (0..random.below(count))
        .map(|_| {
            let len = usize::try_from(random.below(40)).unwrap();
            let value = (random.below(3) > 0).then(|| vec![random.draw().to_le_bytes()[0]; len].into());
            Write { keyspace, key: key(random, keys), value }
        })
        .collect();
    writes.sort_by(|a, b| a.key.cmp(&b.key));
    writes.dedup_by(|a, b| a.key == b.key);
    writes
}

#[test]
fn reads_see_what_a_store_in_memory_shows() {
    for seed in 0..SEEDS {
        let mut random = SplitMix64::new(seed);
        // Many keys in some seeds: spaces of so many rows are frozen before they are put in order.
        let (keys, count) = if seed % 10 == 0 { (40_000, 9_000) } else { (60, 30) };
        let stores: [Box<dyn Store>; 2] = [
            Box::new(RedbStore::open(FaultyDisk::new(), RedbOptions::default()).unwrap()),
            Box::new(MemoryStore::new()),
        ];
        let lease = stores.each_ref().map(|store| store.acquire(SlotRange::ALL).unwrap())[0];
        for number in 1..=40 {
            let batch =
                Batch { lease, number: BatchNumber(number), writes: writes(&mut random, keys, count) };
            for store in &stores {
                assert!(matches!(store.commit(std::slice::from_ref(&batch))[..], [(_, Outcome::Durable(_))]));
            }
            for _ in 0..random.below(4) {
                let rows = 1 + usize::try_from(random.below(count)).unwrap();
                stores[0].checkpoint(rows).unwrap();
            }
            if random.below(3) == 0 {
                let reads: Vec<Read> = (0..8).map(|_| read(&mut random, keys)).collect();
                let [found, expected] = stores.each_ref().map(|store| store.read(&reads).unwrap());
                for ((read, found), expected) in reads.iter().zip(found).zip(expected) {
                    assert_eq!(found, expected, "seed {seed}, group {number}: {read:?}");
                }
            }
        }
    }
}
