//! The names and fields of the Durable Task Framework's history events.

use sarsen_protocol::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// An event in the words of the Durable Task Framework. Serialized, names are in camel case and what is absent is
/// left out; times are microseconds since 1970; payloads are JSON texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEvent {
    /// The command's id, or -1.
    pub event_id: i64,
    /// The time of the turn.
    pub timestamp: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: HistoryEventKind,
}

/// A run and its execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// The run.
    pub instance_id: String,
    /// The execution.
    pub execution_id: String,
}

/// Who waits for an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentInstance {
    /// The command that started the child.
    pub task_scheduled_id: u32,
    /// The orchestration.
    pub name: String,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The run.
    pub instance: Instance,
}

/// Why something failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureDetails {
    /// The error's Rust type, or the kind of failure.
    pub error_type: String,
    /// One line for people.
    pub error_message: String,
    /// Whether retry policies pass it over.
    pub is_non_retriable: bool,
    /// JSON texts by name: the error that code returned stands under `details`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// What caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner_failure: Option<Box<FailureDetails>>,
}

/// What happened, by its name in the Durable Task Framework; fields are named as there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "eventType", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the names and fields are those of another system, and explained there")]
pub enum HistoryEventKind {
    OrchestratorStarted,
    ExecutionStarted {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        input: String,
        orchestration_instance: Instance,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent_instance: Option<ParentInstance>,
        #[serde(skip_serializing_if = "Option::is_none")]
        scheduled_start_timestamp: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent_trace_context: Option<String>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        tags: BTreeMap<String, String>,
    },
    ExecutionCompleted {
        orchestration_status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        failure_details: Option<FailureDetails>,
    },
    ExecutionTerminated {
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<String>,
        recurse: bool,
    },
    TaskScheduled {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        input: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent_trace_context: Option<String>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        tags: BTreeMap<String, String>,
    },
    TaskCompleted {
        task_scheduled_id: u32,
        result: String,
    },
    TaskFailed {
        task_scheduled_id: u32,
        failure_details: FailureDetails,
    },
    SubOrchestrationInstanceCreated {
        instance_id: String,
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        input: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent_trace_context: Option<String>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        tags: BTreeMap<String, String>,
    },
    SubOrchestrationInstanceCompleted {
        task_scheduled_id: u32,
        result: String,
    },
    SubOrchestrationInstanceFailed {
        task_scheduled_id: u32,
        failure_details: FailureDetails,
    },
    TimerCreated {
        fire_at: Timestamp,
    },
    TimerFired {
        fire_at: Timestamp,
        timer_id: u32,
    },
    EventSent {
        instance_id: String,
        name: String,
        input: String,
    },
    EventRaised {
        name: String,
        input: String,
    },
    GenericEvent {
        data: String,
    },
    ContinueAsNew {
        input: String,
    },
    ExecutionSuspended {
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<String>,
    },
    ExecutionResumed {
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<String>,
    },
    ExecutionRewound {
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        instance_id: String,
    },
    EntityOperationSignaled {
        request_id: String,
        operation: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        scheduled_time: Option<Timestamp>,
        input: String,
        target_instance_id: String,
    },
    EntityOperationCalled {
        request_id: String,
        operation: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        scheduled_time: Option<Timestamp>,
        input: String,
        parent_instance_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent_execution_id: Option<String>,
        target_instance_id: String,
    },
    EntityOperationCompleted {
        request_id: String,
        output: String,
    },
    EntityOperationFailed {
        request_id: String,
        failure_details: FailureDetails,
    },
    EntityLockRequested {
        critical_section_id: String,
        lock_set: Vec<String>,
        position: u32,
        parent_instance_id: String,
    },
    EntityLockGranted {
        critical_section_id: String,
    },
    EntityUnlockSent {
        critical_section_id: String,
        parent_instance_id: String,
        target_instance_id: String,
    },
}
