//! An activity as a host sees it.

use super::ActivityContext;
use async_trait::async_trait;
use sarsen_orchestration::{Activity, ActivityCode};
use sarsen_protocol::{AddressError, EntityName, Failure, Payload, json};
use std::{marker::PhantomData, sync::Arc};

/// An activity with its types erased.
///
/// [`perform`](Self::perform) is called for each task, on any thread, any number of times at once; its future is
/// polled where it was made or elsewhere, may be dropped at any time, and its panic is a failure.
#[async_trait]
pub trait ActivityHandler: Send + Sync + 'static {
    /// The activity's name.
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
