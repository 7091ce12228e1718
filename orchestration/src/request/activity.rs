//! Activities.

use super::{decode, plan::planned};
use crate::{
    Activity, Labels,
    awaited::Awaited,
    core::{Core, Plan, Waiter, Wanted},
};
use sarsen_protocol::{ActivityName, CallError, Payload, Returns};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, marker::PhantomData, rc::Rc};

/// An activity that is asked for, from [`Context::activity`](crate::Context::activity).
#[must_use = "an activity does not start before it is awaited, joined or started"]
pub struct ActivityRequest<A> {
    order: Order,
    _activity: PhantomData<fn() -> A>,
}

/// An activity that is asked for by its name, from [`Context::activity_named`](crate::Context::activity_named).
#[must_use = "an activity does not start before it is awaited, joined or started"]
pub struct NamedActivityRequest<T> {
    order: Order,
    _output: PhantomData<fn() -> T>,
}

/// What is asked for, without its types.
struct Order {
    core: Rc<Core>,
    name: ActivityName,
    input: Result<Payload, CallError>,
    plan: Plan,
}

impl Order {
    fn new(core: &Rc<Core>, name: ActivityName, input: &(impl Serialize + ?Sized)) -> Self {
        let input = core.encode(input, || format!("the input of activity `{name}`"));
        Self { core: Rc::clone(core), name, input, plan: Plan::default() }
    }

    /// Starts it, and says how its outcome is read.
    fn start<R: 'static>(self, returns: Returns<R>) -> Awaited<Result<R, CallError>> {
        let Self { core, name, input, plan } = self;
        let input = match input {
            Ok(input) => input,
            Err(error) => return Awaited::refused(Err(error)),
        };
        let labels: Labels = core.labels();
        let wanted = Wanted::Activity { name: name.clone(), input, labels };
        let waiter: Option<Rc<Waiter>> = core.request_planned(wanted, plan);
        Awaited::new(&core, waiter, move |outcome| {
            let failed = |failure| CallError::ActivityFailed { activity: name.to_string(), failure };
            decode(returns, outcome, failed, || format!("activity `{name}`"))
        })
    }
}

impl<A: Activity> ActivityRequest<A> {
    pub(crate) fn new(core: &Rc<Core>, input: &A::Input) -> Self {
        Self { order: Order::new(core, ActivityName::of(A::NAME), input), _activity: PhantomData }
    }

    planned!("activity");

    /// Starts it, to be awaited later.
    pub fn start(self) -> Awaited<Result<A::Output, CallError>> {
        self.order.start(A::returns())
    }
}

impl<T: Serialize + DeserializeOwned + 'static> NamedActivityRequest<T> {
    pub(crate) fn new(core: &Rc<Core>, name: String, input: &(impl Serialize + ?Sized)) -> Self {
        Self { order: Order::new(core, name.into(), input), _output: PhantomData }
    }

    planned!("activity");

    /// Starts it, to be awaited later.
    pub fn start(self) -> Awaited<Result<T, CallError>> {
        self.order.start(Returns::value())
    }
}

impl<A: Activity> IntoFuture for ActivityRequest<A> {
    type Output = Result<A::Output, CallError>;
    type IntoFuture = Awaited<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}

impl<T: Serialize + DeserializeOwned + 'static> IntoFuture for NamedActivityRequest<T> {
    type Output = Result<T, CallError>;
    type IntoFuture = Awaited<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("name", &self.name)
            .field("input", &self.input)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl<A> fmt::Debug for ActivityRequest<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ActivityRequest").field(&self.order).finish()
    }
}

impl<T> fmt::Debug for NamedActivityRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NamedActivityRequest").field(&self.order).finish()
    }
}
