//! Accounts, as a crate of its own offers them: entities, orchestrations and activities for programs to register.

pub mod any;
mod savings;

use sarsen::{Builder, CallError, Context, Entity, activity, operations, orchestration};
use serde::{Deserialize, Serialize};

pub use savings::{Savings, SavingsRef};

/// An account, whose state is nobody else's concern.
#[derive(Entity, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    balance: i64,
}

#[operations]
impl Account {
    /// Returns the balance.
    pub fn deposit(&mut self, amount: i64) -> i64 {
        self.balance += amount;
        self.balance
    }

    /// Returns the balance.
    ///
    /// # Errors
    /// [`Refused::Insufficient`] when there is too little.
    pub fn withdraw(&mut self, amount: i64) -> Result<i64, Refused> {
        if amount > self.balance {
            return Err(Refused::Insufficient { missing: amount - self.balance });
        }
        self.balance -= amount;
        Ok(self.balance)
    }

    /// What there is.
    pub fn balance(&self) -> i64 {
        self.balance
    }
}

/// Why money was not moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refused {
    /// There is too little.
    #[error("{missing} are missing")]
    Insufficient {
        /// How much.
        missing: i64,
    },
    /// Something else went wrong.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// A text that tells of it, for whoever is told.
#[activity]
pub async fn receipt(from: String, to: String, amount: i64) -> String {
    format!("{from} gave {to} {amount}")
}

/// Moves money under the locks of both accounts; returns the receipt.
///
/// # Errors
/// [`Refused`].
#[orchestration]
pub async fn transfer(cx: Context, from: String, to: String, amount: i64) -> Result<String, Refused> {
    let held = cx.lock((cx.entity::<Account>(&from), cx.entity::<Account>(&to))).await?;
    let (giver, taker) = held.refs();
    giver.withdraw(amount).await??;
    taker.deposit(amount).await?;
    held.release();
    Ok(cx.activity(receipt, (from, to, amount)).await?)
}

/// Registers all of it.
pub fn register(builder: Builder) -> Builder {
    builder.entity::<Account>().entity::<Savings>().orchestration(transfer).activity(receipt)
}
