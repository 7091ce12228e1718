//! Grouping of sealed batches into commits, and release of their effects in order.

use crate::Withheld;
use sarsen_protocol::{Batch, BatchNumber, HashMap, Lease, Receipt};
use std::collections::VecDeque;

/// A batch that is closed: what it writes, and what it lets out afterwards.
#[derive(Debug)]
#[must_use = "a sealed batch must be committed"]
pub struct Sealed<T> {
    /// What to commit; `None` when the batch writes nothing and only waits for the one before it.
    pub batch: Option<Batch>,
    /// What to let out then.
    pub effects: Withheld<T>,
}

impl<T> Sealed<T> {
    /// Converts the effects, see [`Withheld::convert`].
    pub fn convert<U>(self, convert: impl FnMut(T) -> U) -> Sealed<U> {
        Sealed { batch: self.batch, effects: self.effects.convert(convert) }
    }
}

/// Batches on their way to the store, with the effects that wait for them.
#[derive(Debug)]
#[must_use = "a group must be committed and finished"]
pub struct Group<T> {
    /// What to commit as one unit. Empty when the effects only waited for an earlier group.
    pub batches: Vec<Batch>,
    effects: Vec<Withheld<T>>,
}

/// What a finished group lets happen.
#[derive(Debug)]
pub struct Finished<T> {
    /// The last receipt of each lease, for its shard.
    pub receipts: Vec<Receipt>,
    /// The effects that may be seen now, in order.
    pub effects: Vec<T>,
}

/// The queue between shards and the store. One for each store; shared by its shards.
///
/// Batches of a lease leave in order, and effects are let out in the order in which they were sealed: this type
/// allows one group at a time, so that batch n+1 is never on its way before batch n is durable.
#[derive(Debug)]
pub struct Groups<T> {
    queue: VecDeque<Sealed<T>>,
    receipts: HashMap<Lease, Receipt>,
    bytes_max: usize,
    under_way: bool,
}

impl<T> Groups<T> {
    /// A queue whose groups hold at most `bytes_max` bytes of writes, and at least one batch.
    pub fn new(bytes_max: usize) -> Self {
        Self { queue: VecDeque::new(), receipts: HashMap::default(), bytes_max, under_way: false }
    }

    /// Adds a sealed batch.
    pub fn push(&mut self, sealed: Sealed<T>) {
        self.queue.push_back(sealed);
    }

    /// Sealed batches that wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Whether a group is on its way.
    pub fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// The next group, unless one is on its way or nothing waits.
    pub fn begin(&mut self) -> Option<Group<T>> {
        if self.under_way || self.queue.is_empty() {
            return None;
        }
        self.under_way = true;
        let mut group = Group { batches: Vec::new(), effects: Vec::new() };
        let mut bytes = 0;
        while let Some(sealed) = self.queue.pop_front() {
            bytes += sealed.batch.as_ref().map_or(0, batch_bytes);
            if bytes > self.bytes_max && !group.batches.is_empty() {
                self.queue.push_front(sealed);
                break;
            }
            group.batches.extend(sealed.batch);
            group.effects.push(sealed.effects);
        }
        Some(group)
    }

    /// Takes back a group whose batches are durable, as the store's receipts say.
    ///
    /// # Panics
    /// If the receipts do not cover the group: a store broke its contract.
    pub fn finish(&mut self, group: Group<T>, receipts: Vec<Receipt>) -> Finished<T> {
        self.under_way = false;
        for receipt in &receipts {
            self.receipts.insert(receipt.lease(), *receipt);
        }
        let mut effects = Vec::new();
        for withheld in group.effects {
            let receipt = self.receipts.get(&withheld.lease());
            match withheld.open(receipt) {
                Ok(open) if effects.is_empty() => effects = open,
                Ok(open) => effects.extend(open),
                Err(closed) => panic!("the receipts of a group do not cover batch {:?}", closed.after()),
            }
        }
        Finished { receipts, effects }
    }

    /// Gives up on everything after a failed commit; see [`Withheld::abandon`].
    pub fn abandon(&mut self, group: Option<Group<T>>) -> Vec<T> {
        let under_way = group.into_iter().flat_map(|group| group.effects);
        let waiting = self.queue.drain(..).map(|sealed| sealed.effects);
        under_way.chain(waiting).flat_map(Withheld::abandon).collect()
    }

    /// The last durable batch of a lease that this queue has seen.
    pub fn durable(&self, lease: Lease) -> BatchNumber {
        self.receipts.get(&lease).map(Receipt::number).unwrap_or_default()
    }
}

/// A batch's size: the bytes of its keys and values.
fn batch_bytes(batch: &Batch) -> usize {
    batch.writes.iter().map(|write| write.key.len() + write.value.as_ref().map_or(0, bytes::Bytes::len)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarsen_protocol::{Epoch, SlotRange};

    const LEASE: Lease = Lease { slots: SlotRange::ALL, epoch: Epoch(1) };

    fn sealed(number: u64, writes: bool, effect: char) -> Sealed<char> {
        let batch = writes.then(|| Batch { lease: LEASE, number: BatchNumber(number), writes: Vec::new() });
        Sealed { batch, effects: Withheld::new(LEASE, BatchNumber(number), vec![effect]) }
    }

    fn receipts(group: &Group<char>) -> Vec<Receipt> {
        group.batches.last().map(Receipt::durable).into_iter().collect()
    }

    #[test]
    fn effects_leave_in_order_and_only_after_their_group() {
        let mut groups = Groups::new(1024);
        groups.push(sealed(1, true, 'a'));
        let first = groups.begin().expect("a batch waits");
        groups.push(sealed(1, false, 'b'));
        groups.push(sealed(2, true, 'c'));
        assert!(groups.begin().is_none(), "one group at a time");
        let receipt = receipts(&first);
        assert_eq!(groups.finish(first, receipt).effects, ['a']);
        let second = groups.begin().expect("two batches wait");
        assert_eq!(second.batches.len(), 1);
        let receipt = receipts(&second);
        assert_eq!(groups.finish(second, receipt).effects, ['b', 'c']);
        assert!(groups.begin().is_none());
    }

    #[test]
    fn a_batch_without_writes_leaves_at_once_when_its_predecessor_is_durable() {
        let mut groups = Groups::new(1024);
        groups.push(sealed(0, false, 'a'));
        let group = groups.begin().expect("it waits");
        assert!(group.batches.is_empty());
        assert_eq!(groups.finish(group, Vec::new()).effects, ['a']);
    }

    #[test]
    fn a_failed_group_takes_the_waiting_ones_with_it() {
        let mut groups = Groups::new(1024);
        groups.push(sealed(1, true, 'a'));
        let group = groups.begin();
        groups.push(sealed(2, true, 'b'));
        assert_eq!(groups.abandon(group), ['a', 'b']);
    }
}
