//! Timers.

use crate::{
    Command,
    awaited::Awaited,
    core::{Core, Kind},
};
use sarsen_protocol::Timestamp;
use std::{fmt, rc::Rc};

/// A timer that is asked for, from [`Context::timer`](crate::Context::timer).
#[must_use = "a timer does not run before it is awaited, joined or started"]
pub struct TimerRequest {
    core: Rc<Core>,
    fire_at: Timestamp,
}

impl TimerRequest {
    pub(crate) fn new(core: &Rc<Core>, fire_at: Timestamp) -> Self {
        Self { core: Rc::clone(core), fire_at }
    }

    /// Starts it, to be awaited later.
    pub fn start(self) -> Awaited<()> {
        let waiter = self.core.request(Kind::Timer, Command::Timer { fire_at: self.fire_at });
        Awaited::new(&self.core, waiter, |_| ())
    }
}

impl IntoFuture for TimerRequest {
    type Output = ();
    type IntoFuture = Awaited<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}

impl fmt::Debug for TimerRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerRequest").field("fire_at", &self.fire_at).finish_non_exhaustive()
    }
}
