//! `monitor`: a few rounds, each an execution of its own.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/monitor/watching.rs"]
mod watching;

use super::{Outcome, Show};
use sarsen_protocol::Reuse;
use sarsen_runtime::Client;
use serde_json::json;
use std::time::Duration;
use watching::{Logbook, Watch, look, monitor};

pub(super) const SHOW: Show = Show {
    register: |builder| builder.entity::<Logbook>().orchestration(monitor).activity(look),
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    let pause = Duration::from_secs(10);
    let watch = Watch { logbook: "log".to_owned(), round: 0, rounds: 8, pause, outages: 0 };
    let run = client.start(monitor, watch).id("monitor").reuse(Reuse::Return).await?;
    let outages = run.result().await??;
    let logbook = client.entity::<Logbook>("log").state().await?;
    Ok(json!({ "outages": outages, "logbook": logbook }))
}
