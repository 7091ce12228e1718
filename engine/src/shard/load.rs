//! Reads: what a shard asks for, and what it does with the answers.

use super::{
    InstanceId, Shard, inbox,
    instance::{Instance, Kind, Stage},
    locks::within,
    mailbox::{Entry, WINDOW_BYTES_MAX},
};
use crate::{
    INSTANCE_MAILBOX_FACTOR, LoadRequest, Loaded,
    fault::{Fault, armed},
    load::{Decoded, HistoryLoad, InstanceLoad, Load, place, unreadable},
    record::{self, Queue, RowId},
};
use bytes::Bytes;
use sarsen_entities::Behaviour;
use sarsen_orchestration::Cursor;
use sarsen_protocol::{
    Address, BatchNumber, Body, ExecutionId, Keyspace, Page, Payload, Read, Row, Slot, Timestamp,
    record::RecordError,
};
use std::{sync::Arc, time::Duration};

/// Rows of a keyspace read at a time beside other work.
const SCAN_ROWS: usize = 1_024;
/// Rows of a keyspace read at a time when only their keys are wanted.
const SCAN_KEYS: usize = 8_192;
/// Bytes of a keyspace read at a time beside other work.
const SCAN_BYTES: usize = 1 << 20;
/// Bytes of an execution's history read at a time.
const HISTORY_BYTES: usize = 4 << 20;
/// How many sweeps fall into the time that a key is remembered.
const SWEEPS_PER_RETENTION: u32 = 16;
/// The shortest time between two sweeps.
const SWEEP_PAUSE_MIN: Duration = Duration::from_secs(60);

impl Shard {
    /// Something to read; to be answered by [`Input::Loaded`](crate::Input::Loaded), in any order.
    pub fn poll_load(&mut self) -> Option<LoadRequest> {
        if self.loads_under_way >= self.config.limits.loads_max {
            return None;
        }
        if self.recovered
            && let Some((until, reads)) = self.timers.poll_read(self.now, self.committed)
        {
            self.loads.push_back(LoadRequest { load: Load::Timers { until }, reads });
        }
        if self.queued_bytes < self.config.limits.lane_bytes_max
            && let Some(from) = self.search.take()
        {
            self.scan(Keyspace::Mailbox, Some(from));
        }
        if self.recovered && !self.keys.sweeping && self.next_sweep <= self.now {
            self.scan(Keyspace::Keys, None);
        }
        if self.recovered
            && let Some(slot) = self.tasks.poll_read(self.committed, &self.config.limits)
        {
            self.load_tasks(slot, None);
        }
        if let Some((name, from)) =
            self.places.poll_read(self.committed, self.config.limits.operations_window)
        {
            let (start, end) = record::bounds(self.config.lease.slots);
            let rows = read(Keyspace::Mailbox, from.unwrap_or(start), end, SCAN_KEYS, SCAN_BYTES, false);
            self.load(Load::Places { name }, vec![rows]);
        }
        let request = self.loads.pop_front()?;
        self.loads_under_way += 1;
        Some(request)
    }

    pub(super) fn load(&mut self, load: Load, reads: Vec<Read>) {
        self.loads.push_back(LoadRequest { load, reads });
    }

    pub(super) fn load_instance(
        &mut self,
        id: InstanceId,
        address: Address,
        behaviour: Option<Arc<dyn Behaviour>>,
    ) {
        let limits = &self.config.limits;
        let most = |instance: &Instance| instance.mailbox_max(limits);
        let most = self.instances.get(id).map_or(limits.mailbox_messages_max, most);
        let counted = most.saturating_mul(INSTANCE_MAILBOX_FACTOR).saturating_add(1);
        let (from, to) = record::exactly(&record::instance_key(&address));
        let mut reads = vec![
            read(Keyspace::Instances, from.clone(), to.clone(), 1, usize::MAX, true),
            window_read(&address, Queue::Back, None, limits.mailbox_window),
            window_read(&address, Queue::Front, None, limits.mailbox_window),
        ];
        if behaviour.is_some() {
            reads.push(Read {
                rows_max: counted,
                bytes_max: usize::MAX,
                values: false,
                ..window_read(&address, Queue::Back, None, 1)
            });
            reads.push(read(Keyspace::Locks, from, to, 1, usize::MAX, true));
        }
        let load = InstanceLoad { id, address, behaviour, decoded: None };
        self.load(Load::Instance(Box::new(load)), reads);
    }

    /// Reads on in an instance's queues when what is in memory runs out.
    pub(super) fn load_window(&mut self, id: InstanceId) {
        let window = self.config.limits.mailbox_window;
        let gap =
            |instance: &Instance| instance.waiting.front.has_gap() || instance.waiting.mailbox.has_gap();
        if !self.instances.get(id).is_some_and(gap) {
            return;
        }
        for queue in Queue::ALL {
            let Some(instance) = self.instances.get_mut(id) else { return };
            let parked = matches!((&instance.stage, &instance.kind), (Stage::Parked(_), Kind::Entity(_)));
            let address = instance.address.clone();
            let mailbox = instance.queue_mut(queue);
            // What waits in the front may wait for what stands behind it.
            let wanted = if queue == Queue::Front { usize::MAX } else { window };
            if parked || !mailbox.wants_rows(wanted) {
                continue;
            }
            mailbox.reading = true;
            let after = mailbox.last();
            let reads = vec![window_read(&address, queue, after, window)];
            self.load(Load::Window { id, queue, after }, reads);
        }
    }

    /// Reads an execution's history from where it has been read to.
    pub(super) fn load_history(
        &mut self,
        id: InstanceId,
        run: &Address,
        execution: ExecutionId,
        cursor: Cursor,
    ) {
        let (from, to) = record::history_bounds(run, execution, cursor.chunk().0);
        let reads = vec![read(Keyspace::History, from, to, SCAN_ROWS, HISTORY_BYTES, true)];
        self.load(Load::History(HistoryLoad { id, execution, cursor, events: Ok(Vec::new()) }), reads);
    }

    /// Reads tasks of a slot.
    fn load_tasks(&mut self, slot: Slot, after: Option<RowId>) {
        let (from, to) = record::task_bounds(slot, after);
        self.load(Load::Tasks { slot }, vec![read(Keyspace::Tasks, from, to, SCAN_ROWS, SCAN_BYTES, true)]);
    }

    pub(super) fn load_key(&mut self, address: Address, row: Bytes) {
        let (from, to) = record::exactly(&row);
        let reads = vec![read(Keyspace::Keys, from, to, 1, usize::MAX, true)];
        self.load(Load::Key { row, address }, reads);
    }

    pub(super) fn load_inbox(&mut self, read: Read) {
        let slot = record::slot(&read.from).expect("a read of a slot's inbox begins with the slot");
        self.load(Load::Inbox { slot }, vec![read]);
    }

    /// Reads all inbox rows, from the start or behind a row.
    pub(super) fn load_recovery(&mut self, after: Option<&Bytes>) {
        let (start, end) = record::bounds(self.config.lease.slots);
        let from = after.map_or(start, |key| record::exactly(key).1);
        self.load(Load::Recovery, vec![inbox::read(from, end)]);
    }

    /// Reads a page of a keyspace, from the start or from a key on.
    fn scan(&mut self, keyspace: Keyspace, from: Option<Bytes>) {
        let (start, end) = record::bounds(self.config.lease.slots);
        // Before the first turn keys are only counted; later they are looked at.
        let swept = keyspace == Keyspace::Keys && self.recovered;
        self.keys.sweeping |= swept;
        let values = swept || matches!(keyspace, Keyspace::Meta | Keyspace::Locks);
        let rows = if values { SCAN_ROWS } else { SCAN_KEYS };
        let page = read(keyspace, from.unwrap_or(start), end, rows, SCAN_BYTES, values);
        self.load(Load::Scan { keyspace }, vec![page]);
    }

    pub(super) fn loaded(&mut self, loaded: Loaded) {
        let Loaded { load, pages } = loaded;
        self.loads_under_way -= 1;
        match load {
            Load::Instance(load) => self.loaded_instance(*load, &pages),
            Load::Window { id, queue, after } => self.loaded_window(id, queue, after, &pages[0]),
            Load::Behind { id, search } => self.loaded_behind(id, *search, &pages[0]),
            Load::History(load) => self.loaded_history(load, pages[0].more),
            Load::Key { row, address } => self.loaded_key(&address, &row, &pages[0]),
            Load::Inbox { slot } => {
                self.accept_rows(&pages[0]);
                if let Some(read) = self.inboxes.read_on(slot, &pages[0]) {
                    self.load_inbox(read);
                }
            }
            Load::Recovery => self.loaded_recovery(&pages[0]),
            Load::Timers { until } => self.loaded_timers(until, &pages),
            Load::Tasks { slot } => self.loaded_tasks(slot, &pages[0]),
            Load::Places { name } => self.loaded_places(name, &pages[0]),
            Load::Scan { keyspace } => self.scanned(keyspace, &pages[0]),
        }
    }

    fn loaded_instance(&mut self, load: InstanceLoad, pages: &[Page]) {
        let Some(instance) = self.instances.get_mut(load.id) else { return };
        let decoded = load.decoded.expect("a load is decoded when it is answered");
        let is_run = load.behaviour.is_none();
        let bytes = match (decoded, &mut instance.kind) {
            (Ok(Decoded::Entity { header, encoded, state, lock }), Kind::Entity(entity)) => {
                let bytes = encoded.as_ref().map_or(0, Payload::len);
                instance.stage = Stage::Active;
                entity.state = state;
                let rewritten = !header.producers.is_empty() || header.extras.is_some();
                entity.encoded = encoded.filter(|_| rewritten);
                entity.producers = header.producers;
                entity.extras = header.extras;
                entity.lock_stored = lock.is_some();
                entity.lock = lock.map(Box::new);
                bytes
            }
            (Ok(Decoded::Run(row)), Kind::Run(run)) => {
                instance.stage = Stage::Active;
                run.load(*row);
                0
            }
            (Ok(_), _) => unreachable!("an instance is loaded as what it is"),
            (Err(reason), _) => {
                instance.stage = Stage::Parked(reason);
                instance.waiting.front.reading = false;
                instance.waiting.mailbox.reading = false;
                0
            }
        };
        let active = instance.stage == Stage::Active;
        self.instances.resize(load.id, bytes);
        if active && is_run {
            self.settle_permit(load.id, &load.address);
        }
        if active {
            self.loaded_window(load.id, Queue::Front, None, &pages[place::FRONT]);
            self.loaded_window(load.id, Queue::Back, None, &pages[place::MAILBOX]);
        }
        // How much waits for a run matters little: what clients may send to one is bounded by what is in memory.
        let counted = &pages[if is_run { place::MAILBOX } else { place::COUNT }].rows;
        let newest = counted.last().and_then(|row| record::read_mailbox_key(&row.key).ok());
        if let Some(instance) = self.instances.get_mut(load.id) {
            instance.waiting.mailbox.count(counted.len(), newest.map(|(_, _, id)| id));
        }
        self.instances.strip(load.id);
        self.settle_place(load.id);
        debug_assert!(!is_run || self.instances.get(load.id).is_none_or(|instance| instance.run().is_some()));
        self.mark_ready(load.id);
    }

    fn loaded_window(&mut self, id: InstanceId, queue: Queue, after: Option<RowId>, page: &Page) {
        let committed = self.committed;
        if let Some(mut entries) = self.read_entries(id, queue, page)
            && let Some(instance) = self.instances.get_mut(id)
        {
            if armed(Fault::WindowSkips) && after.is_some() {
                entries.drain(..entries.len().min(1));
            }
            debug_assert!(entries.iter().all(|entry| after.is_none_or(|after| entry.id > after)));
            instance.within |= entries.iter().any(|entry| within(&entry.message).is_some());
            instance.tries |= entries.iter().any(|entry| matches!(entry.message.body, Body::TryLock(_)));
            let mailbox = instance.queue_mut(queue);
            self.queued_bytes += mailbox.extend(entries.into_iter(), page.more);
            self.queued_bytes -= mailbox.trim(committed);
            if let Some(run) = instance.run_mut() {
                run.unsettled = true;
            }
        }
        self.refuse_deadlocked(id);
        self.refuse_tries(id);
        self.search_behind(id);
        self.load_window(id);
        self.mark_ready(id);
        self.settle_place(id);
    }

    /// The messages of a page of an instance's queue, which is parked if one cannot be read.
    pub(super) fn read_entries(&mut self, id: InstanceId, queue: Queue, page: &Page) -> Option<Vec<Entry>> {
        let instance = self.instances.get_mut(id)?;
        match page.rows.iter().map(mailbox_entry).collect::<Result<Vec<Entry>, RecordError>>() {
            Ok(entries) => Some(entries),
            Err(error) => {
                instance.stage =
                    Stage::Parked(format!("a message to it cannot be read: {}", unreadable(&error)));
                let mailbox = instance.queue_mut(queue);
                (mailbox.reading, mailbox.broken) = (false, true);
                if let Some(run) = instance.run_mut() {
                    run.give_up_hope();
                }
                None
            }
        }
    }

    /// The entity may have left and come again since: it is found by its address.
    fn loaded_key(&mut self, address: &Address, row: &Bytes, page: &Page) {
        let record = page.rows.first().map(|found| undamaged(record::read_key(&found.value)));
        self.keys.read(row, record);
        let Some(id) = self.instances.find(address) else { return };
        if let Some(instance) = self.instances.get_mut(id) {
            instance.blocked = false;
        }
        self.mark_ready(id);
    }

    /// Accepts inbox rows: those that are next in their streams.
    fn accept_rows(&mut self, page: &Page) {
        for (message, row) in undamaged(self.inboxes.extend(page)) {
            self.arrive(message, row);
        }
    }

    fn loaded_recovery(&mut self, page: &Page) {
        self.accept_rows(page);
        match page.rows.last().filter(|_| page.more) {
            Some(last) => self.load_recovery(Some(&last.key)),
            None => self.scan(Keyspace::Timers, None),
        }
    }

    fn loaded_tasks(&mut self, slot: Slot, page: &Page) {
        let registry = Arc::clone(&self.config.registry);
        let (limits, epoch) = (self.config.limits.clone(), self.config.lease.epoch);
        let found =
            undamaged(self.tasks.extend(slot, page, epoch, &limits, |name| registry.has_activity(name)));
        for task in found.tasks {
            self.batch.dispatch(task);
        }
        if let Some(after) = found.after {
            self.load_tasks(slot, Some(after));
        }
    }

    fn loaded_timers(&mut self, until: Timestamp, pages: &[Page]) {
        let rest = undamaged(self.timers.extend(until, pages));
        if !rest.is_empty() {
            self.load(Load::Timers { until }, rest);
        }
    }

    /// Takes in a page of a scan and asks for the next. Timers, dead letters and keys are counted before the first
    /// turn; mailboxes are looked through and keys swept beside the turns.
    fn scanned(&mut self, keyspace: Keyspace, page: &Page) {
        match keyspace {
            Keyspace::Timers => undamaged(self.timers.found(page)),
            Keyspace::Dead => {
                for row in &page.rows {
                    undamaged(self.dead.found(&row.key));
                }
            }
            Keyspace::Tasks => undamaged(self.tasks.found(page)),
            Keyspace::Mailbox => self.wake_mailboxes(page),
            Keyspace::Locks => undamaged(self.watch.found(page)),
            Keyspace::Meta => {
                undamaged(self.permits.found(page));
                undamaged(self.changes.found(page));
            }
            _ if !self.recovered => self.keys.found(page.rows.len() as u64),
            _ => self.sweep_keys(page),
        }
        let last = page.rows.last().filter(|_| page.more);
        match (last, keyspace) {
            (Some(last), Keyspace::Mailbox) => {
                let (address, _, _) = undamaged(record::read_mailbox_key(&last.key));
                self.search = Some(record::mailbox_end(&address));
            }
            (Some(last), _) => self.scan(keyspace, Some(record::exactly(&last.key).1)),
            (None, Keyspace::Timers) => self.scan(Keyspace::Dead, None),
            (None, Keyspace::Dead) => self.scan(Keyspace::Tasks, None),
            (None, Keyspace::Tasks) => self.scan(Keyspace::Keys, None),
            (None, Keyspace::Keys) if !self.recovered => self.scan(Keyspace::Meta, None),
            (None, Keyspace::Meta) => self.recover(),
            (None, Keyspace::Locks) => self.watch.found_all(),
            (None, Keyspace::Keys) => {
                let pause = self.config.limits.key_retention / SWEEPS_PER_RETENTION;
                self.next_sweep = self.now.after(pause.max(SWEEP_PAUSE_MIN));
            }
            (None, _) => {}
        }
    }

    /// Everything that must precede the first turn is known.
    fn recover(&mut self) {
        self.dead.found_all();
        self.recovered = true;
        self.scan(Keyspace::Mailbox, None);
        self.scan(Keyspace::Locks, None);
        self.begin_permits();
        self.deliver_held();
    }

    /// Loads the entities for which messages wait.
    fn wake_mailboxes(&mut self, page: &Page) {
        let mut last: Option<Address> = None;
        for row in &page.rows {
            let (address, _, _) = undamaged(record::read_mailbox_key(&row.key));
            if last.as_ref() == Some(&address) {
                continue;
            }
            if self.activate(&address).is_none() {
                self.unregistered += 1;
            }
            last = Some(address);
        }
    }

    /// Removes keys whose outcome has expired.
    fn sweep_keys(&mut self, page: &Page) {
        self.keys.sweeping = false;
        for row in &page.rows {
            let key = undamaged(record::read_key(&row.value));
            let expired = key.outcome.is_some_and(|outcome| outcome.expires <= self.now);
            if expired && !self.keys.is_written(&row.key) {
                self.batch.replace(Keyspace::Keys, row.key.clone(), None);
                self.keys.removed(&row.key);
            }
        }
        self.keys.trim(self.committed);
    }
}

fn read(keyspace: Keyspace, from: Bytes, to: Bytes, rows_max: usize, bytes_max: usize, values: bool) -> Read {
    Read { keyspace, from, to, rows_max, bytes_max, values }
}

pub(super) fn window_read(address: &Address, queue: Queue, after: Option<RowId>, rows_max: usize) -> Read {
    let (from, to) = record::mailbox_bounds(address, queue, after);
    read(Keyspace::Mailbox, from, to, rows_max, WINDOW_BYTES_MAX, true)
}

fn mailbox_entry(row: &Row) -> Result<Entry, RecordError> {
    let (_, _, id) = record::read_mailbox_key(&row.key)?;
    let message = Box::new(record::read_message(&row.value)?);
    Ok(Entry { id, message, row: Some(BatchNumber::default()) })
}

/// A shard cannot go on over damaged records of its own: the panic stops it like a failed commit.
pub(super) fn undamaged<T>(read: Result<T, RecordError>) -> T {
    match read {
        Ok(read) => read,
        Err(error) => panic!("the store's records cannot be read: {error}"),
    }
}
