//! What the program has of its own, beside what it takes from the accounts' crate.

use elsewhere_accounts::{Account, AccountRef, Refused, any, transfer};
use serde::{Deserialize, Serialize};
use stone::{
    ActivityContext, CallError, Context, Entity, EntityContext, Port, activity,
    durable::{Caller, LockedCaller},
    operations, orchestration,
};

/// Counts what a branch of the bank has done.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
#[entity(crate = "stone")]
pub struct Branch {
    pub orders: u64,
}

#[operations(crate = "stone")]
impl Branch {
    /// Counts an order.
    pub fn count(&mut self) -> u64 {
        self.orders += 1;
        self.orders
    }

    /// Closes an account, which is of another crate.
    pub fn close(&mut self, cx: &mut EntityContext<'_>, account: String) {
        any::delete_from::<Account>(cx, &account);
    }
}

/// Looks at an account from outside.
#[activity(crate = "stone")]
pub async fn look(cx: ActivityContext, account: String) -> Result<i64, CallError> {
    cx.client().entity::<Account>(account).balance().await
}

/// A standing order: a child of the accounts' crate, a helper that knows no type, an activity of its own.
#[orchestration(crate = "stone")]
pub async fn standing_order(cx: Context, from: String, to: String, amount: i64) -> Result<i64, Refused> {
    stone::log!(cx, info, "an order of {amount}");
    cx.child(transfer, (from, to.clone(), amount)).await??;
    cx.entity::<Branch>("main").count().await?;
    Ok(cx.activity(look, &to).await??)
}

/// Makes all accounts equal, in one section.
#[orchestration(crate = "stone")]
pub async fn level(cx: Context, accounts: Vec<String>) -> Result<i64, Refused> {
    let held = any::lock_all::<Account>(&cx, &accounts).await?;
    let locked = held.refs();
    let mut sum = 0;
    for account in &locked {
        sum += account.balance().await?;
    }
    let each = sum / i64::try_from(locked.len().max(1)).unwrap_or(1);
    for account in &locked {
        empty(account).await?;
        account.deposit(each).await?;
    }
    Ok(each)
}

/// A helper of the section alone.
async fn empty(account: &AccountRef<LockedCaller<'_>>) -> Result<(), Refused> {
    let balance = account.balance().await?;
    account.withdraw(balance).await??;
    Ok(())
}

/// Asks over whatever way there is to an account: a client's, an orchestration's, a section's.
pub fn ask_balance<P: Port>(account: &AccountRef<P>) -> P::Request<i64> {
    account.balance()
}

/// Deletes accounts behind each other, by a helper that knows no type.
#[orchestration(crate = "stone")]
pub async fn close_all(cx: Context, accounts: Vec<String>) -> Result<i64, CallError> {
    let mut lost = 0;
    for key in accounts {
        let account: AccountRef<Caller> = cx.entity::<Account>(key);
        lost += ask_balance(&account).await?;
        any::delete(&account).await?;
    }
    Ok(lost)
}
