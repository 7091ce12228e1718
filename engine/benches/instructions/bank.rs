//! An orchestration that moves something from one counter to another, under both locks.

use crate::{counter::Counter, script::Ask};
use sarsen_orchestration::{Context, Orchestration, OrchestrationType};
use sarsen_protocol::{Address, Body, CallError, Returns, json};

#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(crate) struct bank {}

impl OrchestrationType for bank {
    const NAME: &'static str = "bank";
    type Input = (String, String, u64);
}

impl Orchestration for bank {
    type Output = Result<u64, CallError>;

    fn returns() -> Returns<Self::Output> {
        Returns::fallible()
    }

    /// Two locks and three calls.
    async fn run(cx: Context, (from, to, amount): (String, String, u64)) -> Result<u64, CallError> {
        let held = cx.lock((cx.entity::<Counter>(&from), cx.entity::<Counter>(&to))).await?;
        let (from, to) = held.refs();
        let before = from.count().await?;
        let after = from.add(amount).await?;
        to.add(amount).await?;
        Ok(after - before)
    }
}

/// The start of a run.
pub(crate) fn start(ask: &mut Ask<'_>) -> (Address, Body) {
    let (from, to) = ask.pair();
    let input = json::encode(&(from.key(), to.key(), 3_u64)).expect("an order has JSON");
    ask.start(bank::NAME, input)
}
