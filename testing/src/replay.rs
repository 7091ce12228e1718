//! Old histories under new code.

use sarsen_orchestration::{self as orchestration, ExportedHistory, Orchestration, Orchestrator, Parked};
use sarsen_orchestration::{Wait, waits};
use sarsen_protocol::OrchestrationType;

/// What a replay has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// How many events were replayed.
    pub events: u64,
    /// Whether the execution has ended.
    pub ended: bool,
    /// What it waits for, when it has not.
    pub waits: Vec<Wait>,
}

/// Why code does not fit a history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The history is of another orchestration.
    #[error("the history is of orchestration `{found}`, not of `{expected}`")]
    OtherOrchestration {
        /// What was to be replayed.
        expected: &'static str,
        /// What the history is of.
        found: String,
    },
    /// The orchestration's name is none.
    #[error("`{name}` is no name of an orchestration")]
    Name {
        /// The name.
        name: &'static str,
    },
    /// The code does not do what it did: a run with this history would be parked by it.
    #[error(transparent)]
    Parked(#[from] Parked),
}

/// Replays a history that was exported, under the code that is there: what a run with this history would do if this code
/// were deployed.
///
/// ```
/// # use sarsen_orchestration::{Context, ExportedHistory, Orchestration, OrchestrationType};
/// # use sarsen_protocol::Returns;
/// # #[allow(non_camel_case_types)] struct greet {}
/// # fn greet() -> greet { greet {} }
/// # impl OrchestrationType for greet { const NAME: &'static str = "greet"; type Input = String; }
/// # impl Orchestration for greet {
/// #     type Output = String;
/// #     fn returns() -> Returns<String> { Returns::value() }
/// #     async fn run(_cx: Context, name: String) -> String { format!("hello, {name}") }
/// # }
/// # let exported = r#"{"format":1,"events":[{"TurnStarted":{"at":1}},{"Started":{"run":"r","execution":"018bcfe5-6800-7abc-8000-000000000005","name":"greet","input":"\"Ada\"","seed":3,"parent":null,"scheduled":null,"labels":{"version":null,"tags":[],"trace":null},"limits":{"payload_bytes_max":100,"commands_per_turn_max":10,"history_events_max":10}}},{"Ended":{"Returned":"\"hello, Ada\""}}]}"#;
/// // let exported = run.export().await?.to_json()?;
/// let history = ExportedHistory::from_json(exported).unwrap();
/// let replayed = sarsen_testing::replay(greet, &history).expect("the code still does what it did");
/// assert!(replayed.ended);
/// ```
///
/// # Errors
/// [`ReplayError`].
pub fn replay<O: Orchestration>(
    _orchestration: fn() -> O,
    history: &ExportedHistory,
) -> Result<Replayed, ReplayError> {
    let (expected, found) = (<O as OrchestrationType>::NAME, history.orchestration());
    if found.as_str() != expected {
        return Err(ReplayError::OtherOrchestration { expected, found: found.to_string() });
    }
    let typed = orchestration::Typed::<O>::new().map_err(|_| ReplayError::Name { name: expected })?;
    let mut execution = typed.begin(history.start().clone());
    execution.replay(history.events())?;
    let ended = execution.is_over();
    let waits = if ended { Vec::new() } else { waits(history.events(), Some(&execution)) };
    Ok(Replayed { events: execution.events().0, ended, waits })
}
