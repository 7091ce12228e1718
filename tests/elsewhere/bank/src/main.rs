//! A program as a user writes it: its entities come from another crate and from itself, sarsen has another name here, and
//! what knows no types works beside it. It checks itself: it exits with 1 when something is not as it should be.

#![expect(unreachable_pub, reason = "in a program, `pub` says as much as `pub(crate)` and reads better")]

mod branch;

use branch::{Branch, ask_balance, close_all, level, look, standing_order};
use elsewhere_accounts::{Account, Refused, Savings, any, register};
use serde_json::{Value, json};
use stone::{Builder, CallError, Client, Runtime};

fn builder() -> Builder {
    register(Runtime::builder())
        .entity::<Branch>()
        .orchestration(standing_order)
        .orchestration(level)
        .orchestration(close_all)
        .activity(look)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = tempfile::tempdir()?;
    let runtime = builder().open(place.path().join("bank")).await?;
    let client = runtime.client();
    by_type(&client).await?;
    by_name(&client).await?;
    helped(&client).await?;
    runtime.shutdown().await?;
    Ok(())
}

/// Requires that something is as it should be.
fn require<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, not {expected:?}")) }
}

async fn by_type(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
    let (ada, ben) = (client.entity::<Account>("ada"), client.entity::<Account>("ben"));
    ada.deposit(100).signal().await?;
    let order = |amount| ("ada".to_owned(), "ben".to_owned(), amount);
    let run = client.start(standing_order, order(30)).id("order-1").await?;
    require("ben has", &run.result().await??, &30)?;
    let refused = client.start(standing_order, order(500)).await?.result().await?;
    require("an order that is too high", &refused, &Err(Refused::Insufficient { missing: 430 }))?;
    require("ada has", &ask_balance(&ada).await?, &70)?;
    let savings = client.entity::<Savings>("ben");
    savings.save(12).await?;
    savings.cash_in().await?;
    require("ben has", &ask_balance(&ben).await?, &42)?;
    Ok(())
}

async fn by_name(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
    let cleo = client.entity_named("account", "cleo");
    require("deposited", &cleo.operation("deposit", &json!(5)).await?, &json!(5))?;
    require("the state", &cleo.state().await?, &Some(json!({ "balance": 5 })))?;
    let Err(CallError::UnknownOperation { known, .. }) = cleo.operation::<Value>("steal", &json!(5)).await
    else {
        return Err("an operation that there is not was done".into());
    };
    require("the operations", &known.as_str(), &"balance, delete, deposit, withdraw")?;
    let run = client.start_named("level", &json!(["ada", "ben", "cleo"])).await?;
    require("each has", &run.result_as().await?, &json!(39))?;
    Ok(())
}

async fn helped(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
    require("accounts", &any::count::<Account>(client).await?, &3)?;
    require("branches", &any::count::<Branch>(client).await?, &1)?;
    require("dora's account is there", &any::exists::<Account>(client, "dora").await?, &false)?;
    require("cleo's account is there", &any::exists::<Account>(client, "cleo").await?, &true)?;
    any::delete(&client.entity::<Account>("cleo")).await?;
    require("cleo's account is still there", &any::exists::<Account>(client, "cleo").await?, &false)?;
    client.entity::<Branch>("main").close("ben".to_owned()).await?;
    let run = client.start(close_all, vec!["ada".to_owned(), "ben".to_owned()]).await?;
    require("what was left", &run.result().await??, &39)?;
    require("accounts in the end", &any::count::<Account>(client).await?, &0)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use elsewhere_accounts::{receipt, transfer};
    use std::collections::BTreeSet;
    use stone::testing::{Crash, MemoryWorld, VirtualHost};

    /// The virtual host of a crate that has another name, over entities of a third one.
    fn open(seed: u64) -> VirtualHost<MemoryWorld> {
        VirtualHost::builder()
            .seed(seed)
            .entity::<Account>()
            .entity::<Branch>()
            .orchestration(transfer)
            .orchestration(standing_order)
            .activity(receipt)
            .activity(look)
            .open()
    }

    fn order(client: &Client) -> stone::StartRequest<standing_order> {
        let order = ("ada".to_owned(), "ben".to_owned(), 3);
        client.start(standing_order, order).id("order").reuse(stone::Reuse::Return)
    }

    #[test]
    fn an_order_of_another_crate_is_done_once_whenever_the_process_dies() {
        let mut stages = BTreeSet::new();
        for seed in 0..50 {
            let mut host = open(seed);
            let client = host.client();
            host.run(client.entity::<Account>("ada").deposit(10).idempotency_key("first").into_future())
                .unwrap();
            let ordered = order(&client).into_future();
            host.spawn(async move { drop(ordered.await) });
            let actions = host.random().below(200);
            host.act_times(actions);
            host.crash(Crash::Power);
            let client = host.client();
            let (ada, ben) = (client.entity::<Account>("ada"), client.entity::<Account>("ben"));
            let main = client.entity::<Branch>("main");
            let paid = host.run(any::state_of::<Account, _>(&ben).into_future()).unwrap();
            let counted = host.run(any::state_of::<Branch, _>(&main).into_future()).unwrap();
            stages.insert((paid.is_some(), counted.is_some()));
            let run = host.run(order(&client).into_future()).unwrap();
            assert_eq!(host.run(run.result().into_future()), Ok(Ok(3)), "seed {seed}");
            assert_eq!(host.run(ask_balance(&ada).into_future()), Ok(7), "seed {seed}");
            assert_eq!(host.run(ask_balance(&ben).into_future()), Ok(3), "seed {seed}");
            let counted = host.run(any::state_of::<Branch, _>(&main).into_future()).unwrap();
            assert_eq!(counted.map(|branch| branch.orders), Some(1), "seed {seed}");
        }
        assert_eq!(stages.len(), 3, "not paid, paid and not counted, counted: {stages:?}");
    }

    #[test]
    fn helpers_that_know_no_type_look_count_and_delete() {
        let mut host = open(1);
        let client = host.client();
        let (ada, main) = (client.entity::<Account>("ada"), client.entity::<Branch>("main"));
        host.run(async move {
            assert!(any::state_of::<Account, _>(&ada).await.unwrap().is_none());
            for key in ["ada", "ben"] {
                client.entity::<Account>(key).deposit(1).await.unwrap();
            }
            assert!(any::exists::<Account>(&client, "ada").await.unwrap());
            assert_eq!(any::count::<Account>(&client).await, Ok(2));
            any::delete(&ada).await.unwrap();
            main.close("ben".to_owned()).await.unwrap();
            // The deletion that an operation has sent is done before what comes behind it.
            assert_eq!(client.entity::<Account>("ben").balance().await, Ok(0));
            assert!(!any::exists::<Account>(&client, "ben").await.unwrap());
            assert_eq!(any::count::<Account>(&client).await, Ok(0));
        });
    }
}
