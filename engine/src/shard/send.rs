//! Messages of instances on their way: to a neighbour in the shard, to another shard, or to a later moment.

use super::{InstanceId, Shard, admit::queue_of};
use crate::record::{self, RowId, TimerId};
use sarsen_entities::Outgoing;
use sarsen_protocol::{
    Address, Answer, Body, CallError, CommandId, Completed, Completion, Delivery, Effect, ExecutionId,
    Failure, FailureKind, Keyspace, Labels, Launch, Message, Origin, Parent, Reuse, RunId, ShardId, Slot,
    Source, StartRequest,
};

impl Shard {
    /// Sends what an operation of `from` sent; what it schedules at itself takes effect at once.
    pub(super) fn send_outgoing(&mut self, (id, from): (InstanceId, &Address), outgoing: Outgoing) {
        let message = match outgoing {
            Outgoing::Signal { to, operation, input, due } => {
                let body = Body::operation(operation, input, false);
                Message { due, ..Message::one_way(to, from.clone(), body) }
            }
            Outgoing::Start { run, name, input } => {
                let generated = run.is_none();
                let run = run.unwrap_or_else(|| self.next_run(from.slot()));
                let launch = Launch { run, name, input, labels: Labels::default() };
                return self.send_start(start_message(from, launch, None, generated));
            }
            Outgoing::Schedule { to, request } => Message::one_way(to, from.clone(), Body::Schedule(request)),
            Outgoing::Unschedule { to, request } => {
                Message::one_way(to, from.clone(), Body::Unschedule(request))
            }
        };
        let schedules = matches!(message.body, Body::Schedule(_) | Body::Unschedule(_));
        if schedules && message.to == *from {
            self.change_schedule_by(id, &message);
        } else {
            self.send(message);
        }
    }

    /// A generated id for a run in `slot`.
    fn next_run(&mut self, slot: Slot) -> RunId {
        let unique = self.next_execution(slot).unique();
        RunId::generated(self.now, slot, unique)
    }

    /// Tells an execution what has come about.
    pub(super) fn complete(
        &mut self,
        run: &Address,
        execution: ExecutionId,
        command: CommandId,
        completion: Completion,
    ) {
        let body = Body::Completed(Box::new(Completed { execution, command, completion }));
        self.send(Message::one_way(run.clone(), run.clone(), body));
    }

    /// Sends a message: to a neighbour in the shard, to another shard, or to a later moment.
    pub(super) fn send(&mut self, message: Message) {
        if !message.to.is_run() && self.config.registry.get(message.to.name()).is_none() {
            let concerns_lock =
                !matches!(message.body, Body::Operation(_) | Body::Schedule(_) | Body::Unschedule(_));
            if concerns_lock && message.section().is_some() {
                self.keep_for_later(&message);
                return;
            }
            let error = CallError::UnknownEntity { name: message.to.name().to_owned() };
            self.fail(&message, Failure::new(FailureKind::UnknownEntity, error.to_string()));
            return;
        }
        let owner = self.config.slots.shard(message.to.slot());
        if owner != self.config.id {
            self.send_away(owner, message);
        } else if self.is_early(&message) {
            self.delay(message);
        } else if let Some(id) = self.activate_for(&message) {
            self.admit_deliveries(id);
            self.admit_delivery(id, Box::new(message));
        }
    }

    /// Keeps what concerns a lock of an entity whose type is not registered, for a process in which it is.
    fn keep_for_later(&mut self, message: &Message) {
        let owner = self.config.slots.shard(message.to.slot());
        if owner != self.config.id {
            self.send_away(owner, message.clone());
            return;
        }
        let key = record::mailbox_key(&message.to, queue_of(message), self.next_row());
        self.batch.write(Keyspace::Mailbox, key, Some(record::write_message(message)));
        self.unregistered += 1;
    }

    /// Answers who waits for a message that cannot be done; keeps it as a dead letter when nobody does.
    pub(super) fn fail(&mut self, message: &Message, failure: Failure) {
        match &message.body {
            Body::Operation(operation)
                if operation.answered && matches!(message.from, Origin::Execution { .. }) =>
            {
                self.reply(message, Answer::failed(failure));
            }
            Body::Unschedule(_) if message.is_answered() => self.reply(message, Answer::failed(failure)),
            Body::Operation(_)
            | Body::Event(_)
            | Body::Schedule(_)
            | Body::Scheduled(_)
            | Body::Unschedule(_) => self.give_up(message, failure),
            Body::Start(start) => match &start.parent {
                Some(parent) => {
                    let run = Address::run(&parent.run);
                    self.complete(&run, parent.execution, parent.command, Completion::Child(Err(failure)));
                }
                None => self.give_up(message, failure),
            },
            // Nobody needs them where they cannot be taken.
            Body::Lock(_)
            | Body::TryLock(_)
            | Body::Release(_)
            | Body::Cancel(_)
            | Body::Begin(_)
            | Body::Completed(_)
            | Body::Suspend { .. }
            | Body::Resume { .. }
            | Body::Terminate { .. }
            | Body::Purge
            | Body::Sweep
            | Body::Due { .. }
            | Body::PurgeThis { .. }
            | Body::Expire { .. }
            | Body::Import(_)
            | Body::Rewind { .. } => {}
        }
    }

    /// Writes a message as an inbox row of its receiver's slot; the wake-up leaves after the commit.
    fn send_away(&mut self, to: ShardId, message: Message) {
        let slot = message.to.slot();
        let source = Source { epoch: self.config.lease.epoch, shard: self.config.id };
        let last = self.outgoing.entry(slot).or_default();
        *last = last.next();
        let sequence = *last;
        let key = record::inbox_key(slot, source, sequence);
        self.batch.write(Keyspace::Inbox, key, Some(record::write_message(&message)));
        let bytes = message.bytes();
        let delivery = Box::new(Delivery { source, slot, sequence, message: Some(message) });
        self.batch.release(Effect::Deliver { to, delivery }, bytes);
    }

    /// Whether a message is to be kept until it is due. A start is not: the run is there at once, and its begin waits.
    pub(super) fn is_early(&self, message: &Message) -> bool {
        message.due.is_some_and(|due| due > self.now) && !matches!(message.body, Body::Start(_))
    }

    /// Keeps a message until it is due.
    pub(super) fn delay(&mut self, message: Message) {
        let full = self.timers.signals() >= self.config.limits.timers_max as u64;
        if full && matches!(message.body, Body::Operation(_)) {
            let reason = "the shard's list of delayed signals is full: raise `timers_max`";
            self.give_up(&message, Failure::new(FailureKind::MailboxFull, reason));
            return;
        }
        let due = message.due.unwrap_or(self.now);
        let row = match &message.body {
            // Whoever takes the timer back finds its row by the command.
            Body::Completed(completed) => RowId::of_command(completed.execution, completed.command),
            Body::Due { execution: of } | Body::PurgeThis { first: of } => RowId::of_alarm(*of),
            Body::Expire { life } => RowId::of_life(*life),
            _ => self.next_row(),
        };
        let id = TimerId { due, row, slot: message.to.slot() };
        let value = record::write_message(&message);
        self.batch.replace(Keyspace::Timers, record::timer_key(id), Some(value));
        self.timers.insert(id, message, self.open_number());
    }

    /// Lets delayed signals that are due arrive, as many as a turn may. Returns whether there were any.
    ///
    /// They were accepted when they were sent; no mailbox is too full for them, since rows and `timers_max` bound them.
    pub(super) fn fire_timers(&mut self) -> bool {
        let mut fired = false;
        for _ in 0..self.config.limits.timers_per_turn_max {
            let Some((id, mut message)) = self.timers.pop_due(self.now) else { break };
            let Some(receiver) = self.activate(&message.to) else {
                // The row stays for a process in which the type is registered.
                self.unregistered += 1;
                continue;
            };
            self.batch.replace(Keyspace::Timers, record::timer_key(id), None);
            message.due = None;
            self.admit_deliveries(receiver);
            self.accept(receiver, Box::new(message));
            fired = true;
        }
        fired
    }
}

/// A message that starts a run, whose result `parent` waits for.
pub(super) fn start_message(
    from: &Address,
    launch: Launch,
    parent: Option<Parent>,
    generated: bool,
) -> Message {
    let to = Address::run(&launch.run);
    let start = StartRequest { launch, reuse: Reuse::Fail, parent, generated };
    Message::one_way(to, from.clone(), Body::Start(Box::new(start)))
}
