//! `booking`: a tour of three trips, two of which lack something.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/booking/desks.rs"]
mod desks;
#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/booking/trips.rs"]
mod trips;

use super::{Outcome, Show};
use desks::{Desk, Service};
use sarsen_protocol::Reuse;
use sarsen_runtime::Client;
use serde_json::json;
use std::time::Duration;
use trips::{Trip, book, cancel, tour, travel};

pub(super) const SHOW: Show = Show {
    register: |builder| {
        let builder = builder.entity::<Desk>().orchestration(tour).orchestration(travel);
        builder.activity(book).activity(cancel)
    },
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    let failing = [vec![], vec![Service::Flight], vec![Service::Hotel]];
    let trip = |(number, failing)| Trip {
        id: format!("trip-{number}"),
        to: "Oslo".to_owned(),
        failing,
        pause: Duration::ZERO,
    };
    let trips: Vec<Trip> = (1..).zip(failing).map(trip).collect();
    let run = client.start(tour, &trips).id("tour").reuse(Reuse::Return).await?;
    let report = run.result().await??;
    let mut books = Vec::new();
    for service in Service::ALL {
        books.push(client.entity::<Desk>(service.name()).state().await?);
    }
    let shown: Vec<String> = report.trips.iter().map(|trip| format!("{trip:?}")).collect();
    assert!(shown[2].contains("cancelled: [Flight, Conference]"), "{shown:?}");
    Ok(json!({ "report": report, "books": books }))
}
