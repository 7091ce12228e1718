//! Events from outside.

use crate::{
    awaited::Awaited,
    core::{Core, Outcome},
};
use sarsen_protocol::{EventName, json};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt, marker::PhantomData, rc::Rc, time::Duration};

/// An event that is waited for, from [`Context::event`](crate::Context::event).
#[must_use = "an event is not waited for before this is awaited, joined or started"]
pub struct EventRequest<T> {
    core: Rc<Core>,
    name: EventName,
    timeout: Option<Duration>,
    _value: PhantomData<fn() -> T>,
}

/// Why an event is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// It was not raised in the time that was given.
    #[error("no event `{name}` was raised within {} ms", timeout.as_millis())]
    TimedOut {
        /// The event.
        name: EventName,
        /// The time that was given.
        timeout: Duration,
    },
    /// It was raised with something else than is waited for, and is used up.
    #[error("event `{name}` does not fit the type that is waited for: {reason}")]
    Misfit {
        /// The event.
        name: EventName,
        /// What does not fit.
        reason: String,
    },
}

impl<T: DeserializeOwned> EventRequest<T> {
    pub(crate) fn new(core: &Rc<Core>, name: EventName) -> Self {
        Self { core: Rc::clone(core), name, timeout: None, _value: PhantomData }
    }

    /// Gives up after this time, with [`EventError::TimedOut`].
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Starts to wait, to be awaited later. Who starts first gets the first event.
    pub fn start(self) -> Awaited<Result<T, EventError>> {
        let Self { core, name, timeout, .. } = self;
        let until = timeout.map(|timeout| core.look().now.after(timeout));
        let waiter = core.request_event(&name, until);
        Awaited::new(&core, waiter, move |outcome| match outcome {
            Outcome::Answer(event) => event
                .and_then(|event| json::decode(&event))
                .map_err(|failure| EventError::Misfit { name, reason: failure.message }),
            Outcome::Due => Err(EventError::TimedOut { name, timeout: timeout.unwrap_or_default() }),
        })
    }
}

impl<T: DeserializeOwned> IntoFuture for EventRequest<T> {
    type Output = Result<T, EventError>;
    type IntoFuture = Awaited<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}

impl<T> fmt::Debug for EventRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRequest")
            .field("name", &self.name)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
