//! A turn: reads are answered, arrivals admitted, and the run of operations at the mailbox's front is run.

use super::{
    InstanceId, Shard,
    admit::{answer, content},
    instance::Stage,
    keys::Known,
    mailbox::Entry,
};
use crate::record::{self, KeyOutcome, KeyRecord};
use sarsen_entities::{Asked, Change, Outcome};
use sarsen_protocol::{
    Address, Answer, CallError, Effect, Failure, Identity, IdentityName, Keyspace, Message, Payload, Reply,
};

impl Shard {
    pub(super) fn take_turn(&mut self, id: InstanceId) {
        self.instances.touch(id, self.now);
        match self.instances.get(id).map(|instance| &instance.stage) {
            None | Some(Stage::Loading) => return,
            Some(Stage::Parked(_)) => {
                self.answer_reads(id);
                self.admit(id);
            }
            Some(Stage::Active) => {
                self.answer_reads(id);
                self.admit(id);
                self.run(id);
            }
        }
        self.load_window(id);
        self.mark_ready(id);
    }

    /// Answers reads beside the queue, with what the last turn left.
    fn answer_reads(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if instance.reads.is_empty() {
            return;
        }
        let reads = std::mem::take(&mut instance.reads);
        let answer = match (&instance.stage, &instance.state) {
            (Stage::Parked(reason), _) => Answer::Refused(CallError::Parked {
                address: instance.address.clone(),
                reason: reason.clone(),
            }),
            (_, None) => Answer::State(None),
            (_, Some(state)) => match instance.behaviour.encode(state) {
                Ok(payload) => Answer::State(Some(payload)),
                Err(failure) => Answer::Failed(failure),
            },
        };
        let bytes = match &answer {
            Answer::State(Some(payload)) => payload.len(),
            _ => 0,
        };
        for (session, request) in reads {
            self.batch.release(Effect::Reply(Reply { session, request, answer: answer.clone() }), bytes);
        }
    }

    /// Runs the operations at the front of the mailbox, as many as a run may hold.
    fn run(&mut self, id: InstanceId) {
        let limits = self.config.limits.clone();
        let Some(instance) = self.instances.get_mut(id) else { return };
        let mut entries: Vec<Entry> = Vec::new();
        let mut bytes = 0;
        while entries.len() < limits.run_operations_max
            && let Some(next) = instance.mailbox.oldest()
            && (entries.is_empty() || bytes + next.message.input.len() <= limits.run_bytes_max)
        {
            bytes += next.message.input.len();
            entries.extend(instance.mailbox.pop());
        }
        if entries.is_empty() {
            return;
        }
        let asked: Vec<Asked<'_>> = entries
            .iter()
            .map(|entry| Asked { operation: &entry.message.operation, input: &entry.message.input })
            .collect();
        let address = instance.address.clone();
        let ran = instance.behaviour.run(&address, &mut instance.state, &asked, self.now, &limits.run());
        debug_assert_eq!(ran.outcomes.len(), asked.len(), "each operation has an outcome");
        self.operations += ran.outcomes.len() as u64;
        self.apply(id, ran.change);
        for (entry, outcome) in entries.into_iter().zip(ran.outcomes) {
            self.conclude(&address, entry, outcome);
        }
        self.mark_touched(id);
    }

    /// Notes how a run left the entity.
    fn apply(&mut self, id: InstanceId, change: Change) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let encoded = match change {
            Change::None => return,
            Change::Put(payload) => Some(payload),
            Change::Deleted => None,
        };
        let bytes = encoded.as_ref().map_or(0, Payload::len);
        instance.encoded = encoded;
        instance.dirty = true;
        self.batch.bytes += bytes;
        self.instances.resize(id, bytes);
    }

    /// Lets one operation's outcome take effect: its row goes, its caller is answered, its messages leave.
    fn conclude(&mut self, address: &Address, entry: Entry, outcome: Outcome) {
        let Entry { id, message, row } = entry;
        self.queued_bytes -= message.bytes();
        if row.is_some() {
            self.batch.write(Keyspace::Mailbox, record::mailbox_key(address, id), None);
        }
        match outcome.answer {
            Err(failure) if !message.answered => self.give_up(&message, failure),
            outcome => {
                self.finish_key(&message, &outcome);
                if message.answered {
                    self.reply(&message, answer(outcome));
                }
            }
        }
        for outgoing in outcome.messages {
            self.send(address, outgoing);
        }
    }

    /// Remembers the outcome under the message's key, if it has one, and answers repeats that waited for it.
    pub(super) fn finish_key(&mut self, message: &Message, outcome: &Result<Payload, Failure>) {
        if let Identity::Key(name) = &message.identity {
            self.remember(message, name, outcome);
        }
    }

    fn remember(&mut self, message: &Message, name: &IdentityName, outcome: &Result<Payload, Failure>) {
        let row = record::key_key(&message.to, name);
        let expires = self.now.after(self.config.limits.key_retention);
        let outcome = KeyOutcome { answer: outcome.clone(), expires };
        let content = content(message);
        let record = KeyRecord { content, outcome: Some(outcome.clone()) };
        self.batch.replace(Keyspace::Keys, row.clone(), Some(record::write_key(&record)));
        let waiters =
            self.keys.write(&row, Known::Done { content, outcome: outcome.clone() }, self.open_number());
        for (session, request) in waiters {
            let reply = Reply { session, request, answer: answer(outcome.answer.clone()) };
            self.batch.release(Effect::Reply(reply), 0);
        }
    }

    /// Keeps an accepted message that is given up as a dead letter.
    pub(super) fn give_up(&mut self, message: &Message, failure: Failure) {
        let slots = self.config.lease.slots;
        let slot =
            Some(message.to.slot()).filter(|slot| slots.contains(*slot)).or_else(|| slots.iter().next());
        let key = record::dead_key(slot.expect("a range of slots is not empty"), self.next_row());
        self.batch.replace(
            Keyspace::Dead,
            key.clone(),
            Some(record::write_dead(self.now, &failure, message)),
        );
        self.dead.push(key);
        while let Some(oldest) = self.dead.pop_beyond(self.config.limits.dead_letters_max) {
            self.batch.replace(Keyspace::Dead, oldest, None);
        }
        let outcome = Err(failure);
        self.finish_key(message, &outcome);
        if let Err(failure) = outcome {
            let (address, operation) = (message.to.clone(), message.operation.clone());
            self.batch.release(Effect::DeadLetter { address, operation, failure }, 0);
        }
    }
}
