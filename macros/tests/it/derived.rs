//! The account of the `Entity` trait's page, by the macros.

use crate::by_hand::Insufficient;
use sarsen::EntityContext;
use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    balance: i64,
}

#[operations]
impl Account {
    fn deposit(&mut self, amount: i64) -> i64 {
        self.balance += amount;
        self.balance
    }

    fn withdraw(&mut self, amount: i64) -> Result<i64, Insufficient> {
        self.balance = self.balance.checked_sub(amount).filter(|rest| *rest >= 0).ok_or(Insufficient)?;
        Ok(self.balance)
    }

    fn sweep(&mut self, cx: &mut EntityContext<'_>, into: String, keep: i64) {
        let rest = self.balance.min(keep);
        cx.entity::<Self>(into).deposit(self.balance - rest).signal();
        self.balance = rest;
    }

    fn balance(&self) -> i64 {
        self.balance
    }
}
