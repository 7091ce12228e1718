//! `hello`: three cities, one after the other.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/hello/greeting.rs"]
mod greeting;

use super::{Outcome, Show};
use greeting::{hello, say_hello};
use sarsen_protocol::Reuse;
use sarsen_runtime::Client;
use serde_json::json;

pub(super) const SHOW: Show = Show {
    register: |builder| builder.orchestration(hello).activity(say_hello),
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    let cities: Vec<String> = ["Tokyo", "Cairo", "Lima"].map(str::to_owned).into();
    let run = client.start(hello, (cities, 0)).id("hello").reuse(Reuse::Return).await?;
    Ok(json!(run.result().await??))
}
