//! What a test does with scheduled signals at a desk.

use super::{Desk, at, from_client, payload};
use crate::{ScheduleLookup, record};
use sarsen_protocol::{
    Body, Identity, Keyspace, Message, OperationName, Origin, Page, Period, RequestId, Row, RunId,
    ScheduleId, ScheduleRequest, SessionId, UnscheduleRequest, Within,
};
use std::time::Duration;

fn id(text: &str) -> ScheduleId {
    ScheduleId::new(text).expect("valid")
}

impl Desk {
    /// Schedules an operation as a client.
    pub(in crate::shard::tests) fn schedule(
        &mut self,
        (to, name): (&str, &str),
        (operation, input): (&str, &str),
        after: Duration,
    ) -> u64 {
        self.schedule_as((to, name), (operation, input), (after, None), Identity::None)
    }

    /// Makes a reminder as a client, for the first time after one period.
    pub(in crate::shard::tests) fn remind(
        &mut self,
        of: (&str, &str),
        what: (&str, &str),
        every: Duration,
    ) -> u64 {
        self.schedule_as(of, what, (every, Some(every)), Identity::None)
    }

    pub(in crate::shard::tests) fn schedule_as(
        &mut self,
        (to, name): (&str, &str),
        (operation, input): (&str, &str),
        (after, every): (Duration, Option<Duration>),
        identity: Identity,
    ) -> u64 {
        let request = ScheduleRequest {
            id: id(name),
            operation: OperationName::from(operation.to_owned()),
            input: payload(input),
            due: self.now.after(after),
            every: every.map(|every| Period::new(every).expect("long enough")),
            section: None,
        };
        self.send(Message { identity, ..from_client(at(to), Body::Schedule(Box::new(request))) })
    }

    /// Cancels what is scheduled, as a client.
    pub(in crate::shard::tests) fn unschedule(
        &mut self,
        (to, name): (&str, &str),
        identity: Identity,
    ) -> u64 {
        let request = UnscheduleRequest { id: id(name), section: None };
        self.send(Message { identity, ..from_client(at(to), Body::Unschedule(Box::new(request))) })
    }

    /// As [`unschedule`](Self::unschedule), of a client that works for an execution.
    pub(in crate::shard::tests) fn unschedule_within(&mut self, (to, name): (&str, &str), run: &str) -> u64 {
        let execution = self.run(run).expect("it is durable").execution;
        let within = Some(Box::new(Within { run: RunId::new(run).expect("valid"), execution }));
        let from = Origin::Client { session: SessionId(uuid::Uuid::nil()), request: RequestId(0), within };
        let request = UnscheduleRequest { id: id(name), section: None };
        let body = Body::Unschedule(Box::new(request));
        self.send(Message { from, ..Message::one_way(at(to), at(to), body) })
    }

    /// What is durably scheduled at an entity: id, operation, seconds until it is due, and its period.
    pub(in crate::shard::tests) fn scheduled(&self, key: &str) -> Vec<String> {
        let lookup = ScheduleLookup::new(&at(key));
        let row = self.rows.get(&(Keyspace::Instances, record::instance_key(&at(key))));
        let rows = row.map(|value| Row { key: lookup.read().from, value: value.clone() });
        let found = lookup.take(&Page { rows: rows.into_iter().collect(), more: false }).expect("whole");
        found
            .into_iter()
            .map(|one| {
                let due = one.due.since(self.now).as_secs_f64();
                let every = one.every.map_or(String::new(), |every| format!(" +{:?}", every.duration()));
                format!("{}: {} in {due}{every}", one.id, one.operation)
            })
            .collect()
    }
}
