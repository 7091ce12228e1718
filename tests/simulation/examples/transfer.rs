//! `transfer`: a few transfers at a time, and an audit.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/transfer/bank.rs"]
mod bank;

use super::{Outcome, Show};
use bank::{Account, OPENED_WITH, Order, Plan, TransferError, audit, transfer};
use futures::{TryStreamExt, future::try_join_all};
use sarsen_protocol::Reuse;
use sarsen_runtime::Client;
use serde_json::json;
use std::{collections::BTreeMap, error::Error};

const ACCOUNTS: u64 = 3;

pub(super) const SHOW: Show = Show {
    register: |builder| {
        let builder = builder.entity::<Account>().entity::<Plan>();
        builder.orchestration(transfer).orchestration(audit)
    },
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    let plan = client.entity::<Plan>("plan").raise(ACCOUNTS, 6).await?;
    let transfers = (1..=plan.transfers).map(|number| transfer_one(&client, number));
    let moved = try_join_all(transfers).await?;
    let audit = client.start(audit, plan.accounts).id("audit").reuse(Reuse::Return).await?;
    let totals = audit.result().await??;
    let accounts = client.entities::<Account>().with_state().map_ok(|it| (it.key, it.state));
    let accounts: BTreeMap<String, Account> = accounts.try_collect().await?;
    let locks = client.locks().await?;
    assert!(locks.is_empty(), "{locks:?}");
    Ok(json!({ "moved": moved, "totals": totals, "accounts": accounts }))
}

/// Returns whether money was moved: in each round once, and at last there is not enough.
async fn transfer_one(client: &Client, number: u64) -> Result<bool, Box<dyn Error>> {
    let amount = if number == 6 { OPENED_WITH * 10 } else { 7 };
    let (from, to) = (Account::key(number % ACCOUNTS), Account::key((number + 1) % ACCOUNTS));
    let start = client.start(transfer, Order { from, to, amount }).id(format!("t-{number}"));
    match start.reuse(Reuse::Return).await?.result().await? {
        Ok(_receipt) => Ok(true),
        Err(TransferError::Insufficient(_)) => Ok(false),
        Err(failed @ TransferError::Call(_)) => Err(failed.into()),
    }
}
