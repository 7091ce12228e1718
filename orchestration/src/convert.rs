//! Histories in the words of the Durable Task Framework.
//!
//! Its tools and its users read these names and fields. The conversion leaves out nothing that they know; what only
//! sarsen records (a cancelled timer, a custom status, a lock that cannot be had) becomes a *generic event*, which they pass over, and the seed
//! and the limits of an execution are left out.

mod vocabulary;

pub use vocabulary::{FailureDetails, HistoryEvent, HistoryEventKind, Instance, ParentInstance};

use crate::{Command, CommandId, End, Event, Input, Labels, Launch, Start, request::CANCEL};
use HistoryEventKind as To;
use sarsen_protocol::{
    ActivityName, Address, ExecutionId, Failure, Payload, RunId, Timestamp, TraceContext, json,
};
use std::collections::BTreeMap;

/// Converts a history, event by event and from its beginning.
#[derive(Debug, Default)]
pub struct Converter {
    now: Timestamp,
    run: String,
    execution: Option<ExecutionId>,
    timers: BTreeMap<CommandId, Timestamp>,
    sections: BTreeMap<CommandId, Vec<Address>>,
}

/// The event id of what is no command.
const NO_ID: i64 = -1;

impl Converter {
    /// Stands before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the next event is in their words: one event, but for the end of a section, which is one for each entity.
    pub fn convert(&mut self, event: &Event) -> Vec<HistoryEvent> {
        match event {
            Event::TurnStarted { at } => {
                self.now = *at;
                self.one(NO_ID, To::OrchestratorStarted)
            }
            Event::Started(start) => {
                self.run = start.run.to_string();
                self.execution = Some(start.execution);
                self.one(NO_ID, started(start))
            }
            Event::Arrived(input) => self.one(NO_ID, self.arrived(input)),
            Event::Issued(id, command) => {
                let kinds = self.issued(*id, command);
                kinds.into_iter().flat_map(|kind| self.one(i64::from(id.0), kind)).collect()
            }
            Event::Ended(end) => self.one(NO_ID, ended(end)),
        }
    }

    fn one(&self, event_id: i64, kind: To) -> Vec<HistoryEvent> {
        vec![HistoryEvent { event_id, timestamp: self.now, kind }]
    }

    /// A request's or section's id, which theirs is a GUID.
    fn unique(&self, id: CommandId) -> String {
        self.execution.map_or_else(|| id.to_string(), |execution| format!("{execution}:{id}"))
    }

    fn arrived(&self, input: &Input) -> To {
        match input {
            Input::TaskEnded { id, result: Ok(result) } => {
                To::TaskCompleted { task_scheduled_id: id.0, result: text(result) }
            }
            Input::TaskEnded { id, result: Err(failure) }
            | Input::AttemptFailed { id, failure, progress: _ } => {
                To::TaskFailed { task_scheduled_id: id.0, failure_details: details(failure) }
            }
            Input::TimerFired { id } => {
                let fire_at = self.timers.get(id).copied().unwrap_or(self.now);
                To::TimerFired { fire_at, timer_id: id.0 }
            }
            Input::ChildEnded { id, result: Ok(result) } => {
                To::SubOrchestrationInstanceCompleted { task_scheduled_id: id.0, result: text(result) }
            }
            Input::ChildEnded { id, result: Err(failure) } => To::SubOrchestrationInstanceFailed {
                task_scheduled_id: id.0,
                failure_details: details(failure),
            },
            Input::CallEnded { id, result: Ok(output) } => {
                To::EntityOperationCompleted { request_id: self.unique(*id), output: text(output) }
            }
            Input::CallEnded { id, result: Err(failure) } => {
                To::EntityOperationFailed { request_id: self.unique(*id), failure_details: details(failure) }
            }
            Input::LockGranted { id } => To::EntityLockGranted { critical_section_id: self.unique(*id) },
            Input::LockRefused { id, failure } => To::GenericEvent {
                data: format!(
                    "critical section {} refused: {}",
                    self.unique(*id),
                    json_text(&details(failure))
                ),
            },
            Input::EventRaised { name, input } => {
                To::EventRaised { name: name.to_string(), input: text(input) }
            }
            Input::Suspended { reason } => To::ExecutionSuspended { input: reason.clone() },
            Input::Resumed { reason } => To::ExecutionResumed { input: reason.clone() },
            Input::Rewound { reason } => {
                To::ExecutionRewound { reason: reason.clone(), instance_id: self.run.clone() }
            }
        }
    }

    fn issued(&mut self, id: CommandId, command: &Command) -> Vec<To> {
        vec![match command {
            Command::Task { name, input, labels } => scheduled(name, input, labels),
            Command::Attempt(attempt) => scheduled(&attempt.name, &attempt.input, &attempt.labels),
            Command::Timer { fire_at } => {
                self.timers.insert(id, *fire_at);
                To::TimerCreated { fire_at: *fire_at }
            }
            Command::CancelTimer { timer } => To::GenericEvent { data: format!("timer {timer} cancelled") },
            Command::Child(launch) => created(launch, tags(&launch.labels)),
            Command::Detached(launch) => {
                let mut tags = tags(&launch.labels);
                tags.insert("FireAndForget".to_owned(), String::new());
                created(launch, tags)
            }
            Command::SendEvent { run, name, input } => {
                To::EventSent { instance_id: run.to_string(), name: name.to_string(), input: text(input) }
            }
            Command::Signal { to, operation, input, due } => To::EntityOperationSignaled {
                request_id: self.unique(id),
                operation: operation.to_string(),
                scheduled_time: *due,
                input: text(input),
                target_instance_id: to.to_string(),
            },
            Command::Call { to, operation, input, section: _ } => To::EntityOperationCalled {
                request_id: self.unique(id),
                operation: operation.to_string(),
                scheduled_time: None,
                input: text(input),
                parent_instance_id: self.run.clone(),
                parent_execution_id: self.execution.map(|execution| execution.to_string()),
                target_instance_id: to.to_string(),
            },
            Command::Schedule { to, request } => To::EntityOperationSignaled {
                request_id: self.unique(id),
                operation: request.operation.to_string(),
                scheduled_time: Some(request.due),
                input: text(&request.input),
                target_instance_id: to.to_string(),
            },
            Command::Unschedule { to, request } => To::EntityOperationCalled {
                request_id: self.unique(id),
                operation: CANCEL.to_owned(),
                scheduled_time: None,
                input: json::encode(request.id.as_str()).map_or_else(|_| String::new(), |id| text(&id)),
                parent_instance_id: self.run.clone(),
                parent_execution_id: self.execution.map(|execution| execution.to_string()),
                target_instance_id: to.to_string(),
            },
            Command::Lock { entities } | Command::TryLock { entities } => {
                self.sections.insert(id, entities.clone());
                To::EntityLockRequested {
                    critical_section_id: self.unique(id),
                    lock_set: entities.iter().map(Address::to_string).collect(),
                    position: 0,
                    parent_instance_id: self.run.clone(),
                }
            }
            Command::Unlock { section } => return self.unlocked(*section),
            Command::SetStatus { status } => {
                To::GenericEvent { data: format!("custom status {}", text(status)) }
            }
        }]
    }

    fn unlocked(&mut self, section: CommandId) -> Vec<To> {
        let entities = self.sections.remove(&section).unwrap_or_default();
        let sent = |entity: &Address| To::EntityUnlockSent {
            critical_section_id: self.unique(section),
            parent_instance_id: self.run.clone(),
            target_instance_id: entity.to_string(),
        };
        entities.iter().map(sent).collect()
    }
}

fn started(start: &Start) -> To {
    let instance = |run: &RunId, execution: ExecutionId| Instance {
        instance_id: run.to_string(),
        execution_id: execution.to_string(),
    };
    To::ExecutionStarted {
        name: start.name.to_string(),
        version: start.labels.version.clone(),
        input: text(&start.input),
        orchestration_instance: instance(&start.run, start.execution),
        parent_instance: start.parent.as_ref().map(|parent| ParentInstance {
            task_scheduled_id: parent.command.0,
            name: parent.name.to_string(),
            version: parent.version.clone(),
            instance: instance(&parent.run, parent.execution),
        }),
        scheduled_start_timestamp: start.scheduled,
        parent_trace_context: start.labels.trace.map(traceparent),
        tags: tags(&start.labels),
    }
}

fn scheduled(name: &ActivityName, input: &Payload, labels: &Labels) -> To {
    To::TaskScheduled {
        name: name.to_string(),
        version: labels.version.clone(),
        input: text(input),
        parent_trace_context: labels.trace.map(traceparent),
        tags: tags(labels),
    }
}

fn created(launch: &Launch, tags: BTreeMap<String, String>) -> To {
    To::SubOrchestrationInstanceCreated {
        instance_id: launch.run.to_string(),
        name: launch.name.to_string(),
        version: launch.labels.version.clone(),
        input: text(&launch.input),
        parent_trace_context: launch.labels.trace.map(traceparent),
        tags,
    }
}

fn ended(end: &End) -> To {
    let completed = |orchestration_status, result, failure_details| To::ExecutionCompleted {
        orchestration_status,
        result,
        failure_details,
    };
    match end {
        End::Returned(result) => completed("Completed", Some(text(result)), None),
        End::Failed(failure) => completed("Failed", None, Some(details(failure))),
        End::ContinuedAsNew(input) => To::ContinueAsNew { input: text(input) },
        End::Terminated { reason, recurse } => {
            To::ExecutionTerminated { input: reason.as_ref().map(text), recurse: *recurse }
        }
    }
}

fn details(failure: &Failure) -> FailureDetails {
    let properties = failure.details.iter().map(|details| ("details".to_owned(), text(details)));
    let caused = |inner, cause: &String| {
        Some(Box::new(FailureDetails {
            error_type: "Cause".to_owned(),
            error_message: cause.clone(),
            is_non_retriable: false,
            properties: BTreeMap::new(),
            inner_failure: inner,
        }))
    };
    FailureDetails {
        error_type: failure.type_name().map_or_else(|| format!("{:?}", failure.kind), str::to_owned),
        error_message: failure.message.clone(),
        is_non_retriable: failure.is_final(),
        properties: properties.collect(),
        inner_failure: failure.causes().iter().rev().fold(None, caused),
    }
}

fn tags(labels: &Labels) -> BTreeMap<String, String> {
    labels.tags.iter().cloned().collect()
}

fn text(payload: &Payload) -> String {
    String::from_utf8_lossy(payload.as_bytes()).into_owned()
}

fn json_text(details: &FailureDetails) -> String {
    json::encode(details).map_or_else(|failure| failure.message, |details| text(&details))
}

/// The header of the W3C recommendation "Trace Context".
fn traceparent(trace: TraceContext) -> String {
    format!("00-{:032x}-{:016x}-{:02x}", trace.trace_id, trace.span_id, trace.flags)
}

#[cfg(test)]
mod tests;
