//! The turn of a run: what manages it first, then what its execution waits for.

use super::{Code, Run};
use crate::{
    fault::{Fault, armed},
    record::{Queue, RowId},
    shard::{
        InstanceId, Shard,
        instance::{Instance, Stage},
        mailbox::Entry,
    },
};
use sarsen_orchestration::{Input, Parked, Turn};
use sarsen_protocol::{
    Address, Body, CommandId, Completed, Completion, Effect, ExecutionId, FailedAttempt, Failure,
    FailureKind, Message, Payload, RunStatus, Section,
};
use std::time::Duration;

/// What was taken from a queue for an execution's turn.
#[derive(Default)]
struct Taken {
    entries: Vec<Entry>,
    inputs: Vec<Input>,
}

impl Shard {
    pub(in crate::shard) fn turn_of_run(&mut self, id: InstanceId) {
        if !self.run_of(id).is_some_and(|run| run.loaded) {
            return;
        }
        if let Some(Code::Replaying(_)) = self.run_of(id).map(|run| &run.code) {
            self.replay(id);
            return;
        }
        if self.instances.get(id).is_none_or(|instance| instance.waiting.front.has_gap()) {
            return;
        }
        self.manage(id);
        let Some(run) = self.run_of(id) else { return };
        if run.record().is_none() {
            self.settle_unstarted(id);
        } else if !run.is_under_way() {
            self.drop_late(id);
        } else if !self.is_parked(id) && !run.is_suspended() {
            self.go_on(id);
        }
        if let Some(run) = self.run_mut(id) {
            run.unsettled = false;
        }
    }

    pub(super) fn run_mut(&mut self, id: InstanceId) -> Option<&mut Run> {
        self.instances.get_mut(id).and_then(Instance::run_mut)
    }

    pub(super) fn run_of(&self, id: InstanceId) -> Option<&Run> {
        self.instances.get(id).and_then(Instance::run)
    }

    pub(super) fn is_parked(&self, id: InstanceId) -> bool {
        self.parked(id).is_some()
    }

    /// Notes that the run's record is to be written.
    pub(super) fn mark_dirty(&mut self, id: InstanceId) {
        if let Some(instance) = self.instances.get_mut(id) {
            instance.dirty = true;
        }
        self.mark_touched(id);
    }

    /// Gives the execution what waits for it.
    fn go_on(&mut self, id: InstanceId) {
        match self.run_of(id).map(|run| &run.code) {
            Some(Code::Live(_)) => {}
            // One whose begin still waits has no history yet.
            Some(Code::Stored) if self.is_begin_waiting(id) => return,
            Some(Code::Stored) => {
                self.read_history(id);
                return;
            }
            _ => return,
        }
        let taken = self.take_inputs(id);
        if taken.entries.is_empty() {
            return;
        }
        match self.execute(id, taken.inputs) {
            Ok(mut turn) => {
                let unapplied = std::mem::take(&mut turn.unapplied);
                self.take_effect(id, turn);
                self.settle_taken(id, taken.entries, &unapplied);
            }
            Err(parked) => {
                if let Some(instance) = self.instances.get_mut(id) {
                    instance.waiting.mailbox.put_back(taken.entries);
                }
                self.park(id, parked.to_string());
            }
        }
    }

    /// What an execution was given is dealt with. Events that came behind its end are given up, and locks for which it no
    /// longer waits are given back.
    fn settle_taken(&mut self, id: InstanceId, entries: Vec<Entry>, unapplied: &[Input]) {
        let Some(address) = self.address_of(id) else { return };
        let refused: Vec<CommandId> = unapplied.iter().filter_map(granted).collect();
        let too_late: Vec<CommandId> = unapplied.iter().filter_map(ended).collect();
        let is_event = |input: &&Input| matches!(input, Input::EventRaised { .. });
        let late = unapplied.iter().filter(is_event).count();
        let raised = entries.iter().filter(|entry| matches!(entry.message.body, Body::Event(_))).count();
        let mut in_time = raised - late;
        for entry in entries {
            if let Body::Event(_) = &entry.message.body {
                if in_time == 0 {
                    self.drop_entry(id, entry);
                    continue;
                }
                in_time -= 1;
            }
            let message = self.consume(id, Queue::Back, entry);
            self.finish_key(&message, &Ok(Payload::null()));
            let Body::Completed(completed) = &message.body else { continue };
            if refused.contains(&completed.command) {
                self.give_back(&address, completed);
            }
            if matches!(completed.completion, Completion::Overdue) && !too_late.contains(&completed.command) {
                // Its time is over and it has not ended.
                self.withdraw_task(address.slot(), completed.execution, completed.command);
            }
        }
    }

    /// Takes what waits in the back queue, as much as a turn may hold. What is meant for another execution is dropped.
    fn take_inputs(&mut self, id: InstanceId) -> Taken {
        let limits = self.config.limits.clone();
        let waiting = self.instances.get(id).map_or(0, |instance| instance.waiting.mailbox.head_len());
        let room = waiting.min(limits.run_operations_max);
        let mut taken = Taken { entries: Vec::with_capacity(room), inputs: Vec::with_capacity(room) };
        let mut bytes = 0;
        let Some(execution) = self.run_of(id).and_then(Run::execution) else { return taken };
        while taken.entries.is_empty()
            || (taken.entries.len() < limits.run_operations_max && bytes < limits.run_bytes_max)
        {
            let Some(instance) = self.instances.get_mut(id) else { break };
            let Some(entry) = instance.waiting.mailbox.pop() else { break };
            match self.input(&entry.message, execution) {
                Some(input) => {
                    bytes += entry.message.bytes();
                    taken.inputs.push(input);
                    taken.entries.push(entry);
                }
                None => self.drop_entry(id, entry),
            }
        }
        taken
    }

    /// What a message is to the execution; `None` when it is for another.
    fn input(&self, message: &Message, execution: ExecutionId) -> Option<Input> {
        let completed = match &message.body {
            Body::Event(event) => {
                return Some(Input::EventRaised { name: event.name.clone(), input: event.input.clone() });
            }
            Body::Completed(completed) if completed.execution == execution || armed(Fault::AnyExecution) => {
                completed
            }
            _ => return None,
        };
        let id = completed.command;
        Some(match completed.completion.clone() {
            Completion::Task(result) => Input::TaskEnded { id, result },
            Completion::Timer => Input::TimerFired { id },
            Completion::Child(result) => Input::ChildEnded { id, result },
            Completion::Call(result) => Input::CallEnded { id, result },
            Completion::Granted(_) => Input::LockGranted { id },
            Completion::Refused(failure) => Input::LockRefused { id, failure },
            Completion::Failed(failed) => {
                let FailedAttempt { failure, progress } = *failed;
                Input::AttemptFailed { id, failure, progress }
            }
            Completion::Overdue => {
                let failure = Failure::new(FailureKind::TimedOut, "the time that it was given is over");
                let place = (message.to.slot(), RowId::of_command(execution, id));
                match self.tasks.progress_of(place) {
                    Some(progress) => Input::AttemptFailed { id, failure, progress: progress.clone() },
                    None => Input::TaskEnded { id, result: Err(failure) },
                }
            }
        })
    }

    /// One turn of the live execution.
    ///
    /// # Errors
    /// Why it cannot go on; then nothing has happened.
    pub(super) fn execute(&mut self, id: InstanceId, inputs: Vec<Input>) -> Result<Turn, Parked> {
        let now = self.now;
        let Some(Code::Live(execution)) = self.run_mut(id).map(|run| &mut run.code) else {
            return Ok(Turn::default());
        };
        let turn = execution.turn(now, inputs);
        self.operations += 1;
        let Some(run) = self.run_mut(id) else { return turn };
        if turn.is_ok() {
            run.outstanding = None;
        }
        let bytes = run.bytes();
        self.instances.resize_to(id, bytes);
        turn
    }

    /// Notes that the run cannot go on with the code that is there. Its history stays as it is, its messages wait, its
    /// locks stay held.
    pub(super) fn park(&mut self, id: InstanceId, reason: String) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let address = instance.address.clone();
        instance.stage = Stage::Parked(reason.clone());
        if armed(Fault::ReleaseOnParking) {
            self.release_wrongly(id);
        }
        let Some(instance) = self.instances.get_mut(id) else { return };
        let Some(run) = instance.run_mut() else { return };
        let begun = run.status() != Some(RunStatus::Pending);
        run.code = if begun && run.outstanding.is_none() { Code::Stored } else { Code::None };
        let known = run.record().is_some_and(|record| record.parked.as_ref() == Some(&reason));
        self.instances.resize_to(id, 0);
        let Some(run) = self.run_mut(id) else { return };
        if let Some(record) = run.row.run.as_mut().filter(|_| !known) {
            record.parked = Some(reason.clone());
            self.mark_dirty(id);
        }
        self.batch.release(Effect::Parked { address, reason }, 0);
        // What its turns have written must be durable before it can be read.
        self.mark_touched(id);
    }

    /// Notes that it goes on.
    pub(super) fn unpark(&mut self, id: InstanceId) {
        let Some(record) = self.run_mut(id).and_then(|run| run.row.run.as_mut()) else { return };
        if record.parked.take().is_some() {
            self.mark_dirty(id);
        }
    }

    /// Gives up what has come for a run that is over: nobody takes it any more.
    fn drop_late(&mut self, id: InstanceId) {
        for _ in 0..self.config.limits.run_operations_max {
            let Some(instance) = self.instances.get_mut(id) else { return };
            let Some(entry) = instance.waiting.mailbox.pop() else { return };
            self.drop_entry(id, entry);
        }
    }

    /// Drops a message that nothing waits for: an event is kept as a dead letter, a lock that was granted is given back.
    pub(super) fn drop_entry(&mut self, id: InstanceId, entry: Entry) {
        let Some(address) = self.address_of(id) else { return };
        let message = self.consume(id, Queue::Back, entry);
        match &message.body {
            Body::Completed(completed) => self.give_back(&address, completed),
            Body::Event(_) => {
                let (kind, text) = match self.run_of(id).and_then(Run::status) {
                    Some(status) => (FailureKind::RunFinished, format!("run `{address}` is {status}")),
                    None => (FailureKind::RunNotFound, format!("there is no run `{address}`")),
                };
                self.give_up(&message, Failure::new(kind, text));
            }
            _ => {}
        }
    }

    /// Answers a grant that finds no waiting section with the release of its whole set.
    pub(super) fn give_back(&mut self, run: &Address, completed: &Completed) {
        let (Completion::Granted(entities), Some(id)) = (&completed.completion, run.as_run()) else { return };
        if armed(Fault::GrantUnanswered) {
            return;
        }
        let section = Section { run: id, execution: completed.execution, id: completed.command };
        self.release_set(run, &section, entities);
    }

    pub(in crate::shard) fn release_set(&mut self, run: &Address, section: &Section, entities: &[Address]) {
        for entity in &entities[usize::from(armed(Fault::ReleaseMissesOne))..] {
            let body = Body::Release(Box::new(section.clone()));
            self.send(Message::one_way(entity.clone(), run.clone(), body));
        }
    }

    /// Of a run that has not been started: gives up events that nobody keeps any longer. The others wait.
    fn settle_unstarted(&mut self, id: InstanceId) {
        let now = self.now;
        let over = |message: &Message| match &message.body {
            Body::Event(event) => event.keep_until.is_none_or(|until| until <= now),
            _ => true,
        };
        loop {
            let Some(instance) = self.instances.get_mut(id) else { return };
            let address = instance.address.clone();
            let Some(entry) = instance.waiting.mailbox.take(over) else { break };
            let kept = match &entry.message.body {
                Body::Event(event) => event.keep_until.is_some(),
                _ => false,
            };
            if kept {
                let message = self.consume(id, Queue::Back, entry);
                let text = format!("run `{address}` was not started in time");
                self.give_up(&message, Failure::new(FailureKind::Expired, text));
            } else {
                self.drop_entry(id, entry);
            }
        }
        self.watch_again(id);
    }

    /// Notes that a sweep was used up, which may have come too early for what it was set for: time may have gone back
    /// with a restart. Or that there was no sweep, since the run was there when the event came.
    pub(super) fn set_unwatched(&mut self, id: InstanceId) {
        if let Some(run) = self.run_mut(id) {
            (run.unwatched, run.unsettled) = (true, true);
        }
    }

    /// Sets a sweep for the next of the events that wait on.
    fn watch_again(&mut self, id: InstanceId) {
        const SOON: Duration = Duration::from_secs(1);
        let soon = self.now.after(SOON);
        let Some(instance) = self.instances.get_mut(id) else { return };
        let (next, rest) = (instance.waiting.mailbox.next_until(), instance.waiting.mailbox.has_gap());
        let address = instance.address.clone();
        let Some(run) = instance.run_mut() else { return };
        if !std::mem::take(&mut run.unwatched) {
            return;
        }
        if let Some(until) = next.or(rest.then_some(soon)) {
            let sweep = Message::one_way(address.clone(), address, Body::Sweep);
            self.delay(Message { due: Some(until.max(soon)), ..sweep });
        }
    }
}

/// The section that an input grants.
fn granted(input: &Input) -> Option<CommandId> {
    match input {
        Input::LockGranted { id } => Some(*id),
        _ => None,
    }
}

/// The command of an activity that an input says to have ended.
fn ended(input: &Input) -> Option<CommandId> {
    match input {
        Input::TaskEnded { id, .. } | Input::AttemptFailed { id, .. } => Some(*id),
        _ => None,
    }
}
