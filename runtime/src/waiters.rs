//! Who waits for an answer of a shard. Each driver has its own, so that clients share no lock over it.

use crate::gate::Replier;
use sarsen_protocol::RequestId;

/// The repliers of the requests that a shard was handed, by request id.
///
/// An id is a place and how often the place was used before, so an id whose answer was given names nobody.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    places: Vec<Place>,
    free: Vec<usize>,
}

#[derive(Debug, Default)]
struct Place {
    uses: u32,
    waiter: Option<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    replier: Replier,
    /// How many batches were sealed before the shard was handed the request.
    seals: u64,
}

impl Waiters {
    /// Keeps a replier.
    pub(crate) fn insert(&mut self, replier: Replier, seals: u64) -> RequestId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() - 1
        });
        let place = &mut self.places[index];
        place.uses = place.uses.wrapping_add(1);
        place.waiter = Some(Waiter { replier, seals });
        let index = u32::try_from(index).expect("far fewer than 2^32 requests fit into memory");
        RequestId(u64::from(place.uses) << 32 | u64::from(index))
    }

    /// Takes the replier of a request; `None` when it has been taken before.
    pub(crate) fn take(&mut self, request: RequestId) -> Option<Replier> {
        let (uses, index) = (request.0 >> 32, request.0 & u64::from(u32::MAX));
        let index = usize::try_from(index).ok()?;
        let place = self.places.get_mut(index).filter(|place| u64::from(place.uses) == uses)?;
        let waiter = place.waiter.take()?;
        self.free.push(index);
        Some(waiter.replier)
    }

    /// Tells all who still wait that the host has stopped, after `seals` sealed batches.
    pub(crate) fn stop(&mut self, seals: u64) {
        for waiter in self.places.drain(..).filter_map(|place| place.waiter) {
            waiter.replier.stop(waiter.seals < seals);
        }
        self.free.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarsen_protocol::{Answer, CallError};

    #[test]
    fn an_id_names_one_request_even_when_its_place_is_used_again() {
        let mut waiters = Waiters::default();
        let (first, mut first_answer) = Replier::new(false);
        let first = waiters.insert(first, 0);
        waiters.take(first).expect("it waits").send(Answer::Acknowledged);
        assert_eq!(first_answer.try_recv(), Ok(Answer::Acknowledged));

        let (second, mut second_answer) = Replier::new(false);
        let second = waiters.insert(second, 0);
        assert!(waiters.take(first).is_none(), "the answer of the first must not reach the second");
        assert!(second_answer.try_recv().is_err());
        assert!(waiters.take(second).is_some());
        assert!(waiters.take(second).is_none());
    }

    #[test]
    fn only_a_call_that_may_be_on_disk_has_an_unknown_outcome_after_a_stop() {
        let mut waiters = Waiters::default();
        let mut answers = Vec::new();
        for (may_wait_on_disk, seals) in [(true, 0), (true, 1), (false, 0)] {
            let (replier, answer) = Replier::new(may_wait_on_disk);
            waiters.insert(replier, seals);
            answers.push(answer);
        }
        waiters.stop(1);
        let told: Vec<Answer> = answers.iter_mut().map(|answer| answer.try_recv().expect("told")).collect();
        let expected = [CallError::OutcomeUnknown, CallError::Stopped, CallError::Stopped];
        assert_eq!(told, expected.map(Answer::refused));
    }
}
