//! `circuit_breaker`: so many orders that the service breaks down once. When what was called differs with each crash; which
//! orders are charged, and what must hold, is the same.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/circuit_breaker/breaker.rs"]
mod breaker;
#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/circuit_breaker/charging.rs"]
mod charging;
#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/circuit_breaker/verify.rs"]
mod verify;

use super::{Outcome, Show};
use breaker::Breaker;
use charging::{Payments, charge, pay, payment};
use futures::future::try_join_all;
use sarsen_protocol::{CallError, Reuse};
use sarsen_runtime::Client;
use serde_json::json;
use verify::Records;

const ORDERS: u64 = 7;

/// How many orders are under way at a time.
const IN_FLIGHT: u64 = 4;

pub(super) const SHOW: Show = Show {
    register: |builder| builder.entity::<Breaker>().entity::<Payments>().orchestration(pay).activity(charge),
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    let charge = async |order: u64| -> Result<u64, CallError> {
        client.start(pay, order).id(payment(order)).reuse(Reuse::Return).await?.result().await?
    };
    let charge_every = async |first: u64| -> Result<(), CallError> {
        for order in (first..ORDERS).step_by(usize::try_from(IN_FLIGHT).expect("it is small")) {
            charge(order).await?;
        }
        Ok(())
    };
    try_join_all((0..IN_FLIGHT).map(charge_every)).await?;
    let records = Records::read_back(&client).await?;
    let charged: Vec<&u64> = records.payments.charged.keys().collect();
    Ok(json!({ "charged": charged, "faults": records.faults(ORDERS, IN_FLIGHT) }))
}
