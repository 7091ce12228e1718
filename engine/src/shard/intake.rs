//! Takes in what happens to a shard. What is asked for is queued; the outcome of an operation that ran elsewhere takes
//! effect at once, and so does what an operator decides of a dead letter. No user code runs here.

use super::{
    InstanceId, Shard,
    instance::{Entity, Instance, Kind, Stage},
    runs::Run,
};
use crate::{
    BUSY_RETRY_AFTER, Input, LOCKED_RETRY_AFTER_MAX, Request,
    fault::{Fault, armed},
    record::{self, TaskRecord},
};
use bytes::Bytes;
use sarsen_protocol::{
    Address, Answer, Body, CallError, Completion, Delivery, FailedAttempt, Failure, FailureKind, Identity,
    Keyspace, Message, Payload, Reply, RequestId, SessionId, Task, TaskToken, Timestamp,
};

impl Shard {
    /// Takes in an input. No user code runs.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.advance(now);
        self.let_in &= !matches!(input, Input::Requested(_));
        match input {
            Input::Requested(Request::Message(message)) => self.request(message),
            Input::Requested(Request::State { to, session, request }) => match self.activate(&to) {
                Some(id) if self.has_too_many_reads(id) => {
                    let error = busy(&to, "its list of reads");
                    self.refusals.push_back(Reply { session, request, answer: Answer::refused(error) });
                }
                Some(id) if !to.is_run() => {
                    if let Some(instance) = self.instances.get_mut(id) {
                        instance.waiting.reads.push((session, request));
                    }
                    self.mark_ready(id);
                }
                Some(_) | None => self.refuse_unknown(&to, (session, request)),
            },
            Input::Requested(Request::Letter(asked)) => self.settle_letter(*asked),
            Input::Delivered(delivery) => self.deliver(delivery),
            Input::Loaded(loaded) => self.loaded(loaded),
            Input::Performed { token, result, progress } => self.performed(token, result, progress),
            Input::Progressed { task, progress } => self.progressed(*task, progress),
            Input::Operated { token, ended } => self.operated(token, *ended),
        }
    }

    fn has_too_many_reads(&self, id: InstanceId) -> bool {
        let limits = &self.config.limits;
        self.instances
            .get(id)
            .is_some_and(|instance| instance.waiting.reads.len() >= instance.mailbox_max(limits))
    }

    fn refuse_unknown(&mut self, to: &Address, (session, request): (SessionId, RequestId)) {
        let error = CallError::UnknownEntity { name: to.name().to_owned() };
        self.refusals.push_back(Reply { session, request, answer: Answer::refused(error) });
    }

    fn request(&mut self, message: Message) {
        let Some(id) = self.activate_for(&message) else {
            if let Some(client) = message.from.client() {
                self.refuse_unknown(&message.to, client);
            }
            return;
        };
        let Some(instance) = self.instances.get_mut(id) else { return };
        let full = instance.waiting.arrivals.len() + instance.waiting.mailbox.len()
            >= instance.mailbox_max(&self.config.limits);
        if full && !is_management(&message) {
            let error = mailbox_busy(instance, self.now);
            self.refused(message.to.name(), |refusals| refusals.mailbox_full += 1);
            self.refuse(&message, error);
            return;
        }
        if let Identity::Key(name) = &message.identity {
            self.prefetch_key(&message.to, name);
        }
        self.instances.equip(id);
        let Some(instance) = self.instances.get_mut(id) else { return };
        self.queued_bytes += message.bytes();
        instance.waiting.arrivals.push_back(Box::new(message));
        self.mark_ready(id);
    }

    /// Puts a message of another shard before its instance's door.
    pub(super) fn arrive(&mut self, message: Message, row: Bytes) {
        let Some(id) = self.activate(&message.to) else {
            // The row stays for a process in which the type is registered.
            self.unregistered += 1;
            return;
        };
        let Some(instance) = self.instances.get_mut(id) else { return };
        self.queued_bytes += message.bytes();
        instance.waiting.deliveries.push_back((Box::new(message), row));
        self.mark_ready(id);
    }

    /// Takes a wake-up of another shard, or notes its slot until the rows of earlier lives are accepted.
    fn deliver(&mut self, delivery: Delivery) {
        if !self.recovered {
            self.held.insert(delivery.slot);
            return;
        }
        match self.inboxes.deliver(delivery) {
            Ok(None) => {}
            Ok(Some((message, row))) => self.arrive(message, row),
            Err(read) => self.load_inbox(read),
        }
    }

    /// Reads the inbox rows of slots for which wake-ups came too early.
    pub(super) fn deliver_held(&mut self) {
        for slot in std::mem::take(&mut self.held) {
            let read = self.inboxes.read_slot(slot);
            self.load_inbox(read);
        }
    }

    /// As [`activate`](Self::activate), but a run whose id was generated for this very start is not looked for.
    pub(super) fn activate_for(&mut self, message: &Message) -> Option<InstanceId> {
        let generated = match &message.body {
            Body::Start(start) => start.generated,
            _ => false,
        };
        if !generated || self.instances.find(&message.to).is_some() {
            return self.activate(&message.to);
        }
        let kind = Kind::Run(Box::new(Run::absent()));
        Some(self.instances.insert(message.to.clone(), kind, Stage::Active, self.now))
    }

    /// Finds an instance in memory or begins to load it. `None` when it is of an entity type that is not registered.
    pub(super) fn activate(&mut self, address: &Address) -> Option<InstanceId> {
        if let Some(id) = self.instances.find(address) {
            return Some(id);
        }
        let (kind, behaviour) = if address.is_run() {
            (Kind::Run(Box::default()), None)
        } else {
            let registered = self.config.registry.registered(address.name())?;
            let behaviour = registered.behaviour.clone();
            (Kind::Entity(Entity::new(registered.clone())), Some(behaviour))
        };
        let id = self.instances.insert(address.clone(), kind, Stage::Loading, self.now);
        self.load_instance(id, address.clone(), behaviour);
        Some(id)
    }

    /// Takes the result of an activity, if it is still waited for: it becomes a message to its run.
    fn performed(&mut self, token: TaskToken, result: Result<Payload, Failure>, progress: Option<Payload>) {
        if token.epoch != self.config.lease.epoch && !armed(Fault::AcceptOldToken) {
            return;
        }
        let Some(((slot, row), task)) = self.tasks.end(token, self.open_number()) else { return };
        // The end of its run, in the same batch, writes the same.
        self.batch.replace(Keyspace::Tasks, record::task_key(slot, row), None);
        let bytes_max = self.config.limits.payload_bytes_max;
        let result = match result {
            Ok(answer) if answer.len() > bytes_max => Err(Failure::new(
                FailureKind::TooLarge,
                format!("the answer has {} bytes, {bytes_max} are allowed", answer.len()),
            )),
            Ok(answer) => Ok(answer),
            Err(failure) => Err(failure.bounded(bytes_max)),
        };
        let completion = match (result, progress.or(task.progress)) {
            (Err(failure), Some(progress)) if !armed(Fault::ForgetProgress) => {
                Completion::Failed(Box::new(FailedAttempt { failure, progress }))
            }
            (result, _) => Completion::Task(result),
        };
        self.complete(&task.run, task.execution, task.command, completion);
    }

    /// Keeps how far an activity has got, for the case that this process ends before it does.
    fn progressed(&mut self, task: Task, progress: Payload) {
        if task.token.epoch != self.config.lease.epoch {
            return;
        }
        let Some((slot, row)) = self.tasks.progress(task.token, &progress) else { return };
        let Task { run, execution, name, input, trace, attempt, first, token, .. } = task;
        let first = (first != token.command).then_some(first);
        let record =
            TaskRecord { run, execution, name, input, trace, attempt, first, progress: Some(progress) };
        self.batch.replace(Keyspace::Tasks, record::task_key(slot, row), Some(record::write_task(&record)));
    }

    /// A refusal because `what` of `address` has reached `limit` and nothing leaves it before `until`.
    pub(super) fn busy_for(
        &self,
        address: &Address,
        (what, limit): (&'static str, &'static str),
        until: Timestamp,
    ) -> CallError {
        let retry_after = until.since(self.now).max(BUSY_RETRY_AFTER);
        CallError::Busy {
            address: address.clone(),
            what: what.into(),
            limit: Some(limit.into()),
            retry_after,
        }
    }

    /// Whether an entity is in memory and cannot go on.
    pub(super) fn parked(&self, id: InstanceId) -> Option<&str> {
        match &self.instances.get(id)?.stage {
            Stage::Parked(reason) => Some(reason),
            Stage::Loading | Stage::Active => None,
        }
    }
}

/// Whether a message manages a run or a lock: those are accepted however much waits.
pub(super) fn is_management(message: &Message) -> bool {
    matches!(
        message.body,
        Body::Suspend { .. }
            | Body::Resume { .. }
            | Body::Terminate { .. }
            | Body::Purge
            | Body::PurgeThis { .. }
            | Body::Rewind { .. }
            | Body::Release(_)
    )
}

/// A refusal because the mailbox of an instance is full. Most mailboxes are empty in a moment. One that waits for a lock
/// is full as long as that is held, which is likely as long again as it has been held already.
pub(super) fn mailbox_busy(instance: &Instance, now: Timestamp) -> CallError {
    let held = instance.entity().and_then(|entity| entity.lock.as_ref()).map(|lock| now.since(lock.since));
    let retry_after = held.unwrap_or_default().clamp(BUSY_RETRY_AFTER, LOCKED_RETRY_AFTER_MAX);
    CallError::Busy {
        address: instance.address.clone(),
        what: "its mailbox".into(),
        limit: None,
        retry_after,
    }
}

/// A refusal because `what` of `address` is full.
pub(super) fn busy(address: &Address, what: &'static str) -> CallError {
    CallError::Busy {
        address: address.clone(),
        what: what.into(),
        limit: None,
        retry_after: BUSY_RETRY_AFTER,
    }
}
