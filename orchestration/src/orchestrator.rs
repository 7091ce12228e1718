//! An orchestration as the engine sees it.

use crate::{Context, Execution, Orchestration, Start, core::Core, execution::Run};
use sarsen_protocol::{AddressError, EntityName, Failure, Payload, json};
use serde::de::DeserializeOwned;
use std::{fmt, marker::PhantomData};

/// An orchestration with its types erased. Implemented by [`Typed`] alone.
pub trait Orchestrator: Send + Sync + 'static {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether a text is an input. Called on the client's thread.
    ///
    /// # Errors
    /// A failure of kind `Undecodable` when it is none.
    fn check(&self, input: &Payload) -> Result<(), Failure>;

    /// Makes an execution, new or to be replayed. Runs no code of the user yet.
    fn begin(&self, start: Start) -> Execution;
}

/// An orchestration that has been checked, ready to be registered: the one implementation of [`Orchestrator`].
pub struct Typed<O>(PhantomData<fn() -> O>);

impl<O: Orchestration> Typed<O> {
    /// Checks the name.
    ///
    /// # Errors
    /// [`AddressError::Name`] when it is none.
    pub fn new() -> Result<Self, AddressError> {
        EntityName::new(O::NAME)?;
        Ok(Self(PhantomData))
    }
}

impl<O: Orchestration> Orchestrator for Typed<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn check(&self, input: &Payload) -> Result<(), Failure> {
        fits::<O::Input>(input)
    }

    fn begin(&self, start: Start) -> Execution {
        let core = Core::new(start, fits::<O::Input>);
        let run: Run = Box::pin({
            let (cx, input) = (Context::new(&core), core.start.input.clone());
            async move {
                let input = json::decode(&input)?;
                O::returns().encode(O::run(cx, input).await)
            }
        });
        Execution::new(core, run)
    }
}

fn fits<T: DeserializeOwned>(input: &Payload) -> Result<(), Failure> {
    json::decode::<T>(input).map(drop)
}

impl<O: Orchestration> fmt::Debug for Typed<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Typed").field(&O::NAME).finish()
    }
}
