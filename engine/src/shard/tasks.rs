//! Activities that were asked for and have not ended: handed out up to a limit, beyond it only rows.
//!
//! A task is a row of its execution's slot from the batch that asks for it to the batch that takes its result. Its
//! key is made of the execution and the command, so whoever ends an execution can delete its tasks. What is beyond the
//! limit is read when there is room again. Such a read may be answered as of any commit since it was asked for, so it
//! is asked for only when all rows that it is to find are durable, and what has ended since is kept in mind until its
//! deletion is.

use crate::{
    Limits,
    record::{self, RowId, TaskRecord},
};
use sarsen_protocol::{
    Address, BatchNumber, CommandId, Epoch, ExecutionId, HashMap, HashSet, Page, Payload, Slot, Task,
    TaskToken, record::RecordError,
};
use std::collections::{BTreeMap, VecDeque};

/// Names a task in a shard.
pub(crate) type TaskPlace = (Slot, RowId);

/// A read of a slot's tasks.
#[derive(Debug)]
struct Reading {
    slot: Slot,
    /// How many tasks were added since it was wanted, which it may not see.
    added: usize,
    /// What must be durable before it is asked for; `None` once it is.
    after: Option<BatchNumber>,
}

/// A task that was handed out.
#[derive(Debug)]
pub(crate) struct HandedOut {
    pub(crate) run: Address,
    pub(crate) execution: ExecutionId,
    pub(crate) command: CommandId,
    bytes: usize,
    /// What was last said of how far it had got, by this attempt.
    pub(crate) progress: Option<Payload>,
}

/// The tasks of a shard.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    handed_out: HashMap<TaskPlace, HandedOut>,
    bytes: usize,
    /// How many tasks of each slot are in rows alone, as far as is known: of one that is removed it is not known whether it
    /// had ended before. A slot is in here until a read has come to its end and left nothing.
    far: BTreeMap<Slot, usize>,
    /// The last batch that wrote a task which was not handed out.
    far_batch: BatchNumber,
    /// The slot that is to be read or is being read, and how many of its tasks were added since.
    reading: Option<Reading>,
    /// The slot that was read last; the others have their turn before it.
    last: Option<Slot>,
    /// Tasks whose activity is not registered: they are left for a process in which it is.
    held: HashSet<TaskPlace>,
    /// Tasks that have ended, until the deletion of their rows is durable and no read is under way.
    ended: HashMap<TaskPlace, BatchNumber>,
    ended_order: VecDeque<(BatchNumber, TaskPlace)>,
}

/// What a read of tasks has found.
#[derive(Debug)]
pub(crate) struct Found {
    /// To be handed out.
    pub(crate) tasks: Vec<Task>,
    /// Behind which to read on.
    pub(crate) after: Option<RowId>,
}

/// What removing a task has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    /// It was handed out.
    HandedOut,
    /// It was not.
    Waiting,
}

impl Tasks {
    /// Tasks that have not ended.
    pub(crate) fn count(&self) -> u64 {
        (self.handed_out.len() + self.held.len() + self.far.values().sum::<usize>()) as u64
    }

    fn has_room(&self, limits: &Limits) -> bool {
        self.handed_out.len() < limits.tasks_window && self.bytes < limits.tasks_bytes_max
    }

    /// Counts tasks that were found in the store before the first turn.
    pub(crate) fn found(&mut self, page: &Page) -> Result<(), RecordError> {
        for row in &page.rows {
            *self.far.entry(record::read_task_key(&row.key)?.0).or_default() += 1;
        }
        Ok(())
    }

    /// Adds a task whose row is in the batch that will be sealed as `batch`. Returns what to hand out, if there is
    /// room.
    pub(crate) fn add(
        &mut self,
        command: CommandId,
        record: TaskRecord,
        run: &Address,
        (epoch, batch): (Epoch, BatchNumber),
        limits: &Limits,
    ) -> Option<Task> {
        let slot = run.slot();
        // Who waits already goes first.
        if !self.far.is_empty() || !self.has_room(limits) {
            *self.far.entry(slot).or_default() += 1;
            self.far_batch = batch;
            if let Some(reading) = self.reading.as_mut().filter(|reading| reading.slot == slot) {
                reading.added += 1;
            }
            return None;
        }
        Some(self.hand_out(slot, run.clone(), command, record, epoch))
    }

    fn hand_out(
        &mut self,
        slot: Slot,
        run: Address,
        command: CommandId,
        record: TaskRecord,
        epoch: Epoch,
    ) -> Task {
        let TaskRecord { run: id, execution, name, input, trace, attempt, first, progress } = record;
        let row = RowId::of_command(execution, command);
        let bytes = input.len() + progress.as_ref().map_or(0, Payload::len);
        self.bytes += bytes;
        let handed_out = HandedOut { run, execution, command, bytes, progress: progress.clone() };
        self.handed_out.insert((slot, row), handed_out);
        let token = TaskToken { epoch, slot, execution: execution.unique(), command };
        let first = first.unwrap_or(command);
        Task { token, run: id, execution, name, input, trace, attempt, first, progress }
    }

    /// Notes how far a task has got, if it was handed out and has not ended. Returns whether its row is to be written.
    pub(crate) fn progress(&mut self, token: TaskToken, progress: &Payload) -> Option<TaskPlace> {
        let place = place_of(token);
        let task = self.handed_out.get_mut(&place)?;
        let before = task.progress.replace(progress.clone()).map_or(0, |before| before.len());
        (task.bytes, self.bytes) =
            (task.bytes + progress.len() - before, self.bytes + progress.len() - before);
        Some(place)
    }

    /// How far a task that was handed out has got, as far as it has said.
    pub(crate) fn progress_of(&self, place: TaskPlace) -> Option<&Payload> {
        self.handed_out.get(&place)?.progress.as_ref()
    }

    /// Takes the task of a token, if it was handed out and has not ended; its row goes in the open batch.
    pub(crate) fn end(&mut self, token: TaskToken, batch: BatchNumber) -> Option<(TaskPlace, HandedOut)> {
        let place = place_of(token);
        let task = self.handed_out.remove(&place)?;
        self.bytes -= task.bytes;
        self.note_ended(place, batch);
        Some((place, task))
    }

    /// Removes a task of an execution that is over; its row goes in the open batch.
    pub(crate) fn remove(&mut self, place: TaskPlace, batch: BatchNumber) -> Removed {
        self.note_ended(place, batch);
        if let Some(task) = self.handed_out.remove(&place) {
            self.bytes -= task.bytes;
            return Removed::HandedOut;
        }
        if !self.held.remove(&place) {
            self.came_near(place.0);
        }
        Removed::Waiting
    }

    fn note_ended(&mut self, place: TaskPlace, batch: BatchNumber) {
        self.ended.insert(place, batch);
        self.ended_order.push_back((batch, place));
    }

    /// Forgets what has ended, once that is durable.
    pub(crate) fn trim(&mut self, committed: BatchNumber) {
        if self.reading.is_some() {
            return;
        }
        while self.ended_order.front().is_some_and(|(batch, _)| *batch <= committed)
            && let Some((_, place)) = self.ended_order.pop_front()
        {
            self.ended.remove(&place);
        }
    }

    /// Notes that one of a slot's tasks may be in rows alone no longer.
    fn came_near(&mut self, slot: Slot) {
        if let Some(far) = self.far.get_mut(&slot) {
            *far = far.saturating_sub(1);
        }
    }

    /// The slot whose turn it is to be read: they go round.
    fn next_slot(&mut self) -> Option<Slot> {
        use std::ops::Bound::{Excluded, Unbounded};
        let next = self.last.and_then(|last| self.far.range((Excluded(last), Unbounded)).next());
        let slot = *next.or_else(|| self.far.first_key_value())?.0;
        self.last = Some(slot);
        Some(slot)
    }

    /// The slot to read, when there is room for tasks that are only rows.
    pub(crate) fn poll_read(&mut self, committed: BatchNumber, limits: &Limits) -> Option<Slot> {
        let half =
            self.handed_out.len() <= limits.tasks_window / 2 && self.bytes <= limits.tasks_bytes_max / 2;
        if self.reading.is_none() && half {
            // What is added from now on must not put the read off for ever.
            let slot = self.next_slot()?;
            self.reading = Some(Reading { slot, added: 0, after: Some(self.far_batch) });
        }
        let reading = self.reading.as_mut()?;
        reading.after.take_if(|after| *after <= committed)?;
        Some(reading.slot)
    }

    /// Takes in rows that were read, as many as there is room for.
    ///
    /// # Errors
    /// When a row is damaged.
    pub(crate) fn extend(
        &mut self,
        slot: Slot,
        page: &Page,
        epoch: Epoch,
        limits: &Limits,
        is_registered: impl Fn(&str) -> bool,
    ) -> Result<Found, RecordError> {
        let mut found = Found { tasks: Vec::new(), after: None };
        let mut left = 0;
        for row in &page.rows {
            let (_, id) = record::read_task_key(&row.key)?;
            let place = (slot, id);
            let known = self.handed_out.contains_key(&place)
                || self.ended.contains_key(&place)
                || self.held.contains(&place);
            if known || !self.has_room(limits) {
                left += usize::from(!known);
                continue;
            }
            let record = record::read_task(&row.value)?;
            if !is_registered(record.name.as_str()) {
                self.held.insert(place);
                self.came_near(slot);
                continue;
            }
            let run = Address::run(&record.run);
            let command = CommandId(u32::try_from(id.counter).unwrap_or(u32::MAX));
            let task = self.hand_out(slot, run, command, record, epoch);
            self.came_near(slot);
            found.tasks.push(task);
        }
        match page.rows.last().filter(|_| page.more) {
            Some(last) if self.has_room(limits) => found.after = Some(record::read_task_key(&last.key)?.1),
            Some(_) => self.reading = None,
            None => {
                let added = self.reading.take().map_or(0, |reading| reading.added);
                match left + added {
                    0 => drop(self.far.remove(&slot)),
                    far => drop(self.far.insert(slot, far)),
                }
            }
        }
        Ok(found)
    }
}

fn place_of(token: TaskToken) -> TaskPlace {
    (token.slot, RowId::of_unique(token.execution, token.command))
}

#[cfg(test)]
mod tests;
