//! An activity as a host sees it.

use super::ActivityContext;
use async_trait::async_trait;
use sarsen_orchestration::{Activity, ActivityCode};
use sarsen_protocol::{AddressError, EntityName, Failure, Payload, Returns, json};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, marker::PhantomData, sync::Arc};

/// In the place of an activity's name: all that no other has.
pub const ANY_ACTIVITY: &str = "*";

/// An activity with its types erased.
///
/// [`perform`](Self::perform) is called for each task, on any thread, any number of times at once; its future is
/// polled where it was made or elsewhere, may be dropped at any time, and its panic is a failure.
#[async_trait]
pub trait ActivityHandler: Send + Sync + 'static {
    /// The activity's name, or [`ANY_ACTIVITY`].
    fn name(&self) -> &'static str;

    /// Does the work.
    ///
    /// # Errors
    /// The failure that the run is told: of kind `Undecodable` when the input is none of this activity, of kind
    /// `Returned` when its code returned an `Err`, of kind `Unencodable` when its answer has no JSON.
    async fn perform(&self, cx: ActivityContext, input: Payload) -> Result<Payload, Failure>;
}

/// The handler of a typed activity.
///
/// # Errors
/// [`AddressError::Name`] when the activity's name is none.
pub fn activity_handler<A>() -> Result<Arc<dyn ActivityHandler>, AddressError>
where
    A: Activity + ActivityCode<ActivityContext>,
{
    EntityName::new(A::NAME)?;
    Ok(Arc::new(Typed::<A>(PhantomData)))
}

/// The handler of an activity that is a closure.
///
/// # Errors
/// [`AddressError::Name`] when the name is none.
pub(crate) fn closure_handler<I, T, E, F, W>(
    name: &'static str,
    code: F,
) -> Result<Arc<dyn ActivityHandler>, AddressError>
where
    I: DeserializeOwned + 'static,
    T: Serialize + DeserializeOwned + 'static,
    E: Serialize + DeserializeOwned + fmt::Display + 'static,
    F: Fn(ActivityContext, I) -> W + Send + Sync + 'static,
    W: Future<Output = Result<T, E>> + Send + 'static,
{
    if name != ANY_ACTIVITY {
        EntityName::new(name)?;
    }
    Ok(Arc::new(Closure { name, code, input: PhantomData }))
}

struct Closure<I, F> {
    name: &'static str,
    code: F,
    input: PhantomData<fn(I)>,
}

#[async_trait]
impl<I, T, E, F, W> ActivityHandler for Closure<I, F>
where
    I: DeserializeOwned + 'static,
    T: Serialize + DeserializeOwned + 'static,
    E: Serialize + DeserializeOwned + fmt::Display + 'static,
    F: Fn(ActivityContext, I) -> W + Send + Sync + 'static,
    W: Future<Output = Result<T, E>> + Send + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    async fn perform(&self, cx: ActivityContext, input: Payload) -> Result<Payload, Failure> {
        let work = (self.code)(cx, json::decode(&input)?);
        Returns::fallible().encode(work.await)
    }
}

struct Typed<A>(PhantomData<fn() -> A>);

#[async_trait]
impl<A: Activity + ActivityCode<ActivityContext>> ActivityHandler for Typed<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    async fn perform(&self, cx: ActivityContext, input: Payload) -> Result<Payload, Failure> {
        let input = json::decode::<A::Input>(&input)?;
        let output = A::run(cx, input).await;
        A::returns().encode(output)
    }
}
