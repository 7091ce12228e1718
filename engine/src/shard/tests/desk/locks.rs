//! The locks at a desk, and whether they are as the histories of their owners have it.

use super::{Desk, at, page, runs::run_id};
use crate::record::{self, LockRecord};
use sarsen_orchestration::{Cursor, Outstanding};
use sarsen_protocol::{Address, Body, CommandId, ExecutionId, Keyspace, Message, Read, RunId, Section};

impl Desk {
    /// The entities that are locked, and by which runs.
    pub(in crate::shard::tests) fn locks(&self) -> Vec<String> {
        let locks = self.held_locks().into_iter();
        let mut locks: Vec<String> =
            locks.map(|(entity, section)| format!("{} by {}", entity.key(), section.run)).collect();
        locks.sort();
        locks
    }

    /// The locks that an operator has taken, and from which runs.
    pub(in crate::shard::tests) fn forced(&self) -> Vec<String> {
        self.forced.iter().map(|(entity, section)| format!("{} of {}", entity.key(), section.run)).collect()
    }

    /// Locks an entity behind the engine's back, or takes its lock away.
    pub(in crate::shard::tests) fn set_lock(&mut self, key: &str, run: Option<(&str, ExecutionId)>) {
        let row = (Keyspace::Locks, record::instance_key(&at(key)));
        match run {
            Some((run, execution)) => {
                let id = CommandId(0);
                let section = Section { run: run_id(run), execution, id };
                let lock = LockRecord { section, since: self.now };
                self.rows.insert(row, record::write_lock(&lock));
            }
            None => drop(self.rows.remove(&row)),
        }
        self.reopen(1);
    }

    /// What is wrong with the durable locks: each is of a section that is alive, or its release or cancel is in a row of
    /// its entity or of one before it on the path; and a section that was granted holds all of its locks for as long as it
    /// is alive, but for those that an operator has taken, which it never has again.
    pub(in crate::shard::tests) fn astray(&self) -> Option<String> {
        let locks = self.held_locks();
        let over = locks.iter().find(|(entity, section)| {
            !self.is_alive(section) && !self.waiting().any(|message| ends(&message, entity, section))
        });
        if let Some((entity, section)) = over {
            return Some(format!(
                "{entity} is locked by {section:?}, which is over, and nothing gives it back"
            ));
        }
        if let Some((entity, section)) = locks.iter().find(|lock| self.forced.contains(lock)) {
            return Some(format!("{entity} was taken from {section:?}, which holds it"));
        }
        self.granted().into_iter().find_map(|(section, entities)| {
            let free = entities.into_iter().find(|entity| {
                let of = (entity.clone(), section.clone());
                !locks.contains(&of) && !self.forced.contains(&of)
            })?;
            Some(format!("{section:?} was granted and does not hold {free}"))
        })
    }

    /// Runs until nothing waits, each turn in a commit of its own.
    ///
    /// # Errors
    /// What is wrong with a lock at a boundary between two of these.
    pub(in crate::shard::tests) fn crawl_to_rest(&mut self) -> Result<(), String> {
        let mut quiet = 0;
        // Each of the shards had its turn, and nothing was to be done.
        while quiet <= 2 * self.shards.len() || !self.is_idle() {
            quiet = if self.crawl() { 0 } else { quiet + 1 };
            self.astray().map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    fn held_locks(&self) -> Vec<(Address, Section)> {
        let locks = self.rows.iter().filter(|((keyspace, _), _)| *keyspace == Keyspace::Locks);
        let of = |((_, key), value): (&(Keyspace, bytes::Bytes), &bytes::Bytes)| {
            let entity = record::read_instance_key(key).expect("whole");
            (entity, record::read_lock(value).expect("whole").section)
        };
        locks.map(of).collect()
    }

    /// The messages that are in rows.
    fn waiting(&self) -> impl Iterator<Item = Message> {
        let spaces = [Keyspace::Mailbox, Keyspace::Inbox, Keyspace::Timers];
        let rows = self.rows.iter().filter(move |((space, _), _)| spaces.contains(space));
        rows.map(|(_, row)| record::read_message(row).expect("whole"))
    }

    /// Whether a section is held or waited for: its execution is under way and has not ended it.
    fn is_alive(&self, section: &Section) -> bool {
        let outstanding = self.outstanding(&section.run, section.execution);
        let open = outstanding.as_ref().and_then(Outstanding::section);
        open.is_some_and(|open| open.id == section.id)
    }

    /// The sections that are alive and hold their locks, by what their executions were told.
    fn granted(&self) -> Vec<(Section, Vec<Address>)> {
        let runs = self.rows.keys().filter(|(space, _)| *space == Keyspace::Instances);
        let runs = runs.filter_map(|(_, key)| record::read_instance_key(key).expect("whole").as_run());
        let granted = |run: RunId| {
            let execution = self.run(run.as_str())?.execution;
            let outstanding = self.outstanding(&run, execution)?;
            let open = outstanding.section().filter(|open| open.granted)?;
            Some((Section { run, execution, id: open.id }, open.entities.clone()))
        };
        runs.filter_map(granted).collect()
    }

    /// What the history of an execution leaves open, if that is under way.
    fn outstanding(&self, run: &RunId, execution: ExecutionId) -> Option<Outstanding> {
        self.run(run.as_str()).filter(|run| run.execution == execution && !run.status.is_finished())?;
        let (from, to) = record::history_bounds(&Address::run(run), execution, 0);
        let read = Read {
            keyspace: Keyspace::History,
            from,
            to,
            rows_max: usize::MAX,
            bytes_max: usize::MAX,
            values: true,
        };
        let mut cursor = Cursor::default();
        let chunks = page(&self.rows, &read).rows.into_iter();
        let events: Vec<_> = chunks.flat_map(|chunk| cursor.read(&chunk.value).expect("whole")).collect();
        Some(Outstanding::of(&events))
    }
}

/// Whether a message that waits gives the lock of this entity back.
fn ends(message: &Message, entity: &Address, section: &Section) -> bool {
    match &message.body {
        Body::Release(ended) => **ended == *section && message.to == *entity,
        Body::Cancel(request) => {
            let place = |of: &Address| request.entities.iter().position(|one| one == of);
            request.section == *section
                && place(&message.to).is_some_and(|at| place(entity).is_some_and(|held| at <= held))
        }
        _ => false,
    }
}
