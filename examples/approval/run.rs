//! The course of a request: asked, answered or not, decided.

use crate::{
    Error,
    deciding::{ANSWER, Answer, Decided, Request, Stage, approval},
    keyboard, script,
};
use sarsen::{CallError, Client, Reuse, Run};
use std::time::Duration;
use tokio::time::sleep;

/// A request that is decided, and what the check must know of it.
pub struct Asked {
    pub number: u64,
    pub what: String,
    pub decided: Decided,
    /// What was answered, if anything was.
    pub answer: Option<Answer>,
    /// Whether the answer was there before anybody escalated.
    pub in_time: bool,
}

/// Has the request of this number decided, by the script.
pub async fn scripted(client: &Client, number: u64, deadline: Duration) -> Result<Asked, Error> {
    let what = script::what(number);
    let request = Request { what: what.clone(), deadline };
    let start = client.start(approval, request).id(format!("approval-{number:06}"));
    let run = start.reuse(Reuse::Return).await?;
    let answer = script::answer(number);
    let mut in_time = false;
    if let Some(answer) = &answer {
        // Somebody thinks about it.
        sleep(deadline / 4).await;
        in_time = give(&run, answer).await?;
    }
    Ok(Asked { number, what, decided: run.result().await??, answer, in_time })
}

/// Has a request decided by whoever sits at the keyboard.
pub async fn by_keyboard(client: &Client, deadline: Duration) -> Result<Asked, Error> {
    const ID: &str = "approval-by-keyboard";
    let what = "a new keyboard".to_owned();
    let start = client.start(approval, Request { what: what.clone(), deadline }).id(ID);
    let run = match start.reuse(Reuse::ReplaceFinished).await {
        // It was interrupted: its deadline is what it was then.
        Err(CallError::RunExists { .. }) => client.run(approval, ID),
        started => started?,
    };
    let mut answers = keyboard::answers(&what);
    let (mut answer, mut in_time) = (None, false);
    let decided = tokio::select! {
        decided = run.result() => decided??,
        Some(given) = answers.recv() => {
            in_time = give(&run, &given).await?;
            answer = Some(given);
            run.result().await??
        }
    };
    Ok(Asked { number: 1, what, decided, answer, in_time })
}

/// Gives an answer; returns whether it came before anybody escalated.
async fn give(run: &Run<approval>, answer: &Answer) -> Result<bool, CallError> {
    // An interrupted process may have given it already: the run takes the first.
    match run.raise(ANSWER, answer).await {
        Ok(()) => Ok(run.status().await?.custom_status()? != Some(Stage::Escalating)),
        Err(CallError::RunFinished { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
