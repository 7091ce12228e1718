//! Activities.

use super::decode;
use crate::{
    Activity, Command, Labels, RetryPolicy,
    awaited::Awaited,
    core::{Core, Kind, Retry},
};
use sarsen_protocol::{ActivityName, CallError, Payload};
use std::{fmt, marker::PhantomData, rc::Rc};

/// An activity that is asked for, from [`Context::activity`](crate::Context::activity).
#[must_use = "an activity does not start before it is awaited, joined or started"]
pub struct ActivityRequest<A> {
    core: Rc<Core>,
    input: Result<Payload, CallError>,
    policy: Option<RetryPolicy>,
    _activity: PhantomData<fn() -> A>,
}

impl<A: Activity> ActivityRequest<A> {
    pub(crate) fn new(core: &Rc<Core>, input: &A::Input) -> Self {
        let input = core.encode(input, || format!("the input of activity `{}`", A::NAME));
        Self { core: Rc::clone(core), input, policy: None, _activity: PhantomData }
    }

    /// Tries again what failed. The attempts follow one another whether or not this is awaited meanwhile.
    pub fn retry(self, policy: RetryPolicy) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// Starts it, to be awaited later.
    pub fn start(self) -> Awaited<Result<A::Output, CallError>> {
        let Self { core, input, policy, .. } = self;
        let input = match input {
            Ok(input) => input,
            Err(error) => return Awaited::refused(Err(error)),
        };
        let (name, labels): (_, Labels) = (ActivityName::of(A::NAME), core.labels());
        let waiter = match policy {
            Some(policy) => core.request_retried(Retry::new(name, input, labels, policy)),
            None => core.request(Kind::Answer, Command::Task { name, input, labels }),
        };
        Awaited::new(&core, waiter, |outcome| {
            let failed = |failure| CallError::ActivityFailed { activity: A::NAME.to_owned(), failure };
            decode(A::returns(), outcome, failed, || format!("activity `{}`", A::NAME))
        })
    }
}

impl<A: Activity> IntoFuture for ActivityRequest<A> {
    type Output = Result<A::Output, CallError>;
    type IntoFuture = Awaited<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}

impl<A: Activity> fmt::Debug for ActivityRequest<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivityRequest")
            .field("name", &A::NAME)
            .field("input", &self.input)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
