//! `fan_out`: some items with a small window.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/fan_out/batch.rs"]
mod batch;

use super::{Outcome, Show};
use batch::{Batch, Summary, walk, work_through};
use sarsen_protocol::Reuse;
use sarsen_runtime::Client;
use serde_json::json;

const BATCH: Batch = Batch { items: 30, window: 4 };

pub(super) const SHOW: Show = Show {
    register: |builder| builder.orchestration(work_through).activity(walk),
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    let run = client.start(work_through, BATCH).id("batch").reuse(Reuse::Return).await?;
    let summary: Summary = run.result().await??;
    assert_eq!(summary.paths, BATCH.items);
    Ok(json!(summary))
}
