//! What [`Fault::ReleaseOnEviction`](crate::fault::Fault::ReleaseOnEviction) and others like it do.

use crate::shard::{InstanceId, Shard};
use sarsen_protocol::Section;

impl Shard {
    /// A run that may leave memory gives its locks back.
    pub(in crate::shard) fn release_on_eviction(&mut self, id: InstanceId) {
        if self.instances.get(id).is_some_and(|instance| instance.may_leave(self.committed)) {
            self.release_wrongly(id);
        }
    }

    /// A run gives its locks back, and does not know it.
    pub(in crate::shard) fn release_wrongly(&mut self, id: InstanceId) {
        let Some(run) = self.run_of(id) else { return };
        let (Some(open), Some(execution)) = (run.section.clone(), run.execution()) else { return };
        let Some(address) = self.address_of(id) else { return };
        let Some(run) = address.as_run().filter(|_| open.granted) else { return };
        self.release_set(&address, &Section { run, execution, id: open.id }, &open.entities);
    }
}
