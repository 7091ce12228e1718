//! Who may write which slots, and up to which number they have: the part of the contract that all stores share.

use crate::{Error, Outcome};
use sarsen_protocol::{Batch, BatchNumber, Epoch, Lease, Receipt, SlotRange};

/// A lease that is not void, with its last durable batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) lease: Lease,
    pub(crate) last: BatchNumber,
}

/// All leases that are not void. No two of them share a slot, and the newest acquisition is always among them:
/// only a newer one could have voided it. So the greatest epoch ever given can be read off the leases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases {
    held: Vec<Held>,
}

/// What a group may write.
#[derive(Debug)]
pub(crate) struct Admission {
    /// One for each lease, in the order in which they first stand in the group.
    verdicts: Vec<(Lease, Verdict)>,
}

#[derive(Debug)]
enum Verdict {
    /// Its batches may be written, up to this number.
    UpTo(BatchNumber),
    Fenced,
    Gap(Error),
}

impl Leases {
    /// Takes up a lease that a file remembers.
    pub(crate) fn restore(&mut self, held: Held) {
        self.held.push(held);
    }

    /// Gives a new lease, without a batch yet, and returns it with the ones it voids.
    pub(crate) fn acquire(&mut self, slots: SlotRange) -> (Held, Vec<Lease>) {
        let newest = self.held.iter().map(|held| held.lease.epoch.0).max().unwrap_or(0);
        let lease = Lease { slots, epoch: Epoch(newest + 1) };
        let voided = self.held.extract_if(.., |held| held.lease.slots.overlaps(slots));
        let voided = voided.map(|held| held.lease).collect();
        let held = Held { lease, last: BatchNumber(0) };
        self.held.push(held);
        (held, voided)
    }

    /// The last durable batch of `lease`; `None` when it is void.
    pub(crate) fn last(&self, lease: Lease) -> Option<BatchNumber> {
        self.held.iter().find(|held| held.lease == lease).map(|held| held.last)
    }

    /// Judges the leases of `group`; changes nothing.
    pub(crate) fn admit(&self, group: &[Batch]) -> Admission {
        let mut verdicts: Vec<(Lease, Verdict)> = Vec::new();
        for batch in group {
            if let Some((_, verdict)) = verdicts.iter_mut().find(|(lease, _)| *lease == batch.lease) {
                if let Verdict::UpTo(last) = *verdict {
                    *verdict = follow(batch, last);
                }
            } else {
                let verdict = self.last(batch.lease).map_or(Verdict::Fenced, |last| follow(batch, last));
                verdicts.push((batch.lease, verdict));
            }
        }
        Admission { verdicts }
    }

    /// Records that what was admitted is durable.
    pub(crate) fn advance(&mut self, admission: &Admission) {
        for admitted in admission.admitted() {
            if let Some(held) = self.held.iter_mut().find(|held| held.lease == admitted.lease) {
                held.last = admitted.last;
            }
        }
    }
}

fn follow(batch: &Batch, last: BatchNumber) -> Verdict {
    if batch.number == last.next() {
        Verdict::UpTo(batch.number)
    } else {
        Verdict::Gap(Error::Gap { slots: batch.lease.slots, last, found: batch.number })
    }
}

impl Admission {
    /// The leases whose batches may be written, each with the number it will then have reached.
    pub(crate) fn admitted(&self) -> impl Iterator<Item = Held> {
        self.verdicts.iter().filter_map(|(lease, verdict)| match verdict {
            Verdict::UpTo(last) => Some(Held { lease: *lease, last: *last }),
            Verdict::Fenced | Verdict::Gap(_) => None,
        })
    }

    /// The batches of `group` that may be written, in their order.
    pub(crate) fn batches<'a>(&self, group: &'a [Batch]) -> impl Iterator<Item = &'a Batch> {
        group.iter().filter(|batch| self.admitted().any(|held| held.lease == batch.lease))
    }

    /// The outcomes once all that was admitted is durable.
    pub(crate) fn durable(self, group: &[Batch]) -> Vec<(Lease, Outcome)> {
        self.outcomes(|held| {
            let last = group.iter().rfind(|batch| batch.lease == held.lease);
            Outcome::Durable(Receipt::durable(last.expect("a lease is admitted for its batches")))
        })
    }

    /// The outcomes of a store that does nothing any more.
    pub(crate) fn stopped(group: &[Batch]) -> Vec<(Lease, Outcome)> {
        let mut outcomes: Vec<(Lease, Outcome)> = Vec::new();
        for batch in group {
            if outcomes.iter().all(|(lease, _)| *lease != batch.lease) {
                outcomes.push((batch.lease, Outcome::Unknown(Error::Stopped)));
            }
        }
        outcomes
    }

    /// The outcomes when writing failed: one lease is told the `cause`, the others that the store is stopped.
    pub(crate) fn unknown(self, cause: Error) -> Vec<(Lease, Outcome)> {
        let mut cause = Some(cause);
        self.outcomes(|_| Outcome::Unknown(cause.take().unwrap_or(Error::Stopped)))
    }

    fn outcomes(self, mut admitted: impl FnMut(Held) -> Outcome) -> Vec<(Lease, Outcome)> {
        let outcome = |(lease, verdict)| match verdict {
            Verdict::UpTo(last) => (lease, admitted(Held { lease, last })),
            Verdict::Fenced => (lease, Outcome::Fenced),
            Verdict::Gap(error) => (lease, Outcome::Unknown(error)),
        };
        self.verdicts.into_iter().map(outcome).collect()
    }
}
