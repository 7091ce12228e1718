//! The circuit breaker: one entity that all orders ask before they call the service.

use sarsen::{Entity, EntityContext, Timestamp, operations};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many failures behind each other open it.
pub const FAILURES_MAX: u32 = 5;

/// How long it is open before somebody may try.
pub const OPEN_FOR: Duration = Duration::from_millis(100);

/// How long who tries has for it, before somebody else may: a run that was terminated never reports.
const TRY_FOR: Duration = Duration::from_secs(5);

/// Lets calls through to a service while it works, and keeps them off while it does not.
///
/// Its times are durable: a process that dies while it is open finds it open.
#[derive(Entity, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub phase: Phase,
    /// Each phase that it has entered behind the first.
    pub changes: Vec<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Whoever asks may call. So many calls have failed behind each other.
    Closed { failures: u32 },
    /// Nobody may call until this moment.
    Open { until: Timestamp },
    /// One has until this moment to try whether the service works again.
    HalfOpen { until: Timestamp },
}

/// A phase and when it was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub at: Timestamp,
    pub to: Phase,
}

/// What somebody is told who asks whether to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Permit {
    /// Call, and report under this number how it went.
    Call { phase: usize },
    /// Ask again then.
    Wait { until: Timestamp },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

#[operations]
impl Breaker {
    /// May the service be called?
    pub fn ask(&mut self, cx: &mut EntityContext<'_>) -> Permit {
        let now = cx.now();
        match self.phase {
            Phase::Closed { .. } => {}
            Phase::Open { until } if now < until => return Permit::Wait { until },
            // Somebody tries. When that is over is not known, so it is asked for again soon.
            Phase::HalfOpen { until } if now < until => return Permit::Wait { until: now.after(OPEN_FOR) },
            Phase::Open { .. } | Phase::HalfOpen { .. } => {
                self.enter(now, Phase::HalfOpen { until: now.after(TRY_FOR) });
            }
        }
        Permit::Call { phase: self.changes.len() }
    }

    /// How a call went that was permitted in a phase. What was permitted in an earlier one says nothing about this one.
    pub fn report(&mut self, cx: &mut EntityContext<'_>, phase: usize, succeeded: bool) {
        if phase != self.changes.len() {
            return;
        }
        let now = cx.now();
        let open = Phase::Open { until: now.after(OPEN_FOR) };
        match (self.phase, succeeded) {
            (Phase::Closed { .. }, true) => self.phase = Phase::default(),
            (Phase::Closed { failures }, false) if failures + 1 < FAILURES_MAX => {
                self.phase = Phase::Closed { failures: failures + 1 };
            }
            (Phase::HalfOpen { .. }, true) => self.enter(now, Phase::default()),
            (Phase::Closed { .. } | Phase::HalfOpen { .. }, false) => self.enter(now, open),
            (Phase::Open { .. }, _) => {}
        }
    }
}

impl Breaker {
    pub const KEY: &'static str = "payments";

    fn enter(&mut self, at: Timestamp, to: Phase) {
        self.phase = to;
        self.changes.push(Change { at, to });
    }
}
