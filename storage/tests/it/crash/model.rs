//! What a client of the store was told, and the check that the store holds it.

use bytes::Bytes;
use sarsen_protocol::{Batch, BatchNumber, Epoch, Keyspace, Lease, Read, SlotRange, Write};
use sarsen_storage::{Error, FaultyDisk, Outcome, Progress, RedbOptions, RedbStore, SplitMix64, Store};
use std::collections::{BTreeMap, BTreeSet};

/// A promise that was not kept.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Broken(String);

/// Why a life ended early.
enum End {
    /// As the test asked; the situation's name.
    Crash(&'static str),
    Broken(Broken),
}

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    records: BTreeMap<(Keyspace, Bytes), Bytes>,
    /// All leases ever given, with what [`Store::last`] says of them.
    leases: Vec<(Lease, Option<BatchNumber>)>,
}

/// What was acknowledged, and what was under way when the disk crashed.
#[derive(Debug, Default)]
pub(super) struct Model {
    acknowledged: State,
    under_way: Option<State>,
    newest: Option<Epoch>,
    pub(super) situations: BTreeMap<&'static str, u64>,
}

impl Model {
    /// A process opens the store, checks it, writes `groups` groups and closes it, unless the disk crashes.
    pub(super) fn live(
        &mut self,
        disk: &FaultyDisk,
        random: &mut SplitMix64,
        groups: u64,
    ) -> Result<(), Broken> {
        let was_empty = disk.is_blank();
        let end = match self.open(disk, random, groups) {
            Ok(()) if disk.has_crashed() => Err(broken("a drop touched the disk".to_owned())),
            end => end,
        };
        match end {
            Ok(()) => Ok(()),
            Err(End::Broken(broken)) => Err(broken),
            Err(End::Crash("crash in an open")) if was_empty => {
                self.count("crash while the file is created");
                Ok(())
            }
            Err(End::Crash(situation)) => {
                self.count(situation);
                Ok(())
            }
        }
    }

    /// A process opens the store on a disk without faults, checks it and keeps it open.
    pub(super) fn look(&mut self, disk: &FaultyDisk) -> Result<RedbStore, Broken> {
        let failed = |error: Error| Broken(format!("no crash, yet {error}"));
        let store = open_store(disk).map_err(failed)?;
        match self.check(&store).map_err(failed)? {
            Ok(()) => Ok(store),
            Err(End::Broken(broken)) => Err(broken),
            Err(End::Crash(situation)) => Err(Broken(format!("{situation}, without a crash"))),
        }
    }

    fn open(&mut self, disk: &FaultyDisk, random: &mut SplitMix64, groups: u64) -> Result<(), End> {
        let failed = |situation, error: Error| {
            if disk.has_crashed() {
                End::Crash(situation)
            } else {
                broken(format!("{situation}, no crash: {error}"))
            }
        };
        let store = open_store(disk).map_err(|error| failed("crash in an open", error))?;
        self.check(&store).map_err(|error| failed("crash in a read", error))??;
        let shards = 1 + u16::try_from(random.below(3)).unwrap();
        let mut leases = Vec::new();
        for slots in SlotRange::split(shards) {
            let acquired = self.acquire(&store, slots);
            leases.push(acquired.map_err(|error| failed("crash in an acquire", error))??);
        }
        for _ in 0..groups {
            self.checkpoint(&store, random).map_err(|error| failed("crash in a checkpoint", error))??;
            let group = self.group(&leases, random);
            for (_, outcome) in store.commit(&group) {
                match outcome {
                    Outcome::Durable(_) => {}
                    Outcome::Unknown(error) => {
                        is_stopped(&store, &group)?;
                        return Err(failed("crash in a commit", error));
                    }
                    Outcome::Fenced => return Err(broken("a lease was fenced that is not void".to_owned())),
                }
            }
            self.acknowledged = self.under_way.take().unwrap();
        }
        Ok(())
    }

    /// Compares the store with the model, which from then on knows what became of the group that was under way.
    fn check(&mut self, store: &RedbStore) -> Result<Result<(), End>, Error> {
        let records = records(store)?;
        let matches = |state: &State| -> Result<bool, Error> {
            let mut is_same = state.records == records;
            for (lease, last) in &state.leases {
                is_same &= store.last(*lease)? == *last;
            }
            Ok(is_same)
        };
        let under_way = self.under_way.take();
        if matches(&self.acknowledged)? {
            if under_way.is_some() {
                self.count("unacknowledged group gone");
            }
            return Ok(Ok(()));
        }
        match under_way {
            Some(state) if matches(&state)? => {
                self.acknowledged = state;
                self.count("unacknowledged group there");
                Ok(Ok(()))
            }
            state => Ok(Err(broken(differences(&records, &self.acknowledged, state.as_ref())))),
        }
    }

    fn acquire(&mut self, store: &RedbStore, slots: SlotRange) -> Result<Result<Lease, End>, Error> {
        let mut state = self.acknowledged.clone();
        for (lease, last) in &mut state.leases {
            if lease.slots.overlaps(slots) {
                *last = None;
            }
        }
        self.under_way = Some(state.clone());
        let lease = store.acquire(slots)?;
        if self.newest >= Some(lease.epoch) {
            return Ok(Err(broken(format!("{:?} was given after {:?}", lease.epoch, self.newest))));
        }
        self.newest = Some(lease.epoch);
        state.leases.push((lease, Some(BatchNumber(0))));
        self.acknowledged = state;
        self.under_way = None;
        Ok(Ok(lease))
    }

    /// Now and then carries some of what is in the journal into the tables, which changes nothing.
    fn checkpoint(&mut self, store: &RedbStore, random: &mut SplitMix64) -> Result<Result<(), End>, Error> {
        for _ in 0..random.below(4) {
            match store.checkpoint(1 + pick(random, 20))? {
                Progress::Done => break,
                Progress::More => self.count("part of a checkpoint"),
                Progress::Ended => self.count("end of a checkpoint"),
            }
            if random.below(4) == 0
                && let Err(end) = self.check(store)?
            {
                return Ok(Err(end));
            }
        }
        Ok(Ok(()))
    }

    /// Draws the next group; the model has it under way.
    fn group(&mut self, leases: &[Lease], random: &mut SplitMix64) -> Vec<Batch> {
        let mut state = self.acknowledged.clone();
        let mut group = Vec::new();
        for lease in (0..=random.below(3)).map(|_| leases[pick(random, leases.len())]).collect::<Vec<_>>() {
            let (_, last) = state.leases.iter_mut().find(|(held, _)| *held == lease).unwrap();
            let number = last.unwrap().next();
            *last = Some(number);
            let writes = writes(random);
            for write in &writes {
                let key = (write.keyspace, write.key.clone());
                match &write.value {
                    Some(value) => state.records.insert(key, value.clone()),
                    None => state.records.remove(&key),
                };
            }
            group.push(Batch { lease, number, writes });
        }
        self.under_way = Some(state);
        group
    }

    fn count(&mut self, situation: &'static str) {
        *self.situations.entry(situation).or_default() += 1;
    }
}

fn open_store(disk: &FaultyDisk) -> Result<RedbStore, Error> {
    // Little memory, so that some pages are written before their commit; segments of a few groups, so that they are
    // written again; and so short a tail that commits have to make room themselves.
    let options = RedbOptions {
        cache_bytes: 1 << 19,
        tail_bytes_max: 256 << 10,
        tail_rows_max: 80,
        segment_bytes: 12 << 10,
    };
    RedbStore::open(disk.clone(), options)
}

fn broken(text: String) -> End {
    End::Broken(Broken(text))
}

fn pick(random: &mut SplitMix64, len: usize) -> usize {
    usize::try_from(random.below(len as u64)).unwrap()
}

/// Writes to few keys, so that they are overwritten and deleted, of sizes that fill pages and now and then many.
fn writes(random: &mut SplitMix64) -> Vec<Write> {
    let mut writes: BTreeMap<(Keyspace, Bytes), Option<Bytes>> = BTreeMap::new();
    for _ in 0..random.below(12) {
        let keyspace = [Keyspace::Instances, Keyspace::Mailbox, Keyspace::Dead][pick(random, 3)];
        let key = format!("key {:03}", random.below(60)).into();
        let len = match random.below(40) {
            0 => 200_000,
            1..10 => 3_000,
            _ => 20,
        };
        let value = (random.below(4) > 0).then(|| Bytes::from(vec![random.draw().to_le_bytes()[0]; len]));
        writes.insert((keyspace, key), value);
    }
    writes.into_iter().map(|((keyspace, key), value)| Write { keyspace, key, value }).collect()
}

fn records(store: &RedbStore) -> Result<BTreeMap<(Keyspace, Bytes), Bytes>, Error> {
    let reads = Keyspace::ALL.map(|keyspace| Read {
        keyspace,
        from: Bytes::new(),
        to: Bytes::from_static(&[0xff]),
        rows_max: usize::MAX,
        bytes_max: usize::MAX,
        values: true,
    });
    let pages = Keyspace::ALL.into_iter().zip(store.read(&reads)?);
    let rows = pages.flat_map(|(keyspace, page)| page.rows.into_iter().map(move |row| (keyspace, row)));
    Ok(rows.map(|(keyspace, row)| ((keyspace, row.key), row.value)).collect())
}

/// A store whose commit failed does nothing more.
fn is_stopped(store: &RedbStore, group: &[Batch]) -> Result<(), End> {
    let read = matches!(store.read(&[]), Err(Error::Stopped));
    let acquired = matches!(store.acquire(SlotRange::ALL), Err(Error::Stopped));
    let last = matches!(store.last(group[0].lease), Err(Error::Stopped));
    let is_refused = |(_, outcome)| matches!(outcome, Outcome::Unknown(Error::Stopped));
    if read && acquired && last && store.commit(group).into_iter().all(is_refused) {
        return Ok(());
    }
    Err(broken("a store went on after a commit had failed".to_owned()))
}

fn differences(
    records: &BTreeMap<(Keyspace, Bytes), Bytes>,
    acknowledged: &State,
    under_way: Option<&State>,
) -> String {
    let unlike = |state: &State| {
        let keys = records.keys().chain(state.records.keys());
        let unlike = keys.filter(|key| records.get(*key) != state.records.get(*key));
        unlike.cloned().collect::<BTreeSet<_>>()
    };
    format!(
        "the store is neither what was acknowledged (unlike at {:?}) nor that with the group that was under way \
         (unlike at {:?}); where no record differs, the leases do",
        unlike(acknowledged),
        under_way.map(unlike)
    )
}
