//! How a locked entity is called.

use super::Guard;
use crate::{
    awaited::Awaited,
    request::{Caller, EntityRequest},
};
use sarsen_protocol::{CallError, OperationName, Port, Reference, Returns};
use serde::Serialize;
use std::{fmt, marker::PhantomData};

/// The reference to a locked entity that `R` becomes: of the same type, over a [`LockedCaller`].
pub type Locked<'g, R> = <R as Reference>::Over<LockedCaller<'g>>;

/// That a section is held for the time `'g`: its guard alone says so.
#[derive(Clone, Copy, Debug)]
pub struct Held<'g>(PhantomData<&'g ()>);

impl<'g> Held<'g> {
    pub(super) fn by<S>(_guard: &'g Guard<S>) -> Self {
        Self(PhantomData)
    }
}

/// The reference to the same entity, locked.
pub(super) fn locked<'g, R: Reference<Port = Caller>>(reference: &R, held: Held<'g>) -> Locked<'g, R> {
    R::over(LockedCaller { caller: reference.port().clone(), held })
}

/// The way to one entity inside the section that locks it, from [`Guard::refs`]; it borrows the guard.
#[derive(Clone, Debug)]
pub struct LockedCaller<'g> {
    caller: Caller,
    held: Held<'g>,
}

impl<'g> Port for LockedCaller<'g> {
    type Request<R> = LockedRequest<'g, R>;

    fn request<I: Serialize + ?Sized, R>(
        &self,
        operation: impl Into<OperationName>,
        input: &I,
        returns: Returns<R>,
    ) -> LockedRequest<'g, R> {
        LockedRequest { request: self.caller.request(operation, input, returns), held: self.held }
    }
}

/// An operation of a locked entity that is asked for. It borrows the guard until it is started.
///
/// Awaited, it is a call, answered as `Result<R, CallError>`; it cannot be a signal.
#[must_use = "nothing is sent before this is awaited, joined or started"]
pub struct LockedRequest<'g, R> {
    request: EntityRequest<R>,
    held: Held<'g>,
}

impl<R: 'static> LockedRequest<'_, R> {
    /// Calls the entity, to be awaited later.
    pub fn start(self) -> Awaited<Result<R, CallError>> {
        self.request.start()
    }
}

impl<R: 'static> IntoFuture for LockedRequest<'_, R> {
    type Output = Result<R, CallError>;
    type IntoFuture = Awaited<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}

impl<R> fmt::Debug for LockedRequest<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedRequest").field("request", &self.request).field("held", &self.held).finish()
    }
}
