//! Runs whose code is not to begin yet: those that are scheduled, and those for which there is no permit.
//!
//! The begin of such a run waits in its front queue, as that of a suspended run does, and the record says why. So it is
//! found behind a crash, and whoever ends the run before takes it back. What lets it begin is small beside it: a timer
//! that names the execution, or a permit.

use super::Run;
use crate::{
    record::{RowId, TimerId},
    shard::{InstanceId, Shard},
};
use sarsen_protocol::{
    Address, Body, ExecutionId, Keyspace, Message, OrchestrationName, PendingReason, RunStatus, Timestamp,
};

impl Shard {
    /// Puts off the begin of a run that has just been accepted until a moment.
    pub(super) fn put_off(&mut self, id: InstanceId, execution: ExecutionId, due: Timestamp) {
        let Some(address) = self.address_of(id) else { return };
        if let Some(record) = self.run_mut(id).and_then(|run| run.row.run.as_mut()) {
            let extras = record.extras_mut();
            (extras.scheduled, extras.pending) = (Some(due), Some(PendingReason::Scheduled));
        }
        let moment = Message::one_way(address.clone(), address, Body::Due { execution });
        self.delay(Message { due: Some(due), ..moment });
    }

    /// The moment has come up to which the begin of an execution was put off.
    pub(super) fn come_due(&mut self, id: InstanceId, execution: ExecutionId) {
        if self.run_of(id).and_then(Run::execution) == Some(execution) {
            self.clear_pending(id, PendingReason::Scheduled);
        }
    }

    /// Notes that a run no longer waits for this.
    fn clear_pending(&mut self, id: InstanceId, reason: PendingReason) {
        let Some(record) = self.run_mut(id).and_then(|run| run.row.run.as_mut()) else { return };
        let Some(extras) = record.extras.as_mut() else { return };
        if extras.pending.take_if(|pending| *pending == reason).is_some() {
            self.mark_dirty(id);
        }
    }

    /// Takes back the timer of a run as a whole, if it has one: that of its begin, or of its purge.
    pub(super) fn forget_alarm(&mut self, id: InstanceId) {
        let Some(record) = self.run_mut(id).and_then(|run| run.row.run.as_mut()) else { return };
        let first = record.first;
        let Some(extras) = record.extras.as_mut() else { return };
        let scheduled = extras.pending == Some(PendingReason::Scheduled);
        let due = if scheduled { extras.scheduled } else { extras.expires };
        (extras.pending, extras.expires) = (None, None);
        let (Some(due), Some(address)) = (due, self.address_of(id)) else { return };
        let timer = TimerId { due, row: RowId::of_alarm(first), slot: address.slot() };
        self.batch.replace(Keyspace::Timers, crate::record::timer_key(timer), None);
        self.timers.remove(timer, self.open_number());
    }

    /// Sets the timer that purges a run which is over, if its orchestration's runs are not kept for ever. It is that
    /// very run's: another of the same id has another first execution.
    pub(super) fn set_expiry(&mut self, id: InstanceId) {
        if !self.config.registry.has_options() {
            return;
        }
        let Some(address) = self.address_of(id) else { return };
        let Some(record) = self.run_of(id).and_then(Run::record) else { return };
        let (first, options) = (record.first, self.config.registry.options(record.name.as_str()));
        let Some(retention) = options.retention_time() else { return };
        let expires = self.now.after(retention);
        if let Some(record) = self.run_mut(id).and_then(|run| run.row.run.as_mut()) {
            record.extras_mut().expires = Some(expires);
        }
        let purge = Message::one_way(address.clone(), address, Body::PurgeThis { first });
        self.delay(Message { due: Some(expires), ..purge });
    }

    /// Whether a run may begin. If not, it waits for a permit, and says so.
    pub(super) fn may_begin(&mut self, id: InstanceId, name: &OrchestrationName) -> bool {
        let Some(most) = self.permits_of(name) else {
            // It may have waited when there was a limit.
            self.give_back_permit(id);
            return true;
        };
        let Some(address) = self.address_of(id) else { return false };
        let order = self.next_row();
        if self.permits.ask(&address, name, most, order) {
            return true;
        }
        if let Some(record) = self.run_mut(id).and_then(|run| run.row.run.as_mut()) {
            record.extras_mut().pending = Some(PendingReason::Concurrency);
        }
        self.mark_dirty(id);
        false
    }

    /// Whether any run may need a permit or have one.
    fn needs_permits(&self) -> bool {
        self.config.registry.has_options() || !self.permits.is_empty()
    }

    /// How many runs of an orchestration may be under way, if that is limited.
    fn permits_of(&self, name: &OrchestrationName) -> Option<usize> {
        let registry = &self.config.registry;
        registry.has_options().then(|| registry.options(name.as_str()).concurrency_most()).flatten()
    }

    /// A run is over, or its orchestration has no limit any more: its permit goes to the one that has waited longest.
    pub(super) fn give_back_permit(&mut self, id: InstanceId) {
        if self.permits.is_empty() {
            return;
        }
        let Some(address) = self.address_of(id).filter(|address| self.permits.knows(address)) else { return };
        self.permits.end(&address);
        if let Some(name) = self.run_of(id).and_then(Run::record).map(|record| record.name.clone()) {
            self.give_permits(&name);
        }
    }

    /// Gives the free permits of an orchestration to those who wait for them. Of one that is not registered none is
    /// free: how many there are is not known.
    fn give_permits(&mut self, name: &OrchestrationName) {
        if self.config.registry.orchestration(name.as_str()).is_none() {
            return;
        }
        let most = self.permits_of(name).unwrap_or(usize::MAX);
        while let Some(run) = self.permits.give_next(name, most) {
            // One that is not in memory is looked at when it has been read.
            if let Some(id) = self.activate(&run) {
                self.settle_permit(id, &run);
                self.mark_ready(id);
            }
        }
    }

    /// Looks at the permits once they are known: at runs that have come into memory before, and at those that are free,
    /// since there may be more of them than in the shard's last life.
    pub(in crate::shard) fn begin_permits(&mut self) {
        if !self.needs_permits() {
            return;
        }
        let in_memory: Vec<Address> =
            self.instances.iter().map(|instance| instance.address.clone()).collect();
        for address in in_memory.iter().filter(|address| address.is_run()) {
            if let Some(id) = self.instances.find(address) {
                self.settle_permit(id, address);
            }
        }
        for name in self.permits.waited_for() {
            self.give_permits(&name);
        }
    }

    /// Compares a run that has come into memory with the permits.
    pub(in crate::shard) fn settle_permit(&mut self, id: InstanceId, address: &Address) {
        // Before the rows of permits are read it is not known who has one.
        if !self.recovered || !self.needs_permits() {
            return;
        }
        let Some(record) = self.run_of(id).and_then(Run::record) else { return };
        let name = record.name.clone();
        let limited = self.permits_of(&name).is_some();
        let pending = record.extras().pending;
        let begun = matches!(record.status, RunStatus::Running | RunStatus::Suspended) && pending.is_none();
        if pending == Some(PendingReason::Concurrency) && (!limited || self.permits.holds(address)) {
            self.clear_pending(id, PendingReason::Concurrency);
        } else if begun && limited && !self.permits.knows(address) {
            let order = self.next_row();
            self.permits.count_in(address, &name, order);
        }
    }
}
