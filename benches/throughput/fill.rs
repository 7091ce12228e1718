//! Very many counters at rest, written in the order of their keys.
//!
//! A store on a tree takes ascending rows many times faster than scattered ones. So the rows are made without the
//! entities: a counter that was used once is the same record under every key, and the engine itself makes the first.

use crate::{
    Error,
    arguments::Options,
    bare_shard::{self, BareShard},
    figures::Figures,
    snapshot::resident_bytes,
    statistics::{hundredths, whole},
};
use bytes::{BufMut, Bytes, BytesMut};
use sarsen_protocol::{Address, Batch, BatchNumber, Keyspace, Lease, Slot, SlotRange, Write};
use sarsen_storage::{Directory, Outcome, Progress, RedbOptions, Store};
use std::{fs, path::Path, time::Instant};

/// How many rows are committed at once.
const ROWS: usize = 10_000;

/// After how many commits it is told how far it has got.
const TOLD: u64 = 100;

/// Fills an empty data directory.
#[expect(clippy::cast_precision_loss, reason = "a figure has fewer digits than an f64")]
pub(crate) fn fill(data: &Path, options: &Options) -> Result<Figures, Error> {
    if fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::NotEmpty { data: data.to_owned() });
    }
    let begun = Instant::now();
    let count = options.entities.get();
    let store = Directory::open(data)?.open_store(RedbOptions::default())?;
    let lease = store.acquire(SlotRange::ALL)?;
    let mut batch = Filling { store: &store, lease, number: BatchNumber::default(), writes: Vec::new() };
    let value = record();
    for slot in by_slot(count) {
        let mut keys: Vec<Bytes> = slot.into_iter().map(|n| key(&bare_shard::address(n))).collect();
        keys.sort_unstable();
        for key in keys {
            batch.write(Write { keyspace: Keyspace::Instances, key, value: Some(value.clone()) })?;
        }
    }
    batch.commit()?;
    let elapsed = begun.elapsed().as_secs_f64();
    let mut figures = Figures::options(options);
    figures.add("seconds", hundredths(elapsed));
    figures.add("entities_per_s", whole(count as f64 / elapsed));
    figures.add("resident_bytes", resident_bytes());
    Ok(figures)
}

/// The counters' numbers, by the slots of their addresses.
fn by_slot(count: usize) -> Vec<Vec<usize>> {
    let mut slots = vec![Vec::new(); usize::from(Slot::COUNT)];
    for n in 0..count {
        slots[usize::from(bare_shard::address(n).slot().number())].push(n);
    }
    slots
}

/// What the engine writes for a counter that was used once, whichever it is.
fn record() -> Bytes {
    let address = bare_shard::address(0);
    let mut shard = BareShard::new();
    shard.ask(vec![bare_shard::signal(&address)]);
    let written = shard.commit().writes;
    let row = written.into_iter().find(|write| write.keyspace == Keyspace::Instances);
    let row = row.expect("a counter that was used has a record");
    assert_eq!(row.key, key(&address), "the engine's keys are made in another way");
    row.value.expect("a counter that was used exists")
}

/// An instance's key, as `engine/src/record.rs` defines it.
fn key(address: &Address) -> Bytes {
    let mut key = BytesMut::with_capacity(2 + address.as_bytes().len());
    key.put_u16(address.slot().number());
    key.put_slice(address.as_bytes());
    key.freeze()
}

/// Rows on their way to the store.
struct Filling<'a, S> {
    store: &'a S,
    lease: Lease,
    number: BatchNumber,
    writes: Vec<Write>,
}

impl<S: Store> Filling<'_, S> {
    fn write(&mut self, write: Write) -> Result<(), Error> {
        self.writes.push(write);
        if self.writes.len() < ROWS { Ok(()) } else { self.commit() }
    }

    fn commit(&mut self) -> Result<(), Error> {
        if self.writes.is_empty() {
            return Ok(());
        }
        self.number = BatchNumber(self.number.0 + 1);
        let writes = std::mem::take(&mut self.writes);
        let batch = Batch { lease: self.lease, number: self.number, writes };
        for (_, outcome) in self.store.commit(&[batch]) {
            match outcome {
                Outcome::Durable(_) => {}
                Outcome::Fenced => return Err(Error::Fenced),
                Outcome::Unknown(error) => return Err(error.into()),
            }
        }
        if self.number.0.is_multiple_of(TOLD) {
            eprintln!("{} rows", self.number.0 * ROWS as u64);
        }
        checkpoint(self.store)
    }
}

/// Brings what was committed to its resting place, so that the tail stays short.
fn checkpoint<S: Store>(store: &S) -> Result<(), Error> {
    while store.checkpoint(ROWS)? == Progress::More {}
    Ok(())
}
