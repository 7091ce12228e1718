//! Effects that no one can see before their batch is durable.
//!
//! The idea is output commit: run ahead of the disk, let nothing out before it is durable. A sealed batch owns its
//! effects inside [`Withheld`], which has no way to look inside but [`Withheld::open`] with a store's receipt.

use sarsen_protocol::{BatchNumber, Lease, Receipt};

/// The effects of a batch, closed until the batch is durable.
#[derive(Debug)]
#[must_use = "dropping withheld effects leaves their callers without an answer"]
pub struct Withheld<T> {
    lease: Lease,
    after: BatchNumber,
    effects: Vec<T>,
}

impl<T> Withheld<T> {
    /// Closes `effects` until `lease`'s batches up to `after` are durable.
    pub(crate) fn new(lease: Lease, after: BatchNumber, effects: Vec<T>) -> Self {
        Self { lease, after, effects }
    }

    /// Whose batches must be durable.
    pub fn lease(&self) -> Lease {
        self.lease
    }

    /// The batch that must be durable; 0 when there is none to wait for.
    pub fn after(&self) -> BatchNumber {
        self.after
    }

    /// Whether there is nothing inside.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// Replaces each effect by what a host keeps for it, for example the caller that waits for a reply. The result
    /// is closed like before; `convert` must keep what it is shown to itself.
    pub fn convert<U>(self, convert: impl FnMut(T) -> U) -> Withheld<U> {
        Withheld {
            lease: self.lease,
            after: self.after,
            effects: self.effects.into_iter().map(convert).collect(),
        }
    }

    /// Lets the effects out, given the last receipt of their lease.
    ///
    /// # Errors
    /// The effects, still closed, when the receipt does not cover them.
    pub fn open(self, receipt: Option<&Receipt>) -> Result<Vec<T>, Self> {
        let durable = match receipt {
            Some(receipt) if receipt.lease() == self.lease => receipt.number(),
            Some(_) => return Err(self),
            None => BatchNumber::default(),
        };
        if self.after <= durable { Ok(self.effects) } else { Err(self) }
    }

    /// Gives up on the batch after a failed commit. The host tells each caller that its outcome is unknown, and
    /// nothing else of what is inside.
    pub fn abandon(self) -> Vec<T> {
        self.effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarsen_protocol::{Batch, Epoch, SlotRange};

    fn receipt(epoch: u64, number: u64) -> Receipt {
        let lease = Lease { slots: SlotRange::ALL, epoch: Epoch(epoch) };
        Receipt::durable(&Batch { lease, number: BatchNumber(number), writes: Vec::new() })
    }

    #[test]
    fn effects_open_only_by_a_receipt_that_covers_them() {
        let lease = receipt(1, 1).lease();
        let closed = Withheld::new(lease, BatchNumber(2), vec!['x']);
        let closed = closed.open(None).expect_err("nothing is durable");
        let closed = closed.open(Some(&receipt(1, 1))).expect_err("an earlier batch is durable");
        let closed = closed.open(Some(&receipt(2, 9))).expect_err("another lease's batch is durable");
        assert_eq!(closed.open(Some(&receipt(1, 3))).expect("a later batch is durable"), ['x']);
        assert_eq!(
            Withheld::new(lease, BatchNumber(0), vec!['y']).open(None).expect("nothing to wait for"),
            ['y']
        );
    }
}
