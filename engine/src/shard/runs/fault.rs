//! What [`Fault::ReleaseOnEviction`](crate::fault::Fault::ReleaseOnEviction) does.

use crate::shard::{InstanceId, Shard};
use sarsen_protocol::Section;

impl Shard {
    /// A run that may leave memory gives its locks back.
    pub(in crate::shard) fn release_on_eviction(&mut self, id: InstanceId) {
        let leaves = self.instances.get(id).is_some_and(|instance| instance.may_leave(self.committed));
        let Some(run) = self.run_of(id).filter(|_| leaves) else { return };
        let (Some(open), Some(execution)) = (run.section.clone(), run.execution()) else { return };
        let Some(address) = self.address_of(id) else { return };
        let Some(run) = address.as_run().filter(|_| open.granted) else { return };
        self.release_set(&address, &Section { run, execution, id: open.id }, &open.entities);
    }
}
