//! An orchestration of one activity.

use crate::script::Ask;
use sarsen_orchestration::{Activity, Context, Orchestration, OrchestrationType};
use sarsen_protocol::{Address, Body, CallError, Returns, json};

/// As little work as an activity can be; the script answers it with its input.
#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(crate) struct increment {}

fn increment() -> increment {
    increment {}
}

impl Activity for increment {
    const NAME: &'static str = "increment";
    type Input = u64;
    type Output = u64;

    fn returns() -> Returns<u64> {
        Returns::value()
    }
}

#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(crate) struct hello {}

impl OrchestrationType for hello {
    const NAME: &'static str = "hello";
    type Input = u64;
}

impl Orchestration for hello {
    type Output = Result<u64, CallError>;

    fn returns() -> Returns<Self::Output> {
        Returns::fallible()
    }

    async fn run(cx: Context, number: u64) -> Result<u64, CallError> {
        cx.activity(increment, number).await
    }
}

/// The start of a run.
pub(crate) fn start(ask: &mut Ask<'_>) -> (Address, Body) {
    ask.start(hello::NAME, json::encode(&7_u64).expect("a number has JSON"))
}
