//! The activity of the simulation.

use super::{
    account::{Account, Op, key},
    act::{Conduct, Deed, Node, Program},
    code::perform,
    stage,
};
use crate::ledger::PANIC;
use sarsen_orchestration::{Activity, ActivityCode};
use sarsen_protocol::{CallError, Returns};
use sarsen_runtime::{ActivityContext, Client};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    task::{Context, Poll},
    time::Duration,
};

/// What the activity is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) node: Node,
    pub(crate) execution: u64,
    pub(crate) conduct: Conduct,
}

/// What it returns: which performance it was, and in which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Performed {
    /// What it was given.
    pub(crate) node: Node,
    pub(crate) performance: u64,
    pub(crate) process: u64,
    /// Known to the activity alone: it is not written.
    #[serde(skip)]
    pub(crate) secret: u64,
}

/// That it does not do what it was given, and what it was told if somebody else is why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal(pub(crate) Performed, pub(crate) Option<String>);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "performance {} was refused", self.0.performance)
    }
}

/// The marker of the activity, as `#[activity]` would write it.
#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(crate) struct work {}

pub(crate) fn work() -> work {
    work {}
}

impl Activity for work {
    const NAME: &'static str = "work";
    type Input = Order;
    type Output = Result<Performed, Refusal>;

    fn returns() -> Returns<Self::Output> {
        Returns::fallible()
    }
}

impl ActivityCode<ActivityContext> for work {
    async fn run(cx: ActivityContext, order: Order) -> Result<Performed, Refusal> {
        let (performance, times) = stage::perform(order.node, order.execution);
        let performed = Performed { node: order.node, performance, process: stage::process(), secret: 1 };
        match order.conduct {
            Conduct::Well(polls) => {
                wait(polls).await;
                Ok(performed)
            }
            Conduct::BadFirst(most) if times >= most => Ok(performed),
            Conduct::Far(far) => {
                let place = (order.node, order.execution);
                let told = cx.progress::<u64>().unwrap_or_default().unwrap_or_default();
                let next = stage::progress(place, cx.attempt(), told);
                // What is said may wait for the process to end before it leaves.
                wait(u8::from(next.is_multiple_of(2))).await;
                if cx.heartbeat(&next).is_ok() && next >= u64::from(far) {
                    return Ok(performed);
                }
                if next.is_multiple_of(5) {
                    cx.do_not_retry();
                }
                Err(Refusal(performed, None))
            }
            Conduct::Ask(account) => {
                let account = cx.client().entity::<Account>(key(account.into()));
                // An account that its own run has locked is refused. One that another has locked is waited for, not for
                // ever: the other may wait for this run.
                let balance = account.balance().timeout(Duration::from_millis(200)).await;
                balance.map(|_| performed).map_err(|error| Refusal(performed, Some(error.to_string())))
            }
            Conduct::Talk(account) => {
                let talked = talk(&cx.client(), order, account).await;
                talked.map(|()| performed).map_err(|error| Refusal(performed, Some(error.to_string())))
            }
            Conduct::Bad | Conduct::BadFirst(_) => Err(Refusal(performed, None)),
            Conduct::Panic => panic!("{PANIC}"),
        }
    }
}

/// Talks to everybody in each of the ways that there are.
async fn talk(client: &Client, order: Order, account: u8) -> Result<(), CallError> {
    let asked = |part| {
        let op = Op { node: order.node, execution: order.execution, part };
        (op, None, Deed::Note)
    };
    let account = client.entity::<Account>(key(account.into()));
    account.perform(&asked(0)).signal().await?;
    client.start(perform, Program::new(Vec::new())).id(format!("of-{}", order.node.0)).await?;
    account.perform(&asked(1)).await.map(drop)?;
    account.balance().await.map(drop)
}

/// Is polled so often before it is done.
async fn wait(polls: u8) {
    let mut left = polls;
    std::future::poll_fn(|waking: &mut Context<'_>| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        waking.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
