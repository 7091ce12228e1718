//! The end of an execution: what it leaves is deleted, and who waits for it is told, all in the commit of its end.

use super::{Code, carry::Issuer};
use crate::{
    fault::{Fault, armed},
    shard::{InstanceId, Shard},
};
use sarsen_orchestration::{End, Input, Outstanding};
use sarsen_protocol::{
    Address, Begin, Body, CommandId, Completion, Effect, ExecutionId, Failure, FailureKind, Message, Payload,
    RunId, RunOutcome, RunStatus, Timestamp, Within,
};

/// What an execution that ends leaves behind.
struct Left {
    timers: Vec<(CommandId, Timestamp)>,
    tasks: Vec<CommandId>,
    children: Vec<RunId>,
}

impl Left {
    fn of(outstanding: &Outstanding) -> Self {
        Self {
            timers: outstanding.timers().iter().map(|(id, due)| (*id, *due)).collect(),
            tasks: outstanding.tasks().iter().copied().collect(),
            children: outstanding.children().values().cloned().collect(),
        }
    }
}

impl Shard {
    /// Ends an execution. Its section has been ended by a command before. `carried`: the events that nobody has taken.
    pub(super) fn finish(&mut self, issuer: &Issuer, end: End, carried: Vec<Input>) {
        let Some(run) = self.run_mut(issuer.id) else { return };
        let known = match &run.code {
            Code::Live(execution) => Some(Left::of(execution.outstanding())),
            _ => run.outstanding.as_ref().map(Left::of),
        };
        let left = known.unwrap_or_else(|| Left::of(&Outstanding::default()));
        for (timer, due) in &left.timers {
            self.remove_timer(issuer, *timer, *due);
        }
        // Tasks that a returned execution has issued still run; their results are dropped.
        if matches!(end, End::ContinuedAsNew(_) | End::Terminated { .. }) && !armed(Fault::KeepTasks) {
            for task in &left.tasks {
                self.remove_task(issuer, *task);
            }
        }
        match end {
            End::ContinuedAsNew(input) => self.continue_as_new(issuer, input, carried),
            End::Returned(result) => self.conclude_run(issuer, RunOutcome::Returned(result)),
            End::Failed(failure) => self.conclude_run(issuer, RunOutcome::Failed(failure)),
            End::Terminated { reason, recurse } => {
                if recurse {
                    self.terminate_children(issuer, left.children);
                }
                self.conclude_run(issuer, RunOutcome::Terminated { reason });
            }
        }
    }

    fn terminate_children(&mut self, issuer: &Issuer, children: Vec<RunId>) {
        for child in children {
            let parent = Within { run: issuer.run.clone(), execution: issuer.execution };
            let body = Body::Terminate { reason: None, recurse: true, child_of: Some(Box::new(parent)) };
            self.send(Message::one_way(Address::run(&child), issuer.address.clone(), body));
        }
    }

    /// The run goes on as another execution, which begins with the events that this one has not taken.
    fn continue_as_new(&mut self, issuer: &Issuer, input: Payload, carried: Vec<Input>) {
        let Some(run) = self.run_of(issuer.id) else { return };
        let Some(record) = run.record().cloned() else { return };
        let original = match &run.code {
            Code::Live(execution) if record.is_first() => Some(execution.start().input.clone()),
            _ => None,
        };
        let start = self.next_start(&record, issuer.run.clone(), &issuer.address, input);
        self.forget_history(issuer.id);
        if let Some(record) = self.run_mut(issuer.id).and_then(|run| run.row.run.as_mut()) {
            record.execution = start.execution;
            if original.is_some() {
                record.extras_mut().input = original;
            }
        }
        self.mark_dirty(issuer.id);
        let carried = carried
            .into_iter()
            .filter_map(|input| match input {
                Input::EventRaised { name, input } if !armed(Fault::DropCarried) => Some((name, input)),
                _ => None,
            })
            .collect();
        self.push_begin(issuer.id, Begin { start, carried });
    }

    /// The run is over.
    fn conclude_run(&mut self, issuer: &Issuer, outcome: RunOutcome) {
        let now = self.now;
        self.forget_alarm(issuer.id);
        let Some(run) = self.run_mut(issuer.id) else { return };
        run.code = Code::None;
        run.outstanding = None;
        run.timers.clear();
        let Some(record) = &mut run.row.run else { return };
        record.status = match &outcome {
            RunOutcome::Returned(_) => RunStatus::Completed,
            RunOutcome::Failed(_) => RunStatus::Failed,
            RunOutcome::Terminated { .. } => RunStatus::Terminated,
        };
        record.completed = Some(now);
        record.outcome = Some(outcome.clone());
        record.parked = None;
        let (first, parent) = (record.first, record.parent.clone());
        if let Some(instance) = self.instances.get_mut(issuer.id) {
            instance.stage = crate::shard::instance::Stage::Active;
        }
        self.mark_dirty(issuer.id);
        self.set_expiry(issuer.id);
        self.give_back_permit(issuer.id);
        self.instances.resize_to(issuer.id, 0);
        if let Some(parent) = parent {
            let result = told(&issuer.run, &outcome);
            let run = Address::run(&parent.run);
            self.complete(&run, parent.execution, parent.command, Completion::Child(result));
        }
        self.tell_end(issuer.id, first, Some(outcome));
    }

    /// Tells who waits for the run's end.
    pub(super) fn tell_end(&mut self, id: InstanceId, first: ExecutionId, outcome: Option<RunOutcome>) {
        let Some(run) = self.address_of(id).and_then(|address| address.as_run()) else { return };
        let bytes = match &outcome {
            Some(RunOutcome::Returned(result)) => result.len(),
            _ => 0,
        };
        self.batch.release(Effect::RunEnded { run, first, outcome: outcome.map(Box::new) }, bytes);
    }
}

/// What the end of a run is to its parent.
pub(super) fn told(run: &RunId, outcome: &RunOutcome) -> Result<Payload, Failure> {
    match outcome {
        RunOutcome::Returned(result) => Ok(result.clone()),
        RunOutcome::Failed(failure) => Err(failure.clone()),
        RunOutcome::Terminated { reason } => {
            let text = format!("run `{run}` was terminated");
            Err(Failure::new(FailureKind::Terminated, text).with_details(reason.clone()))
        }
    }
}
