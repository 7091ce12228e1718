//! Reading an execution's history and replaying it, in slices.

use super::{Code, manage::unregistered};
use crate::{
    load::HistoryLoad,
    shard::{InstanceId, Shard, instance::Stage},
};
use sarsen_orchestration::{Cursor, Event, Execution, Outstanding};
use sarsen_protocol::ExecutionId;
use std::{collections::VecDeque, fmt};

/// A history on its way to an execution.
pub(super) struct Replay {
    execution: ExecutionId,
    /// How far it has been read.
    cursor: Cursor,
    /// What has been read and not replayed.
    events: VecDeque<Event>,
    /// Whether there is more to read.
    more: bool,
    /// The code; `None` before the history's begin, and when it cannot go on.
    code: Option<Box<Execution>>,
    /// Why it cannot go on.
    failed: Option<String>,
    /// Whether a part of it cannot be read.
    damaged: bool,
    outstanding: Outstanding,
    /// The history as a whole, if that is what is wanted.
    collected: Option<Vec<Event>>,
}

impl Shard {
    /// Begins to read the history of a run whose code is not in memory.
    pub(super) fn read_history(&mut self, id: InstanceId) {
        self.begin_reading(id, None);
    }

    /// Begins to read the history of a run that is over, to keep it as a whole.
    pub(super) fn collect_history(&mut self, id: InstanceId) {
        self.begin_reading(id, Some(Vec::new()));
    }

    fn begin_reading(&mut self, id: InstanceId, collected: Option<Vec<Event>>) {
        let committed = self.committed;
        let Some(instance) = self.instances.get_mut(id) else { return };
        let durable = instance.written <= committed;
        let Some(run) = instance.run_mut() else { return };
        let (Some(execution), true) = (run.execution(), durable && run.unwritten.is_empty()) else { return };
        if !matches!(run.code, Code::Stored) {
            return;
        }
        let cursor = Cursor::default();
        run.code = Code::Reading(Box::new(Replay {
            execution,
            cursor,
            events: VecDeque::new(),
            more: true,
            code: None,
            failed: None,
            damaged: false,
            outstanding: Outstanding::default(),
            collected,
        }));
        instance.stage = Stage::Active;
        let address = instance.address.clone();
        self.load_history(id, &address, execution, cursor);
    }

    /// Takes in a part of a history.
    pub(in crate::shard) fn loaded_history(&mut self, load: HistoryLoad, more: bool) {
        let HistoryLoad { id, execution, cursor, events } = load;
        let Some(run) = self.run_mut(id) else { return };
        match std::mem::take(&mut run.code) {
            Code::Reading(mut replay) if replay.execution == execution => {
                (replay.cursor, replay.more) = (cursor, more);
                match events {
                    Ok(events) => replay.events.extend(events),
                    Err(reason) => {
                        replay.failed = Some(reason);
                        (replay.damaged, replay.more) = (true, false);
                    }
                }
                run.code = Code::Replaying(replay);
            }
            other => run.code = other,
        }
        self.mark_ready(id);
    }

    /// Replays a slice of what has been read; behind the last one the execution is live, or parked.
    pub(super) fn replay(&mut self, id: InstanceId) {
        let most = self.config.limits.replay_events_per_turn_max;
        let registry = self.config.registry.clone();
        let Some(run) = self.run_mut(id) else { return };
        let Code::Replaying(mut replay) = std::mem::take(&mut run.code) else { return };
        if let Some(collected) = &mut replay.collected {
            collected.extend(replay.events.drain(..));
            return self.read_on(id, replay);
        }
        // The first two events are the begin of the execution, which needs both.
        let count = replay.events.len().min(most.max(2));
        let slice: Vec<Event> = replay.events.drain(..count).collect();
        replay.apply(&slice, |start| {
            let name = start.name.as_str();
            match registry.orchestration(name) {
                Some(orchestration) => Ok(Box::new(orchestration.begin(start.clone()))),
                None => Err(unregistered(name)),
            }
        });
        if replay.events.is_empty() {
            self.read_on(id, replay);
        } else {
            run.code = Code::Replaying(replay);
        }
    }

    /// Reads the next part of a history; behind the last one all of it is there.
    fn read_on(&mut self, id: InstanceId, replay: Box<Replay>) {
        let Some(run) = self.run_mut(id) else { return };
        if replay.more {
            let (execution, cursor) = (replay.execution, replay.cursor);
            run.code = Code::Reading(replay);
            if let Some(address) = self.address_of(id) {
                self.load_history(id, &address, execution, cursor);
            }
        } else if let Some(events) = replay.collected {
            run.code = Code::Collected(replay.failed.map_or(Ok(events), Err));
        } else {
            self.replayed(id, *replay);
        }
    }

    fn replayed(&mut self, id: InstanceId, replay: Replay) {
        let Replay { cursor, code, failed, outstanding, damaged, .. } = replay;
        let Some(run) = self.run_mut(id) else { return };
        run.cursor = cursor;
        run.timers = outstanding.timers().iter().map(|(id, due)| (*id, *due)).collect();
        run.section = outstanding.section().cloned();
        run.outstanding = Some(outstanding);
        match (code, failed) {
            (Some(execution), None) => {
                run.code = Code::Live(execution);
                let bytes = run.bytes();
                self.instances.resize_to(id, bytes);
                self.unpark(id);
            }
            (_, reason) => {
                let reason = reason.unwrap_or_else(|| {
                    "its history is not there; restore the data directory from a backup".to_owned()
                });
                self.park(id, reason);
                // What it holds and waits for is not known as a whole.
                if let Some(run) = self.run_mut(id).filter(|_| damaged) {
                    run.give_up_hope();
                }
            }
        }
    }
}

impl Replay {
    /// Takes the next events: as what they leave, and as what the code has done.
    fn apply(
        &mut self,
        events: &[Event],
        begin: impl FnOnce(&sarsen_protocol::Start) -> Result<Box<Execution>, String>,
    ) {
        for event in events {
            self.outstanding.apply(event);
        }
        if self.failed.is_some() {
            return;
        }
        if self.code.is_none() {
            let start = events.iter().find_map(|event| match event {
                Event::Started(start) => Some(&**start),
                _ => None,
            });
            match start.ok_or_else(|| "its history does not begin with its start".to_owned()).and_then(begin)
            {
                Ok(code) => self.code = Some(code),
                Err(reason) => {
                    self.failed = Some(reason);
                    return;
                }
            }
        }
        if let Some(code) = &mut self.code
            && let Err(parked) = code.replay(events)
        {
            self.failed = Some(parked.to_string());
        }
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("execution", &self.execution)
            .field("events", &self.events.len())
            .field("more", &self.more)
            .finish_non_exhaustive()
    }
}
