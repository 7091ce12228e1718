//! The orchestration: ask somebody, wait for the answer, and go to somebody else when there is none in time.

use sarsen::{CallError, Context, EventError, activity, orchestration};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What somebody is to approve.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    pub what: String,
    pub deadline: Duration,
}

/// What somebody says, raised as the event [`ANSWER`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub by: String,
    pub approved: bool,
}

/// The name of the event that brings an [`Answer`].
pub const ANSWER: &str = "answer";

/// How far a request has got, its custom status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    Waiting,
    Escalating,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    Approved {
        by: String,
    },
    Rejected {
        by: String,
    },
    /// Nobody answered within the deadline.
    Escalated {
        to: String,
    },
}

impl From<Answer> for Decision {
    fn from(Answer { by, approved }: Answer) -> Self {
        if approved { Self::Approved { by } } else { Self::Rejected { by } }
    }
}

/// A decision, how long the request waited for it, and how long it would have waited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decided {
    pub decision: Decision,
    pub waited: Duration,
    pub deadline: Duration,
}

/// Tells those who may approve.
#[activity]
pub async fn ask(what: String) {
    eprintln!("asked: {what}");
}

/// Hands the request to somebody who decides in the end; returns who that is.
#[activity]
pub async fn escalate(what: String) -> String {
    eprintln!("escalated: {what}");
    "the director".to_owned()
}

/// Asks, and waits for the answer until the deadline: a durable timer, which no crash delays or forgets.
#[orchestration]
pub async fn approval(cx: Context, request: Request) -> Result<Decided, ApprovalError> {
    cx.activity(ask, &request.what).await?;
    cx.set_status(&Stage::Waiting)?;
    let asked = cx.now();
    let answer = cx.event::<Answer>(ANSWER).timeout(request.deadline).await;
    let waited = cx.now().since(asked);
    let decision = match answer {
        Ok(answer) => answer.into(),
        Err(EventError::TimedOut { .. }) => {
            cx.set_status(&Stage::Escalating)?;
            Decision::Escalated { to: cx.activity(escalate, request.what).await? }
        }
        Err(misfit) => return Err(misfit.into()),
    };
    Ok(Decided { decision, waited, deadline: request.deadline })
}

/// Why there is no decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ApprovalError {
    #[error("not an answer: {0}")]
    Event(#[from] EventError),
    #[error(transparent)]
    Call(#[from] CallError),
}
