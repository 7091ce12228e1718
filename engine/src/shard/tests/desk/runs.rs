//! What a test does with runs, activities and locks at a desk.

use super::{
    Desk, Within, at, from_client, payload,
    play::{play, work},
};
use crate::{
    Input, OrchestrationOptions, Registry,
    record::{self, RunRecord},
};
use sarsen_orchestration::{Activity, OrchestrationType, Typed};
use sarsen_protocol::{
    Address, Answer, Body, CallError, Completed, Completion, ExecutionId, Failure, FailureKind, Identity,
    Keyspace, Labels, Launch, Message, OperationName, Origin, Payload, RaisedEvent, RequestId, Reuse, RunId,
    RunOutcome, Section, SessionId, StartRequest, Task, TaskToken, Timestamp, json,
};
use std::{sync::Arc, time::Duration};

/// Adds the orchestration and its activity.
pub(super) fn register(registry: &mut Registry, options: OrchestrationOptions) {
    let typed = Typed::<play>::new().expect("a valid name");
    registry.insert_orchestration_with(Arc::new(typed), options).expect("one orchestration");
    registry.insert_activity(work::NAME).expect("one activity");
}

pub(super) fn run_id(run: &str) -> RunId {
    RunId::new(run).expect("valid")
}

pub(in crate::shard::tests) fn text(text: &str) -> Payload {
    json::encode(text).expect("a text has JSON")
}

impl Desk {
    /// Starts a run.
    pub(in crate::shard::tests) fn start(&mut self, run: &str, script: &str) -> u64 {
        self.start_as(run, script, Reuse::Fail, Identity::None)
    }

    pub(in crate::shard::tests) fn start_as(
        &mut self,
        run: &str,
        script: &str,
        reuse: Reuse,
        identity: Identity,
    ) -> u64 {
        self.start_at(run, script, reuse, (identity, None))
    }

    /// Starts a run that begins so much later.
    pub(in crate::shard::tests) fn start_after(&mut self, run: &str, script: &str, delay: Duration) -> u64 {
        let due = self.now.after(delay);
        self.start_at(run, script, Reuse::Fail, (Identity::None, Some(due)))
    }

    fn start_at(
        &mut self,
        run: &str,
        script: &str,
        reuse: Reuse,
        (identity, due): (Identity, Option<Timestamp>),
    ) -> u64 {
        let name = play::NAME.to_owned().into();
        let launch = Launch { run: run_id(run), name, input: text(script), labels: Labels::default() };
        let body = Body::Start(Box::new(StartRequest { launch, reuse, parent: None, generated: false }));
        self.send(Message { identity, due, ..from_client(Address::run(&run_id(run)), body) })
    }

    /// Asks a run for something, as a client.
    pub(in crate::shard::tests) fn manage(&mut self, run: &str, body: Body) -> u64 {
        self.send(from_client(Address::run(&run_id(run)), body))
    }

    /// Raises an event under a key.
    pub(in crate::shard::tests) fn raise_keyed(&mut self, run: &str, event: &str, identity: Identity) -> u64 {
        let event = RaisedEvent { name: event.to_owned().into(), input: text("keyed"), keep_until: None };
        let message = from_client(Address::run(&run_id(run)), Body::Event(Box::new(event)));
        self.send(Message { identity, ..message })
    }

    pub(in crate::shard::tests) fn suspend(&mut self, run: &str) -> u64 {
        self.manage(run, Body::Suspend { reason: None })
    }

    pub(in crate::shard::tests) fn resume(&mut self, run: &str) -> u64 {
        self.manage(run, Body::Resume { reason: None })
    }

    pub(in crate::shard::tests) fn terminate(&mut self, run: &str) -> u64 {
        self.manage(run, Body::Terminate { reason: Some(text("enough")), recurse: false, child_of: None })
    }

    /// Raises an event at a run; `keep`: for a start within that time.
    pub(in crate::shard::tests) fn raise(&mut self, run: &str, event: &str, keep: Option<Duration>) -> u64 {
        let (name, value) = event.split_once(' ').unwrap_or((event, ""));
        let keep_until = keep.map(|keep| self.now.after(keep));
        let event = RaisedEvent { name: name.to_owned().into(), input: text(value), keep_until };
        self.manage(run, Body::Event(Box::new(event)))
    }

    /// Tells a run that a section is granted.
    pub(in crate::shard::tests) fn grant(&mut self, run: &str, execution: ExecutionId, entities: &[&str]) {
        let entities = entities.iter().map(|key| at(key)).collect();
        let completion = Completion::Granted(entities);
        let completed = Completed { execution, command: sarsen_protocol::CommandId(0), completion };
        self.manage(run, Body::Completed(Box::new(completed)));
    }

    /// Takes the lock of an entity from a run whose first command has asked for it.
    pub(in crate::shard::tests) fn force(&mut self, key: &str, run: &str) -> u64 {
        let execution = self.run(run).expect("it is durable").execution;
        let section = Section { run: run_id(run), execution, id: sarsen_protocol::CommandId(0) };
        self.send(from_client(at(key), Body::Release(Box::new(section))))
    }

    /// A call or signal of a client that works for an execution.
    pub(in crate::shard::tests) fn ask_within(&mut self, to: &str, answered: bool, run: &str) -> u64 {
        let execution = self.run(run).expect("it is durable").execution;
        let within = Some(Box::new(Within { run: run_id(run), execution }));
        let from = Origin::Client { session: SessionId(uuid::Uuid::nil()), request: RequestId(0), within };
        let body = Body::operation(OperationName::of("add"), payload("1"), answered);
        self.send(Message { from, ..Message::one_way(at(to), at(to), body) })
    }

    /// What a client was told, in short.
    pub(in crate::shard::tests) fn told(&self, request: u64) -> String {
        match self.answer(request) {
            None => "nothing".to_owned(),
            Some(Answer::Returned(_)) => "returned".to_owned(),
            Some(Answer::Acknowledged) => "acknowledged".to_owned(),
            Some(Answer::Failed(failure)) => format!("failed: {:?}", failure.kind),
            Some(Answer::Refused(error)) => match &**error {
                CallError::RunExists { status, .. } => format!("exists, {status}"),
                CallError::RunNotFound { .. } => "not found".to_owned(),
                CallError::RunFinished { status, .. } => format!("finished, {status}"),
                CallError::RunNotFinished { status, .. } => format!("not finished, {status}"),
                CallError::RunNotFailed { status, .. } => format!("not failed, {status}"),
                CallError::KeyReused { .. } => "key reused".to_owned(),
                CallError::Busy { .. } => "busy".to_owned(),
                CallError::Parked { .. } => "parked".to_owned(),
                other => format!("refused: {other}"),
            },
            Some(Answer::State(_)) => "a state".to_owned(),
        }
    }

    /// The durable record of a run.
    pub(in crate::shard::tests) fn run(&self, run: &str) -> Option<RunRecord> {
        let key = record::instance_key(&Address::run(&run_id(run)));
        let row = self.rows.get(&(Keyspace::Instances, key))?;
        record::read_run_row(row).expect("whole").run
    }

    /// How a run stands, in words: its status, and behind its end what it came to.
    pub(in crate::shard::tests) fn stands(&self, run: &str) -> String {
        let Some(record) = self.run(run) else { return "absent".to_owned() };
        let status = record.status;
        match record.outcome {
            None => status.to_string(),
            Some(RunOutcome::Returned(result)) => {
                let result: String = json::decode(&result).expect("a script's result is text");
                format!("{status}: {result}")
            }
            Some(RunOutcome::Failed(failure)) => format!("{status}: {failure}"),
            Some(RunOutcome::Terminated { reason: None }) => format!("{status}: nothing"),
            Some(RunOutcome::Terminated { reason: Some(reason) }) => {
                format!("{status}: {}", String::from_utf8_lossy(reason.as_bytes()))
            }
        }
    }

    /// The inputs of the activities that were handed out, in order.
    pub(in crate::shard::tests) fn handed_out(&self) -> Vec<String> {
        let mut inputs: Vec<String> =
            self.tasks.iter().map(|task| json::decode(&task.input).expect("a text")).collect();
        inputs.sort();
        inputs
    }

    /// The token of an activity that was handed out.
    pub(in crate::shard::tests) fn token(&self, input: &str) -> TaskToken {
        let task = self.tasks.iter().find(|task| task.input == text(input));
        task.unwrap_or_else(|| panic!("`{input}` is not handed out")).token
    }

    /// Ends an activity with an answer, or fails it.
    pub(in crate::shard::tests) fn perform(&mut self, input: &str, answer: Result<&str, &str>) {
        let token = self.token(input);
        self.tasks.retain(|task| task.token != token);
        self.perform_token(token, answer);
    }

    pub(in crate::shard::tests) fn perform_token(&mut self, token: TaskToken, answer: Result<&str, &str>) {
        let result = answer.map(text).map_err(|why| Failure::new(FailureKind::Panicked, why));
        let shard = usize::from(self.slots.shard(token.slot).0);
        self.shards[shard].handle(Input::Performed { token, result, progress: None }, self.now);
    }

    /// An activity that was handed out says how far it has got.
    pub(in crate::shard::tests) fn progress(&mut self, input: &str, progress: &str) {
        let task =
            self.tasks.iter().find(|task| task.input == text(input)).expect("it is handed out").clone();
        let shard = usize::from(self.slots.shard(task.token.slot).0);
        self.shards[shard]
            .handle(Input::Progressed { task: Box::new(task), progress: text(progress) }, self.now);
    }

    /// The attempts that were handed out, and what they are told of how far the last one got.
    pub(in crate::shard::tests) fn attempts(&self) -> Vec<String> {
        let told = |task: &Task| {
            let progress =
                task.progress.as_ref().map(|progress| json::decode::<String>(progress).expect("text"));
            format!("{} of {}: {}", task.attempt, task.first, progress.unwrap_or_default())
        };
        self.tasks.iter().map(told).collect()
    }

    /// Ends all activities that were handed out, each with its input. Returns whether there were any.
    pub(super) fn work(&mut self) -> bool {
        let tasks = std::mem::take(&mut self.tasks);
        for task in &tasks {
            let shard = usize::from(self.slots.shard(task.token.slot).0);
            let performed =
                Input::Performed { token: task.token, result: Ok(task.input.clone()), progress: None };
            self.shards[shard].handle(performed, self.now);
        }
        !tasks.is_empty()
    }

    /// Takes everything out of memory that may leave.
    pub(in crate::shard::tests) fn evict_all(&mut self) {
        let instances = self.rows.range((Keyspace::Instances, bytes::Bytes::new())..);
        let instances = instances.take_while(|((keyspace, _), _)| *keyspace == Keyspace::Instances);
        for ((_, key), _) in instances {
            let address = record::read_instance_key(key).expect("whole");
            let shard = usize::from(self.slots.shard(address.slot()).0);
            self.shards[shard].evict(&address);
        }
    }

    pub(in crate::shard::tests) fn evict_run(&mut self, run: &str) -> bool {
        let address = Address::run(&run_id(run));
        self.shards.iter_mut().any(|shard| shard.evict(&address))
    }

    /// What a run has last said of itself.
    pub(in crate::shard::tests) fn status(&self, run: &str) -> String {
        let status = self.run(run).and_then(|run| run.custom_status);
        status.map(|status| json::decode(&status).expect("a text")).unwrap_or_default()
    }

    /// The ids of two runs that live in one slot.
    pub(in crate::shard::tests) fn neighbours() -> [String; 2] {
        let slot = at("x").slot();
        [1, 2].map(|unique| RunId::generated(Timestamp::default(), slot, unique).to_string())
    }

    /// A run and an entity that live in different shards.
    pub(in crate::shard::tests) fn run_away_from(&self, key: &str) -> String {
        let shard = self.slots.shard(at(key).slot());
        let away = |run: &String| self.slots.shard(Address::run(&run_id(run)).slot()) != shard;
        (0..1_000).map(|number| format!("run{number}")).find(away).expect("two shards have runs each")
    }
}
