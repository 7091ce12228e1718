//! Orchestrations that operations start.

use crate::{EntityContext, Outgoing};
use sarsen_protocol::{Failure, FailureKind, OrchestrationName, Payload, RunId};

/// An orchestration that an operation starts, from [`EntityContext::start`]; not yet sent.
///
/// An operation never waits, so it cannot learn what becomes of the run.
#[derive(Debug)]
#[must_use = "nothing is started before `.detach()`"]
pub struct TurnStart<'t> {
    cx: &'t EntityContext<'t>,
    name: OrchestrationName,
    input: Result<Payload, Failure>,
    id: Option<String>,
}

impl<'t> TurnStart<'t> {
    pub(crate) fn new(
        cx: &'t EntityContext<'t>,
        name: OrchestrationName,
        input: Result<Payload, Failure>,
    ) -> Self {
        Self { cx, name, input, id: None }
    }

    /// Gives the run its id; when there is a run of that id, nothing is started. Without it, the id is generated.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Starts it, if the operation succeeds. Starts and signals leave in the order in which they are sent.
    pub fn detach(self) {
        let Self { cx, name, input, id } = self;
        match start(name, input, id) {
            Ok(message) => cx.send(message),
            Err(fault) => cx.fail(fault),
        }
    }
}

/// The run that an operation starts, or why it is none.
pub(crate) fn start(
    name: OrchestrationName,
    input: Result<Payload, Failure>,
    id: Option<String>,
) -> Result<Outgoing, Failure> {
    let run = id.map(|id| RunId::new(&id)).transpose();
    match (run, input) {
        (Ok(run), Ok(input)) => Ok(Outgoing::Start { run, name, input }),
        (Err(error), _) => Err(Failure::new(FailureKind::InvalidAddress, error.to_string())),
        (_, Err(failure)) => Err(Failure {
            message: format!("the input of orchestration `{name}`: {}", failure.message),
            ..failure
        }),
    }
}
