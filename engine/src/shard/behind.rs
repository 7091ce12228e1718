//! Looks behind the window of a locked entity's mailbox, for what waits there in vain.
//!
//! A call that works for the owner of the lock would wait for itself, and a lock request that is not to wait is to be
//! refused, wherever in the mailbox they stand. What is in memory is looked through when the lock is granted. Behind the
//! window there are only rows: they are read page by page, once for each lock, and nothing of them is kept but what is
//! refused. A mailbox counts those that it may find there, so most locks need no such search.

use super::{
    InstanceId, Shard,
    instance::{Instance, Stage},
    load::window_read,
    locks::{impossible, may_become_impossible},
};
use crate::{
    load::Load,
    record::{Queue, RowId},
};
use sarsen_protocol::{Page, Section};

/// Where a search stands.
#[derive(Debug)]
pub(crate) struct Search {
    /// Whose lock it is.
    section: Section,
    after: Option<RowId>,
    /// How many were found that another lock may make impossible.
    left: usize,
}

impl Shard {
    /// Begins a search where one is due: a lock was granted, or a locked entity's mailbox was read.
    pub(super) fn search_behind(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(id).filter(|one| one.stage == Stage::Active) else {
            return;
        };
        let lock = instance.entity().and_then(|entity| entity.lock.as_ref());
        let Some(section) = lock.map(|lock| lock.section.clone()) else { return };
        let Some(queues) = instance.waiting.as_mut().filter(|queues| queues.mailbox.wants_search()) else {
            return;
        };
        let after = queues.mailbox.last();
        self.read_behind(id, Search { section, after, left: 0 });
    }

    fn read_behind(&mut self, id: InstanceId, search: Search) {
        let window = self.config.limits.mailbox_window;
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.waiting.mailbox.reading = true;
        let reads = vec![window_read(&instance.address, Queue::Back, search.after, window)];
        self.load(Load::Behind { id, search: Box::new(search) }, reads);
    }

    /// Refuses what a page of rows shows to wait in vain, and reads on.
    pub(super) fn loaded_behind(&mut self, id: InstanceId, mut search: Search, page: &Page) {
        let Some(entries) = self.read_entries(id, Queue::Back, page) else { return };
        let Some(instance) = self.instances.get_mut(id) else { return };
        let lock = instance.entity().and_then(|entity| entity.lock.as_ref());
        let stands = lock.is_some_and(|lock| lock.section == search.section);
        let mailbox = &mut instance.waiting.mailbox;
        mailbox.reading = false;
        if !stands {
            self.search_behind(id);
            return self.resume_behind(id);
        }
        search.after = entries.last().map(|entry| entry.id).or(search.after);
        for entry in entries {
            let Some(instance) = self.instances.get_mut(id) else { return };
            let mailbox = &mut instance.waiting.mailbox;
            if !mailbox.is_only_a_row(&entry) {
                // It comes again with those in memory.
                continue;
            }
            if impossible(&entry.message, &search.section) {
                mailbox.take_row(entry.id);
                self.queued_bytes += entry.message.bytes();
                self.refuse_waiting(id, entry, &search.section.run);
            } else {
                search.left += usize::from(may_become_impossible(&entry.message));
            }
        }
        if page.more {
            return self.read_behind(id, search);
        }
        let is_impossible = |message: &_| impossible(message, &search.section);
        while let Some(instance) = self.instances.get_mut(id)
            && let Some(entry) = instance.waiting.mailbox.take_newest(is_impossible)
        {
            self.refuse_waiting(id, entry, &search.section.run);
        }
        if let Some(instance) = self.instances.get_mut(id) {
            instance.waiting.mailbox.searched(search.left);
        }
        self.resume_behind(id);
    }

    fn resume_behind(&mut self, id: InstanceId) {
        self.load_window(id);
        self.mark_ready(id);
        self.settle_place(id);
    }
}

impl Instance {
    /// Another lock makes other messages impossible.
    pub(super) fn forget_search(&mut self) {
        if let Some(queues) = self.waiting.as_mut() {
            queues.mailbox.forget_search();
        }
    }
}
