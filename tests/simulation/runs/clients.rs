//! The futures of the clients: each attempt is one, and tells the oracle what became of it even when it is dropped.

use super::{
    account::{Account, key},
    act::{Deed, EVENTS, Program, Sent},
    brittle::brittle,
    code::{Report, Stopped, perform, queue},
    oracle::{AskedId, Outcome, Told, What},
    watch::{Shared, Started},
};
use crate::invariants::Violation;
use sarsen_orchestration::Orchestration;
use sarsen_protocol::{CallError, Section};
use sarsen_runtime::{Client, LockStage, Run, RunOrder, Timestamp};
use std::time::Duration;

/// An attempt that is under way. Dropped, it is an attempt that was given up.
struct Attempt {
    shared: Shared,
    id: AskedId,
    number: usize,
    ended: bool,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.oracle.borrow_mut().dropped(self.id, self.number);
        }
    }
}

/// The future of one attempt.
pub(crate) fn attempt(
    shared: &Shared,
    client: Client,
    handle: u32,
    id: AskedId,
    timeout: Option<Duration>,
) -> impl Future<Output = ()> + 'static {
    let number = shared.oracle.borrow_mut().attempt(id, handle);
    let mut attempt = Attempt { shared: shared.clone(), id, number, ended: false };
    async move {
        let asked = {
            let oracle = &mut *attempt.shared.oracle.borrow_mut();
            oracle.begin(id, number);
            oracle.get(id).clone()
        };
        let told = ask(&client, &attempt.shared, &asked.what, asked.key, timeout).await;
        if let Err(error) = &told {
            unsound(&attempt.shared, error);
        }
        let outcome = match told {
            Ok(()) => Outcome::Done,
            // A failed operation was done and undone, as its answer says.
            Err(CallError::Failed { .. }) => Outcome::Failed,
            Err(error) if error.is_unknown_outcome() => Outcome::Unknown,
            Err(error) => Outcome::NotDone(error),
        };
        attempt.ended = true;
        attempt.shared.oracle.borrow_mut().end(id, number, outcome);
    }
}

async fn ask(
    client: &Client,
    shared: &Shared,
    what: &What,
    key: Option<String>,
    timeout: Option<Duration>,
) -> Result<(), CallError> {
    match what {
        What::Start { queued, .. } => {
            let started = if *queued {
                Started::Queue(start(client, queue, what, key, timeout).await?)
            } else {
                Started::Perform(start(client, perform, what, key, timeout).await?)
            };
            shared.runs.borrow_mut().push(started);
            Ok(())
        }
        What::StartBrittle { .. } | What::Rewind { .. } | What::Restart { .. } | What::PurgeTeam { .. } => {
            manage(client, shared, what, timeout).await
        }
        What::Raise { run, name, event, before_start_ms } => {
            let name = EVENTS[usize::from(*name)];
            let mut request = client.any_run(run).raise(name, &Sent(*event, 0));
            if let Some(ms) = before_start_ms {
                request = request.before_start(Duration::from_millis(*ms));
            }
            if let Some(key) = key {
                request = request.idempotency_key(key);
            }
            if let Some(timeout) = timeout {
                request = request.timeout(timeout);
            }
            request.await
        }
        What::Suspend { run } => client.any_run(run).suspend("asked for").await,
        What::Resume { run } => client.any_run(run).resume("").await,
        What::Terminate { run, recurse: true } => client.any_run(run).terminate("all of it").await,
        What::Terminate { run, recurse: false } => client.any_run(run).terminate(&()).keep_children().await,
        What::Purge { run } => client.any_run(run).purge().await,
        What::Note { account, op, call } => {
            let mut request = client.entity::<Account>(self::key(*account)).perform(&(*op, None, Deed::Note));
            if let Some(key) = key {
                request = request.idempotency_key(key);
            }
            if let Some(timeout) = timeout {
                request = request.timeout(timeout);
            }
            if *call { request.await.map(drop) } else { request.signal().await }
        }
    }
}

/// What starts, takes up or ends runs other than by a program of theirs.
async fn manage(
    client: &Client,
    shared: &Shared,
    what: &What,
    timeout: Option<Duration>,
) -> Result<(), CallError> {
    match what {
        What::StartBrittle { id, stages } => {
            let request = client.start(brittle, stages);
            let run = match id {
                Some(id) => request.id(id).await?,
                None => request.await?,
            };
            shared.runs.borrow_mut().push(Started::Brittle(run));
            Ok(())
        }
        What::Rewind { run } => match timeout {
            Some(timeout) => client.any_run(run).rewind("asked for").timeout(timeout).await,
            None => client.any_run(run).rewind("").await,
        },
        What::Restart { run, id } => {
            let request = client.any_run(run).restart();
            match id {
                Some(id) => request.id(id).await.map(drop),
                None => request.await.map(drop),
            }
        }
        What::PurgeTeam { team, with_children } => {
            let request = client.runs().page_size(2).tag("team", *team).purge();
            let request = if *with_children { request.with_children() } else { request };
            match timeout {
                Some(timeout) => request.timeout(timeout).await.map(drop),
                None => request.await.map(drop),
            }
        }
        other => unreachable!("{other:?} is asked elsewhere"),
    }
}

/// Starts what was asked for.
async fn start<O: Orchestration<Input = Program>>(
    client: &Client,
    orchestration: fn() -> O,
    what: &What,
    key: Option<String>,
    timeout: Option<Duration>,
) -> Result<Run<O>, CallError> {
    let What::Start { id, reuse, acts, begin_ms, team, .. } = what else {
        unreachable!("{what:?} starts nothing")
    };
    let mut request =
        client.start(orchestration, Program::new(acts.clone())).reuse(*reuse).tag("team", *team);
    if let Some(id) = id {
        request = request.id(id);
    }
    if let Some(ms) = begin_ms {
        request = request.after(Duration::from_millis(*ms));
    }
    if let Some(key) = key {
        request = request.idempotency_key(key);
    }
    if let Some(timeout) = timeout {
        request = request.timeout(timeout);
    }
    request.await
}

/// An error that no client may ever get.
fn unsound(shared: &Shared, error: &CallError) {
    let is_unsound = matches!(
        error,
        CallError::Damaged { .. }
            | CallError::Newer { .. }
            | CallError::Misfit { .. }
            | CallError::InvalidAnswer { .. }
            | CallError::InvalidState { .. }
            | CallError::InvalidInput { .. }
            | CallError::InvalidStart { .. }
            | CallError::UnknownOrchestration { .. }
            | CallError::UnknownEntity { .. }
    );
    if is_unsound {
        let violation = Violation { invariant: super::invariants::promises::NAME, what: error.to_string() };
        shared.oracle.borrow_mut().violations.push(violation);
    }
}

/// The future of one wait for the end of a run that was started.
pub(crate) fn result(
    shared: &Shared,
    run: Started,
    timeout: Option<Duration>,
) -> impl Future<Output = ()> + 'static {
    let shared = shared.clone();
    async move {
        match run {
            Started::Perform(run) => result_of(shared, run, timeout).await,
            Started::Queue(run) => result_of(shared, run, timeout).await,
            Started::Brittle(run) => {
                // Its end may be none: it is told what it was rewound to in the end.
                let wait = run.result().timeout(timeout.unwrap_or(Duration::from_secs(3))).await;
                wait.err().iter().for_each(|error| unsound(&shared, error));
            }
        }
    }
}

async fn result_of<O>(shared: Shared, run: Run<O>, timeout: Option<Duration>)
where
    O: Orchestration<Output = Result<Report, Stopped>>,
{
    {
        let Ok(info) = run.status().await else { return };
        let request = run.result();
        let result = match timeout {
            Some(timeout) => request.timeout(timeout).await,
            None => request.await,
        };
        let told = match result {
            Ok(returned) => Told::Returned(returned),
            Err(CallError::RunFailed { failure, .. }) => Told::Failed(failure.to_string()),
            Err(CallError::RunTerminated { .. }) => Told::Terminated,
            Err(error) => return unsound(&shared, &error),
        };
        shared.oracle.borrow_mut().tell(info.first_execution, told);
    }
}

/// What a client looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    Status,
    History,
    Listing,
    Pages,
    Recent,
    CustomStatus,
    Why,
    Export,
    Locks,
    /// Takes one of the locks from its owner.
    ForceRelease,
    Balance,
    State,
}

/// The future of one look.
pub(crate) fn look(
    shared: &Shared,
    client: Client,
    look: Look,
    run: String,
    account: usize,
) -> impl Future<Output = ()> + 'static {
    let shared = shared.clone();
    async move {
        let seen = match look {
            Look::Status => client.any_run(run).status().await.map(drop),
            Look::History => {
                let mut history = client.any_run(run).history();
                loop {
                    match history.next().await {
                        None => break Ok(()),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => break Err(error),
                    }
                }
            }
            Look::Listing => {
                let mut listing = client.runs().page_size(2);
                loop {
                    match listing.next().await {
                        None => break Ok(()),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => break Err(error),
                    }
                }
            }
            Look::Pages => pages(&client).await,
            Look::Recent => {
                let since =
                    client.any_run(run).status().await.map_or(Timestamp::default(), |info| info.changed);
                client.runs().updated_since(since).count().await.map(drop)
            }
            Look::CustomStatus => {
                let wait = client.any_run(run).custom_status_when(|digest: &u64| digest.is_multiple_of(3));
                wait.timeout(Duration::from_secs(2)).await.map(drop)
            }
            Look::Why => client.why_waiting(run).await.map(|why| drop(why.to_string())),
            Look::Export => client.any_run(run).export().await.map(drop),
            Look::Locks => client.locks().await.map(drop),
            Look::ForceRelease => force_release(&client, &shared, account).await,
            Look::Balance => client.entity::<Account>(key(account)).balance().await.map(drop),
            Look::State => client.entity::<Account>(key(account)).state().await.map(drop),
        };
        if let Err(error) = seen {
            unsound(&shared, &error);
        }
    }
}

/// Takes one of the locks that are held from its owner.
async fn force_release(client: &Client, shared: &Shared, number: usize) -> Result<(), CallError> {
    let mut held = client.locks().await?;
    held.retain(|lock| lock.stage == LockStage::Held);
    if held.is_empty() {
        return Ok(());
    }
    let lock = held.swap_remove(number % held.len());
    let section = Section { run: lock.run.clone(), execution: lock.execution, id: lock.section };
    shared.sight.borrow_mut().memory.forced.insert((lock.entity.clone(), section));
    client.force_release(&lock).await.map(drop)
}

/// Reads all runs, the last that was created first.
async fn pages(client: &Client) -> Result<(), CallError> {
    let mut after = None;
    loop {
        let request = client.runs().page_size(3).order(RunOrder::CreatedNewest);
        let page = match after {
            Some(token) => request.after(token).await?,
            None => request.await?,
        };
        match page.next {
            Some(token) => after = Some(token),
            None => return Ok(()),
        }
    }
}
