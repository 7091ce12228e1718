//! Rewinding a failed run: it goes on from its point of failure, as another execution.
//!
//! The history is read as a whole and cut (`sarsen_orchestration::Rewound` says where). What is kept of it is the new
//! execution's history, written in the commit that also asks again for what is missing and makes the old history
//! garbage. So a crash finds the run failed, with the message that rewinds it in its front queue, or under way.

use super::{Code, Run, carry::Issuer, finish::told, manage::Managed};
use crate::{
    fault::{Fault, armed},
    shard::{InstanceId, Shard, mailbox::Entry},
};
use sarsen_orchestration::{Chunk, Event, Input, Outstanding, RewindError, Rewound};
use sarsen_protocol::{
    Answer, Begin, Body, CallError, Completion, Effect, ExecutionId, Failure, FailureKind, Message, Payload,
    RaisedEvent, Reuse, RunStatus,
};

/// The longest history that is rewound, in bytes: it is one row of one commit.
const HISTORY_BYTES_MAX: usize = 64 << 20;

impl Shard {
    /// Rewinds a run, once its history has been read.
    pub(super) fn rewind(&mut self, id: InstanceId, entry: Entry) -> Managed {
        let status = self.run_of(id).and_then(Run::status);
        let Some(run) = self.run_mut(id).filter(|_| status == Some(RunStatus::Failed)) else {
            let message = self.done(id, entry);
            let Some(run) = message.to.as_run() else { return Managed::Done };
            let error = match status {
                Some(status) => CallError::RunNotFailed { run, status },
                None => CallError::RunNotFound { run },
            };
            self.reply(&message, Answer::refused(error));
            return Managed::Done;
        };
        match std::mem::take(&mut run.code) {
            Code::Collected(history) => {
                let message = self.done(id, entry);
                let answer = match self.rewind_over(id, &message, history) {
                    Ok(()) => Answer::Returned(Payload::null()),
                    Err(error) => Answer::refused(error),
                };
                self.reply(&message, answer);
                Managed::Done
            }
            Code::None | Code::Stored => {
                run.code = Code::Stored;
                self.mark_touched(id);
                self.collect_history(id);
                Managed::Waits(entry)
            }
            other => {
                run.code = other;
                Managed::Waits(entry)
            }
        }
    }

    /// Rewinds a run over its whole history.
    fn rewind_over(
        &mut self,
        id: InstanceId,
        message: &Message,
        history: Result<Vec<Event>, String>,
    ) -> Result<(), CallError> {
        let Some(run) = message.to.as_run() else { return Ok(()) };
        let Body::Rewind { reason } = &message.body else { return Ok(()) };
        let refused = |reason: String| CallError::CannotRewind { run: run.clone(), reason };
        let events = history.map_err(refused)?;
        let rewound =
            Rewound::of(events, self.now).map_err(|error: RewindError| refused(error.to_string()))?;
        let Some(old) = self.issuer(id) else { return Ok(()) };
        let mut history = Chunk::default();
        let turn = Outstanding::of(&rewound.kept).rewind(self.now, reason.clone());
        for event in rewound.kept.iter().chain(&turn) {
            history.push(event);
        }
        if history.len() > HISTORY_BYTES_MAX {
            return Err(refused("its history is too long: start it again instead".to_owned()));
        }
        for task in &rewound.tasks {
            self.remove_task(&old, *task);
        }
        let Some(record) = self.run_of(id).and_then(Run::record).cloned() else { return Ok(()) };
        if rewound.kept.is_empty() {
            let input = rewound.input.clone().unwrap_or_else(Payload::null);
            let start = self.next_start(&record, run.clone(), &old.address, input);
            self.take_up(id, start.execution, None);
            self.push_begin(id, Begin { start, carried: Vec::new() });
        } else {
            let execution = self.next_execution(old.address.slot());
            self.take_up(id, execution, rewound.status.clone());
            if let Some(run) = self.run_mut(id) {
                run.unwritten = history;
                run.code = Code::Stored;
            }
            self.may_begin(id, &record.name);
            self.ask_again(&Issuer { execution, ..old }, rewound);
        }
        self.batch.release(Effect::RunRewound { run, first: record.first }, 0);
        Ok(())
    }

    /// Makes a run that is over one that is under way, as another execution.
    fn take_up(&mut self, id: InstanceId, execution: ExecutionId, status: Option<Payload>) {
        self.forget_alarm(id);
        self.forget_history(id);
        if let Some(record) = self.run_mut(id).and_then(|run| run.row.run.as_mut()) {
            record.execution = execution;
            record.status = RunStatus::Running;
            (record.completed, record.outcome, record.chunks) = (None, None, 0);
            record.custom_status = status.or(record.custom_status.take());
        }
        self.mark_dirty(id);
    }

    /// Asks for what the kept history has asked for and not got, and gives again what had come.
    fn ask_again(&mut self, issuer: &Issuer, rewound: Rewound) {
        for (command_id, command) in &rewound.again {
            self.carry_out(issuer, *command_id, command);
        }
        for (command_id, launch) in &rewound.children {
            self.start_child(issuer, *command_id, launch, Reuse::Return);
        }
        for input in rewound.later.into_iter().filter(|_| !armed(Fault::RewindForgets)) {
            let (id, completion) = match input {
                Input::TaskEnded { id, result } => (id, Completion::Task(result)),
                Input::ChildEnded { id, result } => (id, Completion::Child(result)),
                Input::CallEnded { id, result } => (id, Completion::Call(result)),
                Input::EventRaised { name, input } => {
                    let event = RaisedEvent { name, input, keep_until: None };
                    let (to, from) = (issuer.address.clone(), issuer.address.clone());
                    self.send(Message::one_way(to, from, Body::Event(Box::new(event))));
                    continue;
                }
                Input::AttemptFailed { .. }
                | Input::TimerFired { .. }
                | Input::LockGranted { .. }
                | Input::LockRefused { .. }
                | Input::Suspended { .. }
                | Input::Resumed { .. }
                | Input::Rewound { .. } => continue,
            };
            self.complete(&issuer.address, issuer.execution, id, completion);
        }
    }

    /// Lets a run that was started before by the same command of a parent be the child of its next execution, and tells
    /// that what it has come to, if it is over.
    pub(super) fn adopt(&mut self, id: InstanceId, entry: Entry) {
        let message = self.done(id, entry);
        let (Body::Start(start), Some(run)) = (&message.body, message.to.as_run()) else { return };
        let Some(parent) = start.parent.clone() else { return };
        let Some(record) = self.run_mut(id).and_then(|run| run.row.run.as_mut()) else { return };
        let own =
            record.parent.as_ref().is_some_and(|own| own.run == parent.run && own.command == parent.command);
        let outcome = if own {
            record.parent = Some(parent.clone());
            record.outcome.as_ref().map(|outcome| told(&run, outcome))
        } else {
            let error = CallError::RunExists { run, status: record.status };
            Some(Err(Failure::new(FailureKind::RunExists, error.to_string())))
        };
        if own {
            self.mark_dirty(id);
        }
        if let Some(result) = outcome {
            let to = sarsen_protocol::Address::run(&parent.run);
            self.complete(&to, parent.execution, parent.command, Completion::Child(result));
        }
    }
}
