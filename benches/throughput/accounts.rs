//! Accounts, and the orchestration that moves money between two of them.

use futures::TryStreamExt;
use sarsen::{CallError, Client, Context, Entity, operations, orchestration};
use serde::{Deserialize, Serialize};

/// Holds money, less than none too: what is measured never fails for want of it.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    balance: i64,
    moves: u64,
}

#[operations]
impl Account {
    fn withdraw(&mut self, amount: i64) -> i64 {
        self.balance -= amount;
        self.moves += 1;
        self.balance
    }

    fn deposit(&mut self, amount: i64) -> i64 {
        self.balance += amount;
        self.moves += 1;
        self.balance
    }

    fn balance(&self) -> i64 {
        self.balance
    }
}

/// What is to be moved from where to where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) amount: i64,
}

/// Two locks and three calls; returns by how much the first account went down.
#[orchestration]
pub(crate) async fn bank(cx: Context, order: Order) -> Result<i64, CallError> {
    let held = cx.lock((cx.entity::<Account>(&order.from), cx.entity::<Account>(&order.to))).await?;
    let (from, to) = held.refs();
    let before = from.balance().await?;
    let after = from.withdraw(order.amount).await?;
    to.deposit(order.amount).await?;
    Ok(before - after)
}

/// What the accounts say when they are asked together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Books {
    /// Zero, since all of it was taken from another account.
    pub(crate) money: i64,
    pub(crate) transfers: u64,
}

impl Books {
    pub(crate) async fn read(client: &Client) -> Result<Self, CallError> {
        let accounts = client.entities::<Account>().with_state();
        let (money, moves) = accounts
            .try_fold((0, 0), async |(money, moves), account| {
                Ok((money + account.state.balance, moves + account.state.moves))
            })
            .await?;
        Ok(Self { money, transfers: moves / 2 })
    }
}
