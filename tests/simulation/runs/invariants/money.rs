//! Money is conserved: every account's balance is what its log says, what one side of a transfer gives the other gets,
//! and it gets nothing that was not given. A transfer that gave and did not get was cut off: its execution was
//! terminated, replaced, or has ended by its own code in the middle of it, or an operator has taken a lock from it.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        account::{Account, BALANCE, Entry},
        act::Node,
        memory::Memory,
    },
};
use sarsen_protocol::Keyspace;
use sarsen_testing::Fault;
use std::collections::BTreeMap;

pub(crate) const NAME: &str = "money";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::LoseRows(Keyspace::Instances))];

pub(crate) fn check(accounts: &BTreeMap<String, Account>, memory: &Memory) -> Checked {
    let mut given: BTreeMap<(Node, u64), i64> = BTreeMap::new();
    let mut got: BTreeMap<(Node, u64), i64> = BTreeMap::new();
    for (key, account) in accounts {
        let sum: i64 = account.log.iter().map(|entry| entry.change).sum();
        if account.balance != BALANCE + sum || account.balance < 0 {
            return Err(format!("account {key} has {} and its log comes to {sum}", account.balance));
        }
        for Entry { op, change, .. } in account.log.iter().filter(|entry| entry.change != 0) {
            let side = if op.part == 0 { &mut given } else { &mut got };
            if side.insert((op.node, op.execution), *change).is_some() {
                return Err(format!("{op:?} has moved money twice, the second time in account {key}"));
            }
        }
    }
    for (transfer, amount) in &got {
        if given.get(transfer) != Some(&-amount) {
            return Err(format!("{transfer:?} has brought {amount} and taken {:?}", given.get(transfer)));
        }
    }
    for (transfer, amount) in given.iter().filter(|(transfer, _)| !got.contains_key(transfer)) {
        if memory.is_whole(transfer.1) {
            return Err(format!("{transfer:?} has taken {amount} and brought nothing, and was not cut off"));
        }
    }
    Ok(())
}
