//! What concerns a run as a whole: its start, its begin, suspend, resume, terminate, purge.

use super::{Code, Run, is_begin};
use crate::{
    fault::{Fault, armed},
    record::{Queue, RunRecord},
    shard::{InstanceId, Shard, instance::Stage, intake::busy, mailbox::Entry},
};
use sarsen_orchestration::{Event, Input, Outstanding, Turn};
use sarsen_protocol::{
    Address, Answer, Begin, Body, CallError, ExecutionId, Failure, FailureKind, Identity, Message, Payload,
    Reuse, RunId, RunStatus, Start, StartRequest, content_hash, json,
};

/// Whether a message was dealt with.
pub(super) enum Managed {
    Done,
    /// It must wait for the history.
    Waits(Entry),
}

impl Shard {
    /// Does what the front queue asks for, in its order, up to the next begin or sweep: what these leave in the queue has
    /// its turn later, lest an execution that continues as new at once keeps the shard for itself.
    pub(super) fn manage(&mut self, id: InstanceId) {
        for _ in 0..self.config.limits.run_operations_max {
            let holds_begin = self.is_parked(id) || self.run_of(id).is_some_and(Run::holds_begin);
            let Some(instance) = self.instances.get_mut(id) else { return };
            let next = if holds_begin {
                instance.waiting.front.take(|message| !is_begin(message))
            } else {
                instance.waiting.front.pop()
            };
            let Some(entry) = next else { return };
            let last = matches!(entry.message.body, Body::Begin(_) | Body::Sweep);
            if let Managed::Waits(entry) = self.manage_one(id, entry) {
                if let Some(instance) = self.instances.get_mut(id) {
                    instance.waiting.front.put_back(vec![entry]);
                }
                return;
            }
            if last {
                return;
            }
        }
    }

    fn manage_one(&mut self, id: InstanceId, entry: Entry) -> Managed {
        match &entry.message.body {
            Body::Start(_) => return self.start(id, entry),
            Body::Begin(_) => return self.begin(id, entry),
            Body::Import(_) => {
                self.import(id, entry);
                return Managed::Done;
            }
            Body::Rewind { .. } => return self.rewind(id, entry),
            Body::Suspend { .. } | Body::Resume { .. } | Body::Terminate { .. }
                if self.run_of(id).is_some_and(|run| run.is_under_way() && run.obeys(&entry.message)) =>
            {
                return self.change_course(id, entry);
            }
            Body::Sweep => {
                self.done(id, entry);
                self.collect(id, true);
                self.set_unwatched(id);
                return Managed::Done;
            }
            Body::Due { execution } => self.come_due(id, *execution),
            Body::Purge => self.purge(id),
            Body::PurgeThis { first } if self.is_first_of(id, *first) => self.purge(id),
            _ => {}
        }
        // Others are of no use to a run that is over or gone.
        let message = self.done(id, entry);
        self.finish_key(&message, &Ok(Payload::null()));
        Managed::Done
    }

    /// Whether this is the first execution of the run.
    fn is_first_of(&self, id: InstanceId, first: ExecutionId) -> bool {
        self.run_of(id).and_then(Run::record).is_some_and(|record| record.first == first)
    }

    /// A message of the front queue is dealt with.
    pub(super) fn done(&mut self, id: InstanceId, entry: Entry) -> Box<Message> {
        self.consume(id, Queue::Front, entry)
    }

    /// Why a client's message to a run is refused, whatever its identity.
    pub(in crate::shard) fn unacceptable_to_run(
        &self,
        id: InstanceId,
        message: &Message,
    ) -> Option<CallError> {
        let address = &message.to;
        let run_id = || address.as_run().unwrap_or_else(|| unreachable!("a run lives here"));
        let run = self.run_of(id)?;
        if !run.loaded {
            let reason = self.parked(id)?.to_owned();
            return Some(CallError::Parked { address: address.clone(), reason });
        }
        let status = run.status();
        let instance = self.instances.get(id)?;
        match (&message.body, status) {
            (Body::Start(start), _) if self.permits.waiting() >= self.config.limits.runs_waiting_max => {
                let options = self.config.registry.options(start.launch.name.as_str());
                let what =
                    ("the list of runs that wait for others of their orchestration", "runs_waiting_max");
                options.concurrency_most().map(|_| self.busy_for(address, what, self.now))
            }
            (Body::PurgeThis { first }, Some(_)) if !self.is_first_of(id, *first) => {
                Some(CallError::RunReplaced { run: run_id() })
            }
            // It is meant for the run of a start that has been accepted and has yet to be done.
            (Body::Event(_) | Body::Suspend { .. } | Body::Resume { .. } | Body::Terminate { .. }, _)
                if instance.waiting.front.any(|waiting| matches!(waiting.body, Body::Start(_))) =>
            {
                None
            }
            (Body::Event(event), None) => {
                let waiting = instance.waiting.mailbox.len();
                match event.keep_until {
                    None => Some(CallError::RunNotFound { run: run_id() }),
                    Some(_) if waiting >= self.config.limits.events_before_start_max => {
                        Some(busy(address, "its list of events before the start"))
                    }
                    Some(_) if self.timers.signals() >= self.config.limits.timers_max as u64 => {
                        let what = ("the list of delayed signals of its shard", "timers_max");
                        Some(self.busy_for(address, what, self.now))
                    }
                    Some(_) => None,
                }
            }
            (
                Body::Event(_) | Body::Suspend { .. } | Body::Resume { .. } | Body::Terminate { .. },
                Some(status),
            ) if status.is_finished() => Some(CallError::RunFinished { run: run_id(), status }),
            (
                Body::Suspend { .. }
                | Body::Resume { .. }
                | Body::Terminate { .. }
                | Body::Purge
                | Body::PurgeThis { .. }
                | Body::Rewind { .. },
                None,
            ) => Some(CallError::RunNotFound { run: run_id() }),
            (Body::Rewind { .. }, Some(status)) if status != RunStatus::Failed => {
                Some(CallError::RunNotFailed { run: run_id(), status })
            }
            (Body::Purge | Body::PurgeThis { .. }, Some(status)) if !status.is_finished() => {
                Some(CallError::RunNotFinished { run: run_id(), status })
            }
            _ => None,
        }
    }

    /// Starts a run, or does with the one that has the id what the policy says.
    fn start(&mut self, id: InstanceId, entry: Entry) -> Managed {
        let Body::Start(start) = &entry.message.body else { return Managed::Done };
        let reuse = start.reuse;
        let status = self.run_of(id).and_then(Run::status);
        match (status, reuse) {
            (None, _) => self.accept_start(id, entry),
            (Some(status), Reuse::Return) if start.parent.is_some() => {
                if matches!(status, RunStatus::Failed | RunStatus::Terminated) && self.is_own_child(id, start)
                {
                    self.accept_start(id, entry);
                } else {
                    self.adopt(id, entry);
                }
            }
            (Some(_), Reuse::Return) => {
                let message = self.done(id, entry);
                self.answer_start(id, &message);
            }
            (Some(status), Reuse::ReplaceFinished | Reuse::TerminateAndReplace) if status.is_finished() => {
                self.accept_start(id, entry);
            }
            (Some(_), Reuse::TerminateAndReplace) => {
                let terminated = match self.take_begin(id) {
                    Some(begin) => Some(self.end_unbegun(id, begin, None, true)),
                    None => self.terminate(id, None, true),
                };
                let Some(terminated) = terminated else { return Managed::Waits(entry) };
                self.take_effect(id, terminated);
                self.accept_start(id, entry);
            }
            (Some(status), _) => {
                let may_come_again = status.is_finished() && self.is_own_child(id, start);
                if may_come_again {
                    self.accept_start(id, entry);
                } else {
                    let message = self.done(id, entry);
                    self.refuse_start(&message, status);
                }
            }
        }
        Managed::Done
    }

    /// Whether the run that has the id was a child of the same run that starts it again.
    pub(super) fn is_own_child(&self, id: InstanceId, start: &StartRequest) -> bool {
        let earlier = self.run_of(id).and_then(Run::record).and_then(|record| record.parent.as_ref());
        match (earlier, &start.parent) {
            (Some(earlier), Some(parent)) => earlier.run == parent.run,
            _ => false,
        }
    }

    pub(super) fn refuse_start(&mut self, message: &Message, status: RunStatus) {
        let Some(run) = message.to.as_run() else { return };
        let error = CallError::RunExists { run, status };
        if message.from.client().is_some() {
            // A repeat under the same key is told the same.
            let details = json::encode(&status).ok();
            let failure = Failure::new(FailureKind::RunExists, error.to_string()).with_details(details);
            if matches!(message.identity, Identity::None) {
                self.reply(message, Answer::refused(error));
            } else {
                self.finish_key(message, &Err(failure));
                self.reply(message, Answer::refused(error));
            }
        } else {
            self.fail(message, Failure::new(FailureKind::RunExists, error.to_string()));
        }
    }

    /// Tells who asked which execution is the run's first.
    pub(super) fn answer_start(&mut self, id: InstanceId, message: &Message) {
        let Some(first) = self.run_of(id).and_then(Run::record).map(|record| record.first) else { return };
        let answer = match json::encode(&first) {
            Ok(answer) => answer,
            Err(failure) => unreachable!("an id has JSON: {failure}"),
        };
        self.finish_key(message, &Ok(answer.clone()));
        self.reply(message, Answer::Returned(answer));
    }

    /// Makes a run of a start: its record, and its first execution, which begins in the same turn.
    fn accept_start(&mut self, id: InstanceId, entry: Entry) {
        let message = self.done(id, entry);
        let Body::Start(start) = &message.body else { return };
        let execution = self.next_execution(message.to.slot());
        let StartRequest { launch, parent, .. } = (**start).clone();
        let record = RunRecord {
            name: launch.name.clone(),
            first: execution,
            execution,
            status: RunStatus::Pending,
            created: self.now,
            changed: self.now,
            completed: None,
            custom_status: None,
            outcome: None,
            parent: parent.clone(),
            labels: launch.labels.clone(),
            parked: None,
            chunks: 0,
            extras: None,
        };
        self.forget_alarm(id);
        self.forget_history(id);
        if let Some(instance) = self.instances.get_mut(id) {
            instance.stage = Stage::Active;
        }
        if let Some(run) = self.run_mut(id) {
            (run.row.run, run.status_set) = (Some(record), false);
        }
        self.mark_dirty(id);
        let scheduled = message.due.filter(|due| *due > self.now);
        if let Some(due) = scheduled {
            self.put_off(id, execution, due);
        }
        let seed = seed(execution);
        let start = Start {
            run: launch.run,
            execution,
            name: launch.name,
            input: launch.input,
            seed,
            parent,
            scheduled,
            labels: launch.labels,
            limits: self.config.limits.execution(),
        };
        self.push_begin(id, Begin { start, carried: Vec::new() });
        self.answer_start(id, &message);
    }

    /// Puts the begin of an execution into the run's front queue, from where it is taken in this turn, or, behind a
    /// crash, in another.
    pub(super) fn push_begin(&mut self, id: InstanceId, begin: Begin) {
        let Some(address) = self.address_of(id) else { return };
        let body = Body::Begin(Box::new(begin));
        self.accept(id, Box::new(Message::one_way(address.clone(), address, body)));
    }

    /// The next execution of a run, with another input.
    pub(super) fn next_start(
        &mut self,
        record: &RunRecord,
        run: RunId,
        slot: &Address,
        input: Payload,
    ) -> Start {
        let execution = self.next_execution(slot.slot());
        Start {
            run,
            execution,
            name: record.name.clone(),
            input,
            seed: seed(execution),
            parent: record.parent.clone(),
            scheduled: None,
            labels: record.labels.clone(),
            limits: self.config.limits.execution(),
        }
    }

    /// Begins an execution: its code runs for the first time.
    fn begin(&mut self, id: InstanceId, entry: Entry) -> Managed {
        let Body::Begin(begin) = &entry.message.body else { return Managed::Done };
        let current = self.run_of(id).filter(|run| run.is_under_way()).and_then(Run::execution);
        if current != Some(begin.start.execution) {
            self.done(id, entry);
            return Managed::Done;
        }
        let Some(orchestration) = self.config.registry.orchestration(begin.start.name.as_str()).cloned()
        else {
            let reason = unregistered(begin.start.name.as_str());
            self.park_unbegun(id, reason);
            return Managed::Waits(entry);
        };
        if !self.may_begin(id, &begin.start.name) {
            return Managed::Waits(entry);
        }
        let execution = orchestration.begin(begin.start.clone());
        let carried = begin.carried.iter();
        let inputs =
            carried.map(|(name, input)| Input::EventRaised { name: name.clone(), input: input.clone() });
        let inputs: Vec<Input> = inputs.collect();
        if let Some(run) = self.run_mut(id) {
            run.code = Code::Live(Box::new(execution));
        }
        match self.execute(id, inputs) {
            Ok(turn) => {
                self.done(id, entry);
                self.set_status(id, RunStatus::Running);
                self.unpark(id);
                self.take_effect(id, turn);
                Managed::Done
            }
            Err(parked) => {
                if let Some(run) = self.run_mut(id) {
                    run.code = Code::None;
                }
                self.park_unbegun(id, parked.to_string());
                Managed::Waits(entry)
            }
        }
    }

    /// Parks an execution that has not begun: nothing of it is recorded.
    fn park_unbegun(&mut self, id: InstanceId, reason: String) {
        if let Some(run) = self.run_mut(id) {
            run.outstanding = Some(Outstanding::default());
        }
        self.park(id, reason);
    }

    pub(super) fn set_status(&mut self, id: InstanceId, status: RunStatus) {
        let Some(record) = self.run_mut(id).and_then(|run| run.row.run.as_mut()) else { return };
        if record.status != status {
            record.status = status;
            self.mark_dirty(id);
        }
    }

    /// Suspends, resumes or terminates a run that is not over.
    fn change_course(&mut self, id: InstanceId, entry: Entry) -> Managed {
        if let Some(begin) = self.take_begin(id) {
            return self.change_unbegun(id, entry, begin);
        }
        let turn = match &entry.message.body {
            Body::Terminate { reason, recurse, .. } => self.terminate(id, reason.clone(), *recurse),
            Body::Suspend { reason } => self.record_input(id, Input::Suspended { reason: reason.clone() }),
            Body::Resume { reason } => self.record_input(id, Input::Resumed { reason: reason.clone() }),
            _ => Some(Turn::default()),
        };
        let Some(turn) = turn else { return Managed::Waits(entry) };
        let message = self.done(id, entry);
        match &message.body {
            Body::Suspend { .. } => {
                if armed(Fault::ReleaseOnSuspend) {
                    self.release_wrongly(id);
                }
                self.set_status(id, RunStatus::Suspended);
            }
            Body::Resume { .. } => self.set_status(id, RunStatus::Running),
            _ => {}
        }
        self.take_effect(id, turn);
        self.finish_key(&message, &Ok(Payload::null()));
        Managed::Done
    }

    /// The begin that still waits, of an execution that cannot begin.
    fn take_begin(&mut self, id: InstanceId) -> Option<Entry> {
        let current = self.run_of(id).and_then(Run::execution)?;
        self.instances.get_mut(id)?.waiting.front.take(|message| begins(message, current))
    }

    /// Whether the begin of the execution that is under way still waits.
    pub(super) fn is_begin_waiting(&self, id: InstanceId) -> bool {
        let Some(current) = self.run_of(id).and_then(Run::execution) else { return false };
        self.instances
            .get(id)
            .is_some_and(|instance| instance.waiting.front.any(|message| begins(message, current)))
    }

    /// Of an execution that has not begun nothing is recorded but its end: while the run is suspended it does not begin.
    fn change_unbegun(&mut self, id: InstanceId, entry: Entry, begin: Entry) -> Managed {
        let message = self.done(id, entry);
        match &message.body {
            Body::Terminate { reason, recurse, .. } => {
                let turn = self.end_unbegun(id, begin, reason.clone(), *recurse);
                self.take_effect(id, turn);
            }
            body => {
                let status = match body {
                    Body::Suspend { .. } => RunStatus::Suspended,
                    _ if self.run_of(id).and_then(Run::record).is_some_and(RunRecord::is_first) => {
                        RunStatus::Pending
                    }
                    _ => RunStatus::Running,
                };
                if let Some(instance) = self.instances.get_mut(id) {
                    instance.waiting.front.put_back(vec![begin]);
                }
                self.set_status(id, status);
            }
        }
        self.finish_key(&message, &Ok(Payload::null()));
        Managed::Done
    }

    /// What the termination of an execution that has not begun records: its start and its end.
    fn end_unbegun(&mut self, id: InstanceId, begin: Entry, reason: Option<Payload>, recurse: bool) -> Turn {
        let mut events = Outstanding::default().terminate(self.now, reason, recurse);
        if let Body::Begin(waiting) = &begin.message.body {
            events.insert(events.len() - 1, Event::Started(Box::new(waiting.start.clone())));
        }
        self.done(id, begin);
        Turn { events, ..Turn::default() }
    }

    /// Records a suspension or resumption; `None` when the history must be read first.
    fn record_input(&mut self, id: InstanceId, input: Input) -> Option<Turn> {
        let run = self.run_of(id)?;
        if run.is_live() {
            return match self.execute(id, vec![input]) {
                Ok(turn) => Some(turn),
                Err(parked) => {
                    self.park(id, parked.to_string());
                    None
                }
            };
        }
        let now = self.now;
        self.with_outstanding(id, |outstanding| match input {
            Input::Suspended { reason } => outstanding.suspend(now, reason),
            Input::Resumed { reason } => outstanding.resume(now, reason),
            _ => Vec::new(),
        })
    }

    /// What a termination records, without the code of the user; `None` when the history must be read first.
    fn terminate(&mut self, id: InstanceId, reason: Option<Payload>, recurse: bool) -> Option<Turn> {
        let now = self.now;
        self.with_outstanding(id, |outstanding| outstanding.terminate(now, reason, recurse))
    }

    /// Makes a turn by what the execution has asked for and not got.
    fn with_outstanding(
        &mut self,
        id: InstanceId,
        events: impl FnOnce(&Outstanding) -> Vec<Event>,
    ) -> Option<Turn> {
        let run = self.run_of(id)?;
        if let Some(outstanding) = run.outstanding() {
            let events = events(outstanding);
            if let Some(outstanding) = self.run_mut(id).and_then(|run| run.outstanding.as_mut()) {
                for event in &events {
                    outstanding.apply(event);
                }
            }
            return Some(Turn { events, ..Turn::default() });
        }
        match run.code {
            // It has not begun, so it has asked for nothing.
            Code::None => Some(Turn { events: events(&Outstanding::default()), ..Turn::default() }),
            Code::Stored => {
                self.read_history(id);
                None
            }
            Code::Reading(_) | Code::Replaying(_) | Code::Collected(_) | Code::Live(_) => None,
        }
    }

    /// Removes a run that is over, with its history.
    fn purge(&mut self, id: InstanceId) {
        let Some(run) = self.run_of(id) else { return };
        let Some(record) = run.record().filter(|record| record.status.is_finished()) else { return };
        let first = record.first;
        self.forget_alarm(id);
        self.forget_history(id);
        if let Some(run) = self.run_mut(id) {
            run.row.run = None;
        }
        self.mark_dirty(id);
        self.tell_end(id, first, None);
        self.collect(id, false);
        self.set_unwatched(id);
    }
}

/// Whether a message begins this execution.
fn begins(message: &Message, execution: ExecutionId) -> bool {
    matches!(&message.body, Body::Begin(begin) if begin.start.execution == execution)
}

/// Where an execution's random numbers begin.
fn seed(execution: ExecutionId) -> u64 {
    content_hash("", execution.0.as_bytes())
}

/// Why a run is parked whose code is not there.
pub(super) fn unregistered(name: &str) -> String {
    format!(
        "no orchestration `{name}` is registered: register it with `Runtime::builder().orchestration({name})`; it goes on when it is there"
    )
}
