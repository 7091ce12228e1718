//! The bank: accounts, and what moves money between them.

use sarsen::{CallError, Context, Entity, join_all, operations, orchestration};
use serde::{Deserialize, Serialize};

/// What an account is opened with.
pub const OPENED_WITH: i64 = 100;

/// Money, and how often it moved.
#[derive(Entity, Clone, Debug, Serialize, Deserialize)]
#[entity(initial = Account::opened)]
pub struct Account {
    balance: i64,
    sent: u64,
    received: u64,
}

#[operations]
impl Account {
    pub fn withdraw(&mut self, amount: i64) -> Result<i64, Insufficient> {
        if self.balance < amount {
            return Err(Insufficient { missing: amount - self.balance });
        }
        self.balance -= amount;
        self.sent += 1;
        Ok(self.balance)
    }

    pub fn deposit(&mut self, amount: i64) -> i64 {
        self.balance += amount;
        self.received += 1;
        self.balance
    }

    pub fn show(&self) -> Account {
        self.clone()
    }
}

impl Account {
    fn opened(_key: &str) -> Self {
        Self { balance: OPENED_WITH, sent: 0, received: 0 }
    }

    /// The key of the account of this number.
    pub fn key(number: u64) -> String {
        format!("account-{number:03}")
    }
}

/// How much there is to do, of which there is one in a data directory.
#[derive(Entity, Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    pub accounts: u64,
    pub transfers: u64,
}

#[operations]
impl Plan {
    /// Raises the numbers; none is lowered.
    pub fn raise(&mut self, accounts: u64, transfers: u64) -> Plan {
        self.accounts = self.accounts.max(accounts);
        self.transfers = self.transfers.max(transfers);
        *self
    }
}

/// What is to be moved from where to where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub from: String,
    pub to: String,
    pub amount: i64,
}

/// What both accounts have afterwards.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receipt {
    from: i64,
    to: i64,
}

/// Moves money while nobody else sees or moves that of the two accounts.
#[orchestration]
pub async fn transfer(cx: Context, order: Order) -> Result<Receipt, TransferError> {
    let held = cx.lock((cx.entity::<Account>(&order.from), cx.entity::<Account>(&order.to))).await?;
    let (from, to) = held.refs();
    // An error leaves here, and leaving gives the locks back.
    let left = from.withdraw(order.amount).await??;
    let reached = to.deposit(order.amount).await?;
    Ok(Receipt { from: left, to: reached })
}

/// What all accounts have together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub money: i64,
    pub sent: u64,
    pub received: u64,
}

/// Counts all money at one moment: under the locks of all accounts, none of it is under way.
#[orchestration]
pub async fn audit(cx: Context, accounts: u64) -> Result<Totals, TransferError> {
    let all: Vec<_> = (0..accounts).map(|number| cx.entity::<Account>(Account::key(number))).collect();
    let held = cx.lock(all).await?;
    let shown = join_all(held.refs().iter().map(AccountRef::show)).await;
    let mut totals = Totals::default();
    for account in shown {
        let Account { balance, sent, received } = account?;
        totals.money += balance;
        totals.sent += sent;
        totals.received += received;
    }
    Ok(totals)
}

/// The account has less than is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{missing} are missing")]
pub struct Insufficient {
    missing: i64,
}

/// Why nothing was moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Insufficient(#[from] Insufficient),
    #[error(transparent)]
    Call(#[from] CallError),
}
