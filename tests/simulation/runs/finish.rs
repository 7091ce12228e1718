//! The end of a seed: nothing goes wrong any more, everything goes on until nothing can, and then all is compared.

use super::{
    account::{Account, Op, Order},
    act::{EVENTS, Node, Sent},
    brittle::brittle,
    invariants::{
        ends_stand, events, exclusion, goes_on, in_line, money, none_left, promises, same_commands, sent_once,
    },
    record::{Durable, Histories, RunRecord},
    watch::Shared,
    workload::Workload,
};
use crate::invariants::Checked;
use sarsen_engine::read_dead;
use sarsen_orchestration::Outstanding;
use sarsen_protocol::{
    Body, CallError, ExecutionId, Keyspace, OrchestrationType, RunId, RunOutcome, RunStatus, json,
};
use sarsen_runtime::RunInfo;
use sarsen_testing::{VirtualHost, World};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How often everything is given what it may wait for.
const ROUNDS_MAX: u64 = 200;

/// What is there in the end.
#[derive(Debug, Default)]
pub(crate) struct Finish {
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Runs that another one has started, and so may have started again in the place of one that was over.
    pub(crate) children: BTreeSet<RunId>,
    /// How runs have ended, by their first execution.
    pub(crate) outcomes: Vec<(ExecutionId, RunOutcome)>,
    pub(crate) dead_events: BTreeSet<Sent>,
    pub(crate) dead_ops: BTreeSet<Op>,
}

/// Brings everything to its end and compares it.
pub(crate) fn finish<W: World>(host: &mut VirtualHost<W>, workload: &mut Workload, shared: &Shared) {
    let (durable, histories) = settle(host, workload, shared);
    let listed = list(host);
    host.settle();
    shared.note(goes_on::NAME, goes_on::check(&durable, &histories, &listed));
    let waiting = (host.futures(), host.callers(), host.is_idle());
    if waiting != (0, 0, true) {
        let what = format!("futures, callers, idle: {waiting:?}; {:?}", host.describe());
        shared.note(goes_on::NAME, Err(what));
    }
    shared.note(same_commands::NAME, same_commands::check(&histories, host.random()));
    let found = compare(host, durable, &histories, shared);
    for (invariant, checked) in found {
        shared.note(invariant, checked);
    }
    let left = purge(host, shared);
    shared.note(none_left::NAME, none_left::check(&left));
}

/// The runs as they are listed.
fn list<W: World>(host: &mut VirtualHost<W>) -> Vec<RunInfo> {
    let client = host.client();
    host.run(async move {
        let mut listing = client.runs().page_size(3);
        let mut listed = Vec::new();
        while let Some(Ok(info)) = listing.next().await {
            listed.push(info);
        }
        listed
    })
}

/// Compares what is there with what was asked for and told.
fn compare<W: World>(
    host: &VirtualHost<W>,
    durable: Durable,
    histories: &Histories,
    shared: &Shared,
) -> [(&'static str, Checked); 5] {
    let finish = Finish::of(host, durable);
    let oracle = &*shared.oracle.borrow();
    let memory = &shared.sight.borrow().memory;
    [
        (exclusion::NAME, exclusion::check(&finish.accounts, memory)),
        (money::NAME, money::check(&finish.accounts, memory)),
        (promises::NAME, promises::check(oracle, memory)),
        (events::NAME, events::check(oracle, &finish, histories)),
        (sent_once::NAME, sent_once::check(oracle, &finish, histories)),
    ]
}

/// Reads what is durable.
fn read<W: World>(host: &mut VirtualHost<W>) -> (Durable, Histories) {
    let mut histories = Histories::new();
    let durable = Durable::of_rows(|keyspace| Ok(host.rows(keyspace)), &mut histories);
    (durable.unwrap_or_default(), histories)
}

/// Goes on until nothing is left to do: resumes what is suspended, raises what may be waited for.
fn settle<W: World>(
    host: &mut VirtualHost<W>,
    workload: &mut Workload,
    shared: &Shared,
) -> (Durable, Histories) {
    for round in 0..ROUNDS_MAX {
        let asks = workload.settle(host);
        host.settle();
        let (durable, histories) = read(host);
        if host.is_idle() {
            shared.note(in_line::NAME, in_line::check(&durable));
        }
        let rest = durable.waiting.is_empty() && durable.tasks.is_empty() && host.futures() == 0;
        let (failed, under_way) = unfinished(&durable);
        let rest = rest && failed.is_empty();
        for run in failed {
            shared.oracle.borrow_mut().rewind(run.as_str());
            let rewind = host.client().any_run(run.as_str()).rewind("").into_future();
            // What is refused comes again in another round.
            host.spawn(async move { drop(rewind.await) });
        }
        if (under_way.is_empty() && rest && !asks) || !shared.oracle.borrow().violations.is_empty() {
            return (durable, histories);
        }
        for (run, record) in under_way {
            let history = histories.get(&(run.clone(), record.execution));
            let waits = history.is_some_and(|history| waits_for_event(&history.outstanding));
            let suspended = record.status == RunStatus::Suspended;
            encourage(host, run, suspended, waits || round % 4 == 3);
        }
        host.settle();
        // Ever longer: the clock may have gone back while timers waited.
        host.skip(Duration::from_millis(20 << (round / 4).min(17)));
    }
    read(host)
}

/// The runs that are to be rewound, and those that are under way.
fn unfinished(durable: &Durable) -> (Vec<RunId>, Vec<(RunId, &RunRecord)>) {
    let limited = goes_on::is_limited(durable);
    let fails = |record: &RunRecord| {
        !limited && record.status == RunStatus::Failed && record.name.as_str() == brittle::NAME
    };
    let failed = durable.runs.iter().filter(|(_, record)| fails(record));
    let under_way = durable.runs.iter().filter(|(_, record)| !record.status.is_finished());
    let under_way = under_way.map(|(run, record)| (run.clone(), record));
    (failed.map(|(run, _)| run.clone()).collect(), under_way.collect())
}

/// Whether an execution waits, and for nothing that its history tells of: then it is for an event.
fn waits_for_event(outstanding: &Outstanding) -> bool {
    outstanding.tasks().is_empty()
        && outstanding.timers().is_empty()
        && outstanding.children().is_empty()
        && outstanding.calls().is_empty()
        && outstanding.section().is_none_or(|section| section.granted)
}

/// Gives a run what it may wait for.
fn encourage<W: World>(host: &mut VirtualHost<W>, run: RunId, suspended: bool, raises: bool) {
    let client = host.client();
    let name = EVENTS[host.random().below(EVENTS.len())];
    let sent = Sent(Node(Node::FIRST.0 + 900_000_000 + host.random().draw() % 99_999_999), 1);
    host.spawn(async move {
        let run = client.any_run(run.as_str());
        // What is refused comes again in another round.
        if suspended {
            drop(run.resume("").await);
        }
        if raises {
            drop(run.raise(name, &sent).await);
        }
    });
}

/// Purges every run, and returns what is left in the store.
fn purge<W: World>(host: &mut VirtualHost<W>, shared: &Shared) -> Vec<(Keyspace, Vec<sarsen_protocol::Row>)> {
    let runs: Vec<RunId> = read(host).0.runs.into_keys().collect();
    for run in runs {
        shared.oracle.borrow_mut().clear(run.as_str());
        if host.random().one_in(4) {
            shared.note(ends_stand::NAME, move_away(host, &run));
        }
        purge_one(host, &run);
    }
    host.settle();
    for _ in 0..4 {
        host.skip(Duration::from_secs(3_600));
        host.settle();
    }
    Keyspace::ALL.into_iter().map(|keyspace| (keyspace, host.rows(keyspace))).collect()
}

fn purge_one<W: World>(host: &mut VirtualHost<W>, run: &RunId) {
    for _ in 0..100 {
        // The disk may still crash, and with it the process.
        let request = host.client().any_run(run.as_str()).purge().into_future();
        if host.run(request).is_ok() || !read(host).0.runs.contains_key(run) {
            break;
        }
        host.settle();
    }
}

/// Takes a run out of the store and back in: it is then what it was.
fn move_away<W: World>(host: &mut VirtualHost<W>, run: &RunId) -> Checked {
    let export = |host: &mut VirtualHost<W>| {
        let run = host.client().any_run(run.as_str());
        host.run(async move { (run.export().await, run.status().await) })
    };
    let (Ok(exported), Ok(before)) = export(host) else { return Ok(()) };
    if exported.end().is_none() {
        return Ok(());
    }
    purge_one(host, run);
    host.settle();
    for _ in 0..100 {
        let (client, exported) = (host.client(), exported.clone());
        match host.run(async move { client.import(&exported).await }) {
            Ok(_) | Err(CallError::RunExists { .. }) => break,
            Err(_) => host.settle(),
        }
    }
    let (again, after) = export(host);
    // A custom status that an earlier execution has set is not in the history of the last.
    let after = after.map(|after| (after.status, after.outcome, after.tags));
    let before = (before.status, before.outcome, before.tags);
    if again.as_ref() == Ok(&exported) && after.as_ref() == Ok(&before) {
        return Ok(());
    }
    Err(format!("run {run} was exported as {before:?}, and is imported as {after:?}"))
}

impl Finish {
    fn of<W: World>(host: &VirtualHost<W>, durable: Durable) -> Self {
        let mut finish = Self { accounts: durable.accounts, ..Self::default() };
        for (run, record) in durable.runs {
            finish.children.extend(record.parent.map(|_| run));
            finish.outcomes.extend(record.outcome.map(|outcome| (record.first, outcome)));
        }
        for row in host.rows(Keyspace::Dead) {
            let letter = read_dead(&row.value).expect("a dead letter can be read");
            match &letter.message.body {
                Body::Event(event) => finish.dead_events.extend(json::decode::<Sent>(&event.input).ok()),
                Body::Operation(operation) => {
                    let order = json::decode::<Order>(&operation.input).ok();
                    finish.dead_ops.extend(order.map(|(op, _, _)| op));
                }
                _ => {}
            }
        }
        finish
    }
}
