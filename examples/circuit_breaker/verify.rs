//! The check at the end, from what breaker and service have kept and which runs there are.

use super::{
    breaker::{Breaker, Change, OPEN_FOR, Phase},
    charging::{Payments, pay, payment},
};
use futures::TryStreamExt;
use sarsen::{CallError, Client, RunStatus};
use std::collections::BTreeMap;

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

    /// Everything that is not as it should be after so many orders, one sentence each.
    pub fn faults(&self, orders: u64) -> Vec<String> {
        let mut faults = Vec::new();
        for order in 0..orders {
            let status = self.runs.get(&payment(order));
            if status != Some(&RunStatus::Completed) || !self.payments.charged.contains(&order) {
                faults.push(format!("order {order} is not charged, its run is {status:?}"));
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
        faults.extend(wrong_changes(&self.breaker.changes));
        faults
    }
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
            records.payments.charged.insert(order);
            records.runs.insert(payment(order), RunStatus::Completed);
        }
        records
    }

    #[track_caller]
    fn check(records: &Records, part: &str) {
        let faults = records.faults(3);
        assert!(faults.len() == 1 && faults[0].contains(part), "{faults:?}");
    }

    #[test]
    fn what_is_not_charged_is_found_out() {
        assert!(records().faults(3).is_empty());
        let mut lost = records();
        lost.payments.charged.remove(&1);
        check(&lost, "order 1 is not charged");
        let mut stuck = records();
        stuck.runs.insert(payment(2), RunStatus::Running);
        check(&stuck, "order 2 is not charged");
        let mut useless = records();
        useless.payments.breakdowns = 1;
        check(&useless, "never open");
    }

    #[test]
    fn a_breaker_that_does_not_wait_is_found_out() {
        let at = |ms| sarsen::Timestamp::default().after(Duration::from_millis(ms));
        let (open, half) = (Phase::Open { until: at(100) }, Phase::HalfOpen { until: at(5_000) });
        let changes = |moments: [u64; 3]| {
            [open, half, Phase::default()].into_iter().zip(moments).map(|(to, ms)| Change { at: at(ms), to })
        };
        let mut records = records();
        records.breaker.changes = changes([0, 100, 110]).collect();
        assert!(records.faults(3).is_empty());
        records.breaker.changes = changes([0, 99, 110]).collect();
        check(&records, "99ms");
        records.breaker.changes.remove(1);
        check(&records, "from Open");
    }
}
