//! `aggregator`: two orders, whose notifications are repeated and in any order.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/aggregator/collecting.rs"]
mod collecting;
#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/aggregator/deliveries.rs"]
mod deliveries;

use super::{Outcome, Show};
use collecting::{Collector, pack, ship, shipment};
use deliveries::{Notification, notifications, order};
use futures::{TryStreamExt, future::try_join_all};
use sarsen_protocol::CallError;
use sarsen_runtime::Client;
use serde_json::json;
use std::collections::BTreeMap;

const ORDERS: u64 = 2;

pub(super) const SHOW: Show = Show {
    register: |builder| builder.entity::<Collector>().orchestration(ship).activity(pack),
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    let told = notifications(ORDERS).into_iter();
    let signals = told.map(|Notification { order: number, part }| {
        client.entity::<Collector>(order(number)).notify(part).signal().into_future()
    });
    try_join_all(signals).await?;
    let mut parcels = Vec::new();
    for order in (0..ORDERS).map(order) {
        let run = client.run(ship, shipment(&order));
        let parcel = loop {
            match run.result().await {
                Err(CallError::RunNotFound { .. }) => {}
                ended => break ended??,
            }
        };
        parcels.push(parcel);
    }
    let collectors = client.entities::<Collector>().with_state().map_ok(|it| (it.key, it.state));
    let collectors: BTreeMap<String, Collector> = collectors.try_collect().await?;
    let runs = client.runs().orchestration(ship).map_ok(|run| run.id.to_string());
    let mut runs: Vec<String> = runs.try_collect().await?;
    runs.sort_unstable();
    Ok(json!({ "parcels": parcels, "collectors": collectors, "runs": runs }))
}
