//! Carrying commands out: what an execution's turn has asked for, in its order.
//!
//! All of it is in the batch of the turn that asks, so a crash leaves either both or neither.

use crate::{
    fault::{Fault, armed},
    record::{self, RowId, TaskRecord, TimerId},
    shard::{InstanceId, Shard, send::start_message},
};
use sarsen_orchestration::{Attempt, Command, Event, Input, OpenSection, Turn};
use sarsen_protocol::{
    Address, Body, CallError, CommandId, Completed, Completion, ExecutionId, Failure, FailureKind, Keyspace,
    Launch, LockRequest, Message, Operation, Origin, Parent, RaisedEvent, Reuse, RunId, Section, Slot,
    TaskToken, Timestamp,
};

/// Whose commands are carried out.
#[derive(Clone)]
pub(super) struct Issuer {
    pub(super) id: InstanceId,
    pub(super) address: Address,
    pub(super) run: RunId,
    pub(super) execution: ExecutionId,
}

impl Shard {
    /// Lets a turn take effect: its events are recorded, its commands carried out, its end ends the execution.
    pub(super) fn take_effect(&mut self, id: InstanceId, mut turn: Turn) {
        let Some(issuer) = self.issuer(id) else { return };
        for event in &turn.events {
            match event {
                Event::Arrived(input) => self.note_input(id, input),
                Event::Issued(command_id, command) => self.carry_out(&issuer, *command_id, command),
                Event::TurnStarted { .. } | Event::Started(_) | Event::Ended(_) => {}
            }
        }
        let unapplied = std::mem::take(&mut turn.unapplied);
        self.settle_unapplied(&issuer, unapplied);
        let end = turn.end().cloned();
        if let Some(run) = self.run_mut(id) {
            for event in &turn.events {
                run.unwritten.push(event);
            }
        }
        self.mark_touched(id);
        if let Some(end) = end {
            self.finish(&issuer, end, turn.carried);
        }
    }

    pub(super) fn issuer(&self, id: InstanceId) -> Option<Issuer> {
        let address = self.address_of(id)?;
        let (run, execution) = (address.as_run()?, self.run_of(id)?.execution()?);
        Some(Issuer { id, address, run, execution })
    }

    /// Keeps what is known of the execution's timers and section up to date.
    fn note_input(&mut self, id: InstanceId, input: &Input) {
        let Some(run) = self.run_mut(id) else { return };
        match input {
            Input::TimerFired { id } => {
                run.timers.remove(id);
            }
            Input::TaskEnded { id: task, .. } | Input::AttemptFailed { id: task, .. } => {
                // Nobody needs the time that it was given any longer.
                if let Some(due) = run.timers.remove(task)
                    && let Some(issuer) = self.issuer(id)
                {
                    self.remove_timer(&issuer, *task, due);
                }
            }
            Input::LockGranted { id } => {
                if let Some(section) = run.section.as_mut().filter(|section| section.id == *id) {
                    section.granted = true;
                }
            }
            Input::LockRefused { id, .. } => {
                run.section.take_if(|section| section.id == *id);
            }
            Input::ChildEnded { .. }
            | Input::CallEnded { .. }
            | Input::EventRaised { .. }
            | Input::Suspended { .. }
            | Input::Resumed { .. }
            | Input::Rewound { .. } => {}
        }
    }

    /// What came behind the end, or for what nobody waits any longer.
    fn settle_unapplied(&mut self, issuer: &Issuer, inputs: Vec<Input>) {
        for input in inputs {
            match input {
                Input::EventRaised { name, input } => {
                    let event = RaisedEvent { name, input, keep_until: None };
                    let to = issuer.address.clone();
                    let message = Message::one_way(to.clone(), to, Body::Event(Box::new(event)));
                    let text = format!("run `{}` was over when the event had its turn", issuer.run);
                    self.give_up(&message, Failure::new(FailureKind::RunFinished, text));
                }
                // Whoever took it from the queue gives its locks back.
                Input::LockGranted { .. }
                | Input::TaskEnded { .. }
                | Input::AttemptFailed { .. }
                | Input::TimerFired { .. }
                | Input::ChildEnded { .. }
                | Input::CallEnded { .. }
                | Input::LockRefused { .. }
                | Input::Suspended { .. }
                | Input::Resumed { .. }
                | Input::Rewound { .. } => {}
            }
        }
    }

    pub(super) fn carry_out(&mut self, issuer: &Issuer, id: CommandId, command: &Command) {
        let from = || issuer.address.clone();
        match command {
            Command::Task { name, input, labels } => {
                let (run, execution) = (issuer.run.clone(), issuer.execution);
                let (name, input, trace) = (name.clone(), input.clone(), labels.trace);
                let (attempt, first, progress) = (1, None, None);
                let task = TaskRecord { run, execution, name, input, trace, attempt, first, progress };
                self.issue_task(issuer, id, task);
            }
            Command::Attempt(attempt) => self.issue_attempt(issuer, id, attempt),
            Command::Timer { fire_at } => self.set_timer(issuer, id, *fire_at, Completion::Timer),
            Command::CancelTimer { timer } => {
                let due = self.run_mut(issuer.id).and_then(|run| run.timers.remove(timer));
                if let Some(due) = due {
                    self.remove_timer(issuer, *timer, due);
                }
            }
            Command::Child(launch) => self.start_child(issuer, id, launch, Reuse::Fail),
            Command::Detached(launch) => {
                let message = start_message(&issuer.address, launch.clone(), None, false);
                self.send_start(message);
            }
            Command::SendEvent { run, name, input } => {
                let event = RaisedEvent { name: name.clone(), input: input.clone(), keep_until: None };
                self.send(Message::one_way(Address::run(run), from(), Body::Event(Box::new(event))));
            }
            Command::Signal { to, operation, input, due } => {
                let body = Body::operation(operation.clone(), input.clone(), false);
                self.send(Message { due: *due, ..Message::one_way(to.clone(), from(), body) });
            }
            Command::Call { to, operation, input, section } => {
                let (name, input) = (operation.clone(), input.clone());
                let body = Body::Operation(Operation { name, input, answered: true, section: *section });
                self.send_call(issuer, id, to, body);
            }
            Command::Schedule { to, request } => {
                self.send_call(issuer, id, to, Body::Schedule(request.clone()));
            }
            Command::Unschedule { to, request } => {
                self.send_call(issuer, id, to, Body::Unschedule(request.clone()));
            }
            Command::Lock { entities } => self.ask_for_locks(issuer, id, entities, Body::Lock),
            Command::TryLock { entities } => self.ask_for_locks(issuer, id, entities, Body::TryLock),
            Command::Unlock { section } => self.end_section(issuer, *section),
            Command::SetStatus { status } => {
                if let Some(run) = self.run_mut(issuer.id)
                    && let Some(record) = &mut run.row.run
                {
                    record.custom_status = Some(status.clone());
                    run.status_set = true;
                }
                self.mark_dirty(issuer.id);
            }
        }
    }

    /// Sends what names the execution and the command that ask for it.
    fn send_call(&mut self, issuer: &Issuer, command: CommandId, to: &Address, body: Body) {
        let (run, execution) = (issuer.run.clone(), issuer.execution);
        let from = Origin::Execution { run, execution, command };
        self.send(Message { from, ..Message::one_way(to.clone(), issuer.address.clone(), body) });
    }

    fn issue_attempt(&mut self, issuer: &Issuer, id: CommandId, attempt: &Attempt) {
        let Attempt { name, input, labels, number, first, until, progress } = attempt.clone();
        let (run, execution) = (issuer.run.clone(), issuer.execution);
        let (attempt, trace) = (number, labels.trace);
        let task = TaskRecord { run, execution, name, input, trace, attempt, first, progress };
        self.issue_task(issuer, id, task);
        if let Some(until) = until {
            self.set_timer(issuer, id, until, Completion::Overdue);
        }
    }

    fn issue_task(&mut self, issuer: &Issuer, id: CommandId, record: TaskRecord) {
        let name = record.name.as_str();
        if !self.config.registry.has_activity(name) {
            let text = format!(
                "no activity `{name}` is registered: register it with `Runtime::builder().activity({name})`"
            );
            let failure = Failure::new(FailureKind::UnknownActivity, text);
            self.complete(&issuer.address, issuer.execution, id, Completion::Task(Err(failure)));
            return;
        }
        let slot = issuer.address.slot();
        let row = RowId::of_command(issuer.execution, id);
        self.batch.replace(Keyspace::Tasks, record::task_key(slot, row), Some(record::write_task(&record)));
        let place = (self.config.lease.epoch, self.open_number());
        let limits = self.config.limits.clone();
        if let Some(task) = self.tasks.add(id, record, &issuer.address, place, &limits) {
            self.batch.dispatch(task);
        }
    }

    /// Deletes a task of an execution that is over, and takes it back from the host.
    pub(super) fn remove_task(&mut self, issuer: &Issuer, id: CommandId) {
        self.withdraw_task(issuer.address.slot(), issuer.execution, id);
    }

    /// Deletes a task whose result is of no more use, and takes it back from the host.
    pub(super) fn withdraw_task(&mut self, slot: Slot, execution: ExecutionId, id: CommandId) {
        let row = RowId::of_command(execution, id);
        self.batch.replace(Keyspace::Tasks, record::task_key(slot, row), None);
        if self.tasks.remove((slot, row), self.open_number()) == crate::shard::tasks::Removed::HandedOut {
            let (epoch, execution) = (self.config.lease.epoch, execution.unique());
            self.batch.cancel(TaskToken { epoch, slot, execution, command: id });
        }
    }

    /// Sets the timer of a command, which brings `completion`.
    fn set_timer(&mut self, issuer: &Issuer, id: CommandId, fire_at: Timestamp, completion: Completion) {
        if let Some(run) = self.run_mut(issuer.id) {
            run.timers.insert(id, fire_at);
        }
        let completed = Completed { execution: issuer.execution, command: id, completion };
        let (to, from) = (issuer.address.clone(), issuer.address.clone());
        let message = Message::one_way(to, from, Body::Completed(Box::new(completed)));
        self.delay(Message { due: Some(fire_at), ..message });
    }

    pub(super) fn remove_timer(&mut self, issuer: &Issuer, id: CommandId, due: Timestamp) {
        let row = RowId::of_command(issuer.execution, id);
        let timer = TimerId { due, row, slot: issuer.address.slot() };
        self.batch.replace(Keyspace::Timers, record::timer_key(timer), None);
        self.timers.remove(timer, self.open_number());
    }

    pub(super) fn start_child(&mut self, issuer: &Issuer, id: CommandId, launch: &Launch, reuse: Reuse) {
        let record = self.run_of(issuer.id).and_then(|run| run.record());
        let Some(record) = record else { return };
        let parent = Parent {
            run: issuer.run.clone(),
            execution: issuer.execution,
            command: id,
            name: record.name.clone(),
            version: record.labels.version.clone(),
        };
        let mut message = start_message(&issuer.address, launch.clone(), Some(parent), false);
        if let Body::Start(start) = &mut message.body {
            start.reuse = reuse;
        }
        self.send_start(message);
    }

    /// Sends a start, if there is such an orchestration and it takes the input.
    pub(in crate::shard) fn send_start(&mut self, message: Message) {
        match self.config.registry.check(&message, usize::MAX) {
            Ok(()) => self.send(message),
            Err(error) => {
                let kind = match error {
                    CallError::UnknownOrchestration { .. } => FailureKind::UnknownOrchestration,
                    _ => FailureKind::Undecodable,
                };
                self.fail(&message, Failure::new(kind, error.to_string()));
            }
        }
    }

    /// Sends the request for the locks of a section to the first entity of its set.
    fn ask_for_locks(
        &mut self,
        issuer: &Issuer,
        id: CommandId,
        entities: &[Address],
        body: fn(Box<LockRequest>) -> Body,
    ) {
        let mut entities = entities.to_vec();
        // The order is what keeps sections from waiting for each other in a circle: it is made here, whoever asks.
        entities.sort();
        entities.dedup();
        if armed(Fault::LockOrder) && issuer.execution.unique().is_multiple_of(2) {
            entities.reverse();
        }
        if armed(Fault::DuplicateInSet) {
            entities.insert(0, entities[0].clone());
        }
        let section = Section { run: issuer.run.clone(), execution: issuer.execution, id };
        if let Some(run) = self.run_mut(issuer.id) {
            run.section = Some(OpenSection { id, entities: entities.clone(), granted: false });
        }
        let unknown = entities.iter().find(|entity| self.config.registry.get(entity.name()).is_none());
        if let Some(unknown) = unknown {
            let error = CallError::UnknownEntity { name: unknown.name().to_owned() };
            let failure = Failure::new(FailureKind::UnknownEntity, error.to_string());
            self.complete(&issuer.address, issuer.execution, id, Completion::Refused(failure));
            return;
        }
        let Some(first) = entities.first().cloned() else { return };
        let request = LockRequest { section, entities, position: 0, since: self.now };
        self.send(Message::one_way(first, issuer.address.clone(), body(Box::new(request))));
    }

    /// Ends a section: one that was granted by a release to each of its entities, one that still waits by a cancel
    /// that follows its request.
    fn end_section(&mut self, issuer: &Issuer, id: CommandId) {
        let Some(run) = self.run_mut(issuer.id) else { return };
        let Some(open) = run.section.take_if(|section| section.id == id) else { return };
        let section = Section { run: issuer.run.clone(), execution: issuer.execution, id };
        if open.granted || armed(Fault::ReleaseOvertakes) {
            self.release_set(&issuer.address, &section, &open.entities);
            return;
        }
        if armed(Fault::CancelUnsent) {
            return;
        }
        let position = if armed(Fault::CancelOvertakes) { open.entities.len() - 1 } else { 0 };
        let Some(first) = open.entities.get(position).cloned() else { return };
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        let request = LockRequest { section, entities: open.entities, position, since: self.now };
        self.send(Message::one_way(first, issuer.address.clone(), Body::Cancel(Box::new(request))));
    }
}
