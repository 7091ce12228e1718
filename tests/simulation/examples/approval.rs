//! `approval`: three requests, of which one is not answered.

#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/approval/deciding.rs"]
mod deciding;
#[expect(unreachable_pub, reason = "it is a part of a program")]
#[path = "../../../examples/approval/script.rs"]
mod script;

use super::{Outcome, Show};
use deciding::{ANSWER, Decision, Request, approval, ask, escalate};
use futures::future::try_join_all;
use sarsen_protocol::{CallError, Reuse};
use sarsen_runtime::Client;
use serde_json::{Value, json};
use std::{error::Error, time::Duration};

const DEADLINE: Duration = Duration::from_secs(60);

pub(super) const SHOW: Show = Show {
    register: |builder| builder.orchestration(approval).activity(ask).activity(escalate),
    play: |client| Box::pin(play(client)),
};

async fn play(client: Client) -> Outcome {
    let decisions = try_join_all((1..=3).map(|number| decide(&client, number))).await?;
    Ok(json!(decisions))
}

async fn decide(client: &Client, number: u64) -> Result<Value, Box<dyn Error>> {
    let request = Request { what: script::what(number), deadline: DEADLINE };
    let start = client.start(approval, request).id(format!("approval-{number}"));
    let run = start.reuse(Reuse::Return).await?;
    if let Some(answer) = script::answer(number) {
        match run.raise(ANSWER, &answer).await {
            Ok(()) | Err(CallError::RunFinished { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let decided = run.result().await??;
    let late = matches!(decided.decision, Decision::Escalated { .. });
    assert_eq!(late, decided.waited >= DEADLINE, "{decided:?}");
    Ok(json!(decided.decision))
}
