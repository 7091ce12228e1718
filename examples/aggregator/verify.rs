//! The check at the end, from what the collectors have kept and which runs there are.

use crate::{
    collecting::{Collector, PARTS, ship, shipment},
    deliveries::order,
};
use futures::TryStreamExt;
use sarsen::{CallError, Client, RunStatus};
use std::collections::BTreeMap;

/// What there is in the end.
#[derive(Default)]
pub struct Records {
    pub collectors: BTreeMap<String, Collector>,
    pub shipments: BTreeMap<String, RunStatus>,
}

impl Records {
    pub async fn read_back(client: &Client) -> Result<Self, CallError> {
        let collectors = client.entities::<Collector>().with_state().map_ok(|it| (it.key, it.state));
        let runs = client.runs().orchestration(ship).map_ok(|run| (run.id.to_string(), run.status));
        Ok(Self { collectors: collectors.try_collect().await?, shipments: runs.try_collect().await? })
    }

    /// How many parts were told of.
    pub fn parts(&self) -> u64 {
        self.collectors.values().map(|collector| collector.parts.len() as u64).sum()
    }

    /// What is not as it should be after so many orders, in one sentence.
    pub fn fault(&self, orders: u64) -> Option<String> {
        for order in (0..orders).map(order) {
            let Collector { parts, shipped } = self.collectors.get(&order).cloned().unwrap_or_default();
            if parts.len() as u64 != PARTS || shipped != 1 {
                return Some(format!("{order} has {} parts and was shipped {shipped} times", parts.len()));
            }
            let status = self.shipments.get(&shipment(&order));
            if status != Some(&RunStatus::Completed) {
                return Some(format!("the shipment of {order} is {status:?}"));
            }
        }
        let (orders, shipments) = (self.collectors.len(), self.shipments.len());
        (orders != shipments).then(|| format!("there are {shipments} shipments of {orders} orders"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Records {
        let collector = Collector { parts: (0..PARTS).collect(), shipped: 1 };
        let orders = || (0..3).map(order);
        Records {
            collectors: orders().map(|order| (order, collector.clone())).collect(),
            shipments: orders().map(|order| (shipment(&order), RunStatus::Completed)).collect(),
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Records), fault: &str) {
        let mut records = records();
        change(&mut records);
        let found = records.fault(3).unwrap_or_default();
        assert!(found.contains(fault), "{fault:?} is not in {found:?}");
    }

    #[test]
    fn every_fault_is_found() {
        let collector = |records: &mut Records, change: fn(&mut Collector)| {
            change(records.collectors.get_mut(&order(1)).expect("it is there"));
        };
        assert_eq!(records().fault(3), None);
        check(
            |records| collector(records, |it| it.shipped = 2),
            "order-00001 has 10 parts and was shipped 2",
        );
        check(|records| collector(records, |it| it.parts.retain(|part| *part != 3)), "has 9 parts");
        check(|records| records.shipments.retain(|id, _| *id != shipment(&order(2))), "order-00002 is None");
        check(
            |records| records.shipments.extend([("another".to_owned(), RunStatus::Running)]),
            "4 shipments of 3 orders",
        );
    }
}
