//! Histories that nobody needs: deleted a part at a time, so that no commit is large.
//!
//! What is left to delete stands in the run's record, and a sweep waits in its front queue until nothing is: so it goes
//! on behind a crash.

use super::Code;
use crate::{
    record::{self, Garbage},
    shard::{InstanceId, Shard},
};
use sarsen_orchestration::Cursor;
use sarsen_protocol::{Body, Keyspace, Message};

/// Chunks deleted in one turn.
const CHUNKS_PER_TURN: u32 = 256;

impl Shard {
    /// Forgets the history of a run's last execution: what is not written never will be, what is becomes garbage.
    pub(super) fn forget_history(&mut self, id: InstanceId) {
        let Some(run) = self.run_mut(id) else { return };
        let (chunks, execution) = (run.chunks(), run.execution());
        run.code = Code::None;
        run.unwritten.clear();
        run.cursor = Cursor::default();
        run.outstanding = None;
        run.timers.clear();
        run.section = None;
        if let (Some(execution), true) = (execution, chunks > 0) {
            run.row.garbage.push(Garbage { execution, from: 0, to: chunks });
            self.mark_dirty(id);
        }
        self.collect(id, false);
    }

    /// Deletes as much garbage as one turn may. `swept`: the sweep that waited has had its turn.
    pub(super) fn collect(&mut self, id: InstanceId, swept: bool) {
        let Some(address) = self.address_of(id) else { return };
        let Some(run) = self.run_mut(id) else { return };
        run.sweeping &= !swept;
        if run.sweeping || run.row.garbage.is_empty() {
            return;
        }
        let mut room = CHUNKS_PER_TURN;
        let mut keys = Vec::new();
        while let Some(garbage) = run.row.garbage.last_mut().filter(|_| room > 0) {
            let from = garbage.to.saturating_sub(room).max(garbage.from);
            room -= garbage.to - from;
            keys.extend(
                (from..garbage.to).map(|chunk| record::history_key(&address, garbage.execution, chunk)),
            );
            garbage.to = from;
            if garbage.from == garbage.to {
                run.row.garbage.pop();
            }
        }
        let more = !run.row.garbage.is_empty();
        run.sweeping |= more;
        for key in keys {
            self.batch.write(Keyspace::History, key, None);
        }
        self.mark_dirty(id);
        if more {
            self.accept(id, Box::new(Message::one_way(address.clone(), address, Body::Sweep)));
        }
    }
}
