//! The open end of a critical section.

use crate::{CommandId, awaited::Awaited, core::Core};
use sarsen_protocol::{Address, AddressError, SectionError};
use std::{fmt, rc::Rc};

/// Holds the locks of a critical section, from [`Context::lock`](crate::Context::lock).
///
/// The locks are given back by [`release`](Self::release), by dropping this, by the end of the execution however it
/// ends, and by nothing else: not by an eviction, a crash or a suspension.
#[must_use = "dropping it gives the locks back"]
pub struct Guard {
    core: Rc<Core>,
    section: CommandId,
}

impl Guard {
    pub(crate) fn lock(
        core: &Rc<Core>,
        entities: impl IntoIterator<Item = Result<Address, AddressError>>,
    ) -> Awaited<Result<Self, SectionError>> {
        let entities: Result<Vec<Address>, AddressError> = entities.into_iter().collect();
        match entities.map_err(SectionError::from).and_then(|entities| core.lock(entities)) {
            Ok(None) => Awaited::new(core, None, |_| unreachable!("nothing is waited for")),
            Ok(Some((section, waiter))) => Awaited::new(core, Some(waiter), {
                let core = Rc::clone(core);
                move |_| Ok(Self { core, section })
            }),
            Err(error) => Awaited::refused(Err(error)),
        }
    }

    /// The section: the command that asked for it.
    pub fn section(&self) -> CommandId {
        self.section
    }

    /// Gives the locks back.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.core.release(self.section);
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("section", &self.section).finish_non_exhaustive()
    }
}
