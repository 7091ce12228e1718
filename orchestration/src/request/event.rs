//! Events from outside.

use super::TimerRequest;
use crate::{
    Branch, Either,
    awaited::Awaited,
    core::{Core, Outcome},
    join_all, select,
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

    /// Waits for so many events of this name, in the order in which they are raised: awaited as a `Vec`. What
    /// [`timeout`](Self::timeout) says is for all of them together; when it passes, those that have come stay for who waits
    /// next.
    pub fn times(self, count: usize) -> EventsRequest<T> {
        EventsRequest { one: self, count }
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

/// Several events that are waited for, from [`EventRequest::times`].
#[must_use = "events are not waited for before this is awaited, joined or started"]
pub struct EventsRequest<T> {
    one: EventRequest<T>,
    count: usize,
}

impl<T: DeserializeOwned + 'static> EventsRequest<T> {
    /// Gives up after this time, with [`EventError::TimedOut`].
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { one: self.one.timeout(timeout), ..self }
    }

    /// Starts to wait, to be awaited later. Who starts first gets the first events.
    pub fn start(self) -> Branch<Result<Vec<T>, EventError>> {
        let EventRequest { core, name, timeout, .. } = self.one;
        let one = || EventRequest::<T>::new(&core, name.clone()).start();
        let all = join_all((0..self.count).map(|_| one()).collect::<Vec<_>>());
        let until = timeout.map(|timeout| core.look().now.after(timeout));
        let timer = until.map(|until| TimerRequest::new(&core, until).start());
        Branch::new(&core, async move {
            let Some(timer) = timer else { return all.await.into_iter().collect() };
            match select(all, timer).await {
                Either::First(events) => events.into_iter().collect(),
                Either::Second(()) => {
                    Err(EventError::TimedOut { name, timeout: timeout.unwrap_or_default() })
                }
            }
        })
    }
}

impl<T: DeserializeOwned + 'static> IntoFuture for EventsRequest<T> {
    type Output = Result<Vec<T>, EventError>;
    type IntoFuture = Branch<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}

impl<T> fmt::Debug for EventsRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsRequest")
            .field("name", &self.one.name)
            .field("count", &self.count)
            .field("timeout", &self.one.timeout)
            .finish_non_exhaustive()
    }
}
