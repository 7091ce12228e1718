//! Who asks, and through which gate.

use crate::gate::{Gate, Replier, Standing};
use sarsen_engine::Request;
use sarsen_protocol::{Address, Body, CallError, Origin, RequestId, Within};
use std::{fmt, sync::Arc};

/// Who asks, and through which gate. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Asker {
    gate: Arc<dyn Gate>,
    within: Option<Arc<Within>>,
    /// The entity whose operation asks.
    entity: Option<Address>,
}

impl Asker {
    /// Somebody who works for no run.
    pub(crate) fn outside(gate: Arc<dyn Gate>) -> Self {
        Self { gate, within: None, entity: None }
    }

    /// Somebody who works for an execution.
    pub(crate) fn within(gate: Arc<dyn Gate>, within: Arc<Within>) -> Self {
        Self { gate, within: Some(within), entity: None }
    }

    /// An operation of `entity` that runs off its shard, for which perhaps an execution waits.
    pub(crate) fn of_operation(gate: Arc<dyn Gate>, within: Option<Arc<Within>>, entity: Address) -> Self {
        Self { gate, within, entity: Some(entity) }
    }

    /// Refuses a call of the entity whose operation makes it: that would wait for itself.
    pub(crate) fn check(&self, to: &Address, body: &Body) -> Result<(), CallError> {
        let waits = match body {
            Body::Operation(operation) => operation.answered,
            Body::Unschedule(_) => true,
            _ => false,
        };
        if waits && self.entity.as_ref() == Some(to) {
            return Err(CallError::WouldDeadlock { address: to.clone(), run: None });
        }
        Ok(())
    }

    /// Puts a request where a shard finds it.
    pub(crate) fn submit(&self, request: Request, replier: Replier) -> Result<(), CallError> {
        let at_work = self.entity.is_some() || self.within.is_some();
        let standing = if at_work { Standing::AtWork } else { Standing::Outside };
        self.gate.submit(request, replier, standing)
    }

    pub(crate) fn gate(&self) -> &dyn Gate {
        &*self.gate
    }

    /// What stands in messages. The host writes the request's id.
    pub(crate) fn origin(&self) -> Origin {
        let within = self.within.as_deref().cloned().map(Box::new);
        Origin::Client { session: self.gate.session(), request: RequestId(0), within }
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker")
            .field("session", &self.gate.session())
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}
