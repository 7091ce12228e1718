//! `ride_sharing`: few rides of fewer drivers. Who rides with whom is drawn anew in each run; what must hold is the same.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/ride_sharing/people.rs"]
mod people;
#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/ride_sharing/riding.rs"]
mod riding;
#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/ride_sharing/verify.rs"]
mod verify;

use super::{Outcome, Show};
use futures::future::try_join_all;
use people::{Driver, Rider};
use riding::{Found, Wish, ride, run_of};
use sarsen_protocol::{CallError, Reuse};
use sarsen_runtime::Client;
use serde_json::json;
use verify::Records;

const RIDES: u64 = 2;
const RIDERS: u64 = 2;
const DRIVERS: u64 = 1;

pub(super) const SHOW: Show = Show {
    register: |builder| builder.entity::<Rider>().entity::<Driver>().orchestration(ride),
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    let go = async |number: u64| -> Result<Found, CallError> {
        let wish = Wish { ride: number, rider: number % RIDERS, drivers: DRIVERS, locks: true };
        client.start(ride, wish).id(run_of(number)).reuse(Reuse::Return).await?.result().await?
    };
    let rides = try_join_all((0..RIDES).map(go)).await?.len();
    let records = Records::read_back(&client).await?;
    Ok(json!({ "rides": rides, "riders": records.riders.len(), "faults": records.faults(RIDES) }))
}
