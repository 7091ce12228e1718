//! An orchestration that gives up at the first failure, and is rewound by clients until it does not fail any more.
//!
//! What it returns depends on nothing but its input, however often it was rewound, and wherever.

use super::{
    act::{Conduct, Node},
    activity::{Order, work},
};
use sarsen_orchestration::{Awaited, Context, Orchestration};
use sarsen_protocol::{CallError, OrchestrationType, Returns};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// The input: one stage after the other, the pieces of each side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stages(pub(crate) Vec<Vec<Piece>>);

/// A part of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Piece {
    /// An activity that fails so often.
    Work(Node, u8),
    Sleep(u64),
    Child(Stages),
}

/// A stage has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stage has failed")
    }
}

impl Stages {
    /// What a run returns that comes to its end: what was done, in the order of the stages, activities first.
    pub(crate) fn expected(&self) -> Vec<Node> {
        let mut done = Vec::new();
        for stage in &self.0 {
            done.extend(stage.iter().filter_map(|piece| match piece {
                Piece::Work(node, _) => Some(*node),
                Piece::Sleep(_) | Piece::Child(_) => None,
            }));
            done.extend(stage.iter().flat_map(|piece| match piece {
                Piece::Child(stages) => stages.expected(),
                Piece::Work(..) | Piece::Sleep(_) => Vec::new(),
            }));
        }
        done
    }
}

/// The marker of the orchestration, as `#[orchestration]` would write it.
#[expect(non_camel_case_types, reason = "a marker is named like its function")]
pub(crate) struct brittle {}

pub(crate) fn brittle() -> brittle {
    brittle {}
}

impl OrchestrationType for brittle {
    const NAME: &'static str = "brittle";
    type Input = Stages;
}

type Child = Awaited<Result<Result<Vec<Node>, Broken>, CallError>>;

impl Orchestration for brittle {
    type Output = Result<Vec<Node>, Broken>;

    fn returns() -> Returns<Self::Output> {
        Returns::fallible()
    }

    async fn run(cx: Context, stages: Stages) -> Result<Vec<Node>, Broken> {
        let mut done = Vec::new();
        for stage in stages.0 {
            done.extend(one(&cx, &stage).await?);
        }
        Ok(done)
    }
}

/// Does a stage to its end, whatever fails of it.
async fn one(cx: &Context, stage: &[Piece]) -> Result<Vec<Node>, Broken> {
    let (mut works, mut timers, mut children): (Vec<_>, Vec<_>, Vec<Child>) = Default::default();
    for piece in stage {
        match piece {
            Piece::Work(node, bad_first) => {
                // How often it has failed is not forgotten when a child begins anew.
                let order = Order { node: *node, execution: 0, conduct: Conduct::BadFirst(*bad_first) };
                works.push(cx.activity(work, order).start());
            }
            Piece::Sleep(ms) => timers.push(cx.timer(Duration::from_millis(*ms)).start()),
            Piece::Child(stages) => children.push(cx.child(brittle, stages.clone()).start()),
        }
    }
    for timer in timers {
        timer.await;
    }
    let (mut done, mut broken) = (Vec::new(), false);
    for work in works {
        match work.await {
            Ok(Ok(performed)) => done.push(performed.node),
            Ok(Err(_)) | Err(_) => broken = true,
        }
    }
    for child in children {
        match child.await {
            Ok(Ok(nodes)) => done.extend(nodes),
            Ok(Err(_)) | Err(_) => broken = true,
        }
    }
    if broken { Err(Broken) } else { Ok(done) }
}
