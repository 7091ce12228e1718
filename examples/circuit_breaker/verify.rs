//! The check at the end, from what breaker and service have kept and which runs there are.

use super::{
    breaker::{Breaker, Change, FAILURES_MAX, OPEN_FOR, Phase},
    charging::{DOWN_FOR, Payments, pay, payment},
};
use futures::TryStreamExt;
use sarsen::{CallError, Client, RunStatus};
use std::collections::{BTreeMap, BTreeSet};

/// What there is in the end.
#[derive(Default)]
pub struct Records {
    pub breaker: Breaker,
    pub payments: Payments,
    pub runs: BTreeMap<String, RunStatus>,
}

impl Records {
    pub async fn read_back(client: &Client) -> Result<Self, CallError> {
        let runs = client.runs().orchestration(pay).map_ok(|run| (run.id.to_string(), run.status));
        Ok(Self {
            breaker: client.entity::<Breaker>(Breaker::KEY).state().await?.unwrap_or_default(),
            payments: client.entity::<Payments>(Payments::KEY).state().await?.unwrap_or_default(),
            runs: runs.try_collect().await?,
        })
    }

    /// Everything that is not as it should be after so many orders, so many of them under way at a time; one sentence
    /// each.
    pub fn faults(&self, orders: u64, in_flight: u64) -> Vec<String> {
        let mut faults = Vec::new();
        for order in 0..orders {
            let status = self.runs.get(&payment(order));
            let charged = self.payments.charged.get(&order).map_or(0, BTreeSet::len);
            if status != Some(&RunStatus::Completed) || charged != 1 {
                faults.push(format!("order {order} is charged {charged} times, its run is {status:?}"));
            }
        }
        let (breakdowns, expected) = (self.payments.breakdowns, Payments::breakdowns_of(orders));
        if breakdowns < expected {
            faults.push(format!("the service broke down {breakdowns} times, not {expected}"));
        }
        let opened =
            self.breaker.changes.iter().filter(|change| matches!(change.to, Phase::Open { .. })).count();
        if opened == 0 && breakdowns > 0 {
            faults.push("the breaker was never open, and the service was down".to_owned());
        }
        let (refused, allowed) = (self.payments.refused.len(), refused_max(breakdowns, in_flight));
        if refused as u128 > allowed {
            faults.push(format!(
                "{refused} calls came while the service was down, a breaker lets {allowed} pass"
            ));
        }
        faults.extend(wrong_changes(&self.breaker.changes));
        faults
    }
}

/// How many calls a breaker lets pass while the service is down, at most.
///
/// So many failures behind each other open it. A call that succeeded before the breakdown may report between them, and has
/// the breaker count anew: one order at least has failed then, so each other one can do so once. As it opens, each order
/// may have a call under way. From then on one tries, whenever it has been open for its time.
fn refused_max(breakdowns: usize, in_flight: u64) -> u128 {
    let until_open = u128::from(FAILURES_MAX) * u128::from(in_flight);
    let tries = DOWN_FOR.as_micros() / OPEN_FOR.as_micros() + 1;
    breakdowns as u128 * (until_open + u128::from(in_flight) + tries)
}

/// The changes that a breaker does not make.
fn wrong_changes(changes: &[Change]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut before =
        Change { at: changes.first().map_or(sarsen::Timestamp::default(), |it| it.at), to: Phase::default() };
    for change in changes {
        let waited = change.at.since(before.at);
        let is_right = match (before.to, change.to) {
            (Phase::Closed { .. } | Phase::HalfOpen { .. }, Phase::Open { .. })
            | (Phase::HalfOpen { .. }, Phase::Closed { .. }) => true,
            (Phase::Open { .. }, Phase::HalfOpen { .. }) => waited >= OPEN_FOR,
            // Who tried has never reported.
            (Phase::HalfOpen { until }, Phase::HalfOpen { .. }) => change.at >= until,
            (Phase::Closed { .. }, Phase::Closed { .. } | Phase::HalfOpen { .. })
            | (Phase::Open { .. }, Phase::Closed { .. } | Phase::Open { .. }) => false,
        };
        if !is_right {
            faults.push(format!("the breaker went from {:?} to {:?} after {waited:?}", before.to, change.to));
        }
        before = *change;
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Three orders that were charged.
    fn records() -> Records {
        let mut records = Records::default();
        for order in 0..3 {
            records.payments.charged.insert(order, BTreeSet::from([format!("{order}:1")]));
            records.runs.insert(payment(order), RunStatus::Completed);
        }
        records
    }

    #[track_caller]
    fn check(records: &Records, part: &str) {
        let faults = records.faults(3, 2);
        assert!(faults.len() == 1 && faults[0].contains(part), "{faults:?}");
    }

    #[test]
    fn what_is_not_charged_is_found_out() {
        assert!(records().faults(3, 2).is_empty());
        let mut lost = records();
        lost.payments.charged.remove(&1);
        check(&lost, "order 1 is charged 0 times");
        let mut twice = records();
        twice.payments.charged.entry(1).or_default().insert("1:2".to_owned());
        check(&twice, "order 1 is charged 2 times");
        let mut stuck = records();
        stuck.runs.insert(payment(2), RunStatus::Running);
        check(&stuck, "its run is Some(Running)");
        let mut useless = records();
        useless.payments.breakdowns = 1;
        check(&useless, "never open");
    }

    #[test]
    fn orders_that_do_not_wait_for_the_breaker_are_found_out() {
        let mut records = records();
        records.payments.breakdowns = 1;
        records.breaker.changes = vec![Change { at: at(0), to: open() }];
        // Five failures of each of two, a call of each, and three tries.
        records.payments.refused = (0..15).map(|call| call.to_string()).collect();
        assert!(records.faults(3, 2).is_empty());
        records.payments.refused.insert("another".to_owned());
        check(&records, "16 calls came while the service was down");
    }

    fn at(ms: u64) -> sarsen::Timestamp {
        sarsen::Timestamp::default().after(Duration::from_millis(ms))
    }

    fn open() -> Phase {
        Phase::Open { until: at(100) }
    }

    #[test]
    fn a_breaker_that_does_not_wait_is_found_out() {
        let half = Phase::HalfOpen { until: at(5_000) };
        let changes = |moments: [u64; 3]| {
            [open(), half, Phase::default()]
                .into_iter()
                .zip(moments)
                .map(|(to, ms)| Change { at: at(ms), to })
        };
        let mut records = records();
        records.breaker.changes = changes([0, 100, 110]).collect();
        assert!(records.faults(3, 2).is_empty());
        records.breaker.changes = changes([0, 99, 110]).collect();
        check(&records, "99ms");
        records.breaker.changes.remove(1);
        check(&records, "from Open");
    }
}
