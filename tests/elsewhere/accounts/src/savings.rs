//! An entity in a module of its own, which signals one beside it.

use crate::Account;
use sarsen::{Entity, EntityContext, operations};
use serde::{Deserialize, Serialize};

/// Money put aside for the account of the same key.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
#[entity(name = "savings_of_account")]
pub struct Savings {
    saved: i64,
}

#[operations]
impl Savings {
    /// Puts so much aside.
    pub fn save(&mut self, amount: i64) {
        self.saved += amount;
    }

    /// Gives all of it to the account.
    pub fn cash_in(&mut self, cx: &mut EntityContext<'_>) -> i64 {
        cx.entity::<Account>(cx.key()).deposit(self.saved).signal();
        std::mem::take(&mut self.saved)
    }
}
