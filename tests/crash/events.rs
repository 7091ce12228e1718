//! Numbered events, raised by processes that are killed, arrive once and in order.

use crate::{
    example::alone,
    random::{self, Random},
};
use futures::{StreamExt, TryStreamExt, stream};
use sarsen::{AnyRun, CallError, Client, Context, EventError, Reuse, Runtime, orchestration};
use serde::{Deserialize, Serialize};
use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    ops::Range,
    path::Path,
    pin::pin,
    process::{Command, Stdio},
    time::Duration,
};

/// How many events there are.
const EVENTS: u64 = 10_000;

/// How many of them an execution takes before it begins anew.
const EVENTS_PER_EXECUTION: u64 = 70;

/// How many are raised at a time.
const IN_FLIGHT: usize = 16;

/// How many acknowledgements there are to a line.
const STEP: u64 = 50;

/// How many processes are killed, unless the events are all raised before; then so many at least.
const KILLS: u64 = 8;
const KILLS_MIN: u64 = 3;

/// What stands before the number of the last event that is on disk.
const RAISED: &str = "raised: ";

/// The run's id, and the event's name.
const RUN: &str = "listener";
const EVENT: &str = "number";

/// By which a process is told that it is one of the test's own: where the data is, which event is the first that may
/// not have been raised, and what its choices come from.
const DATA: &str = "SARSEN_EVENTS_DATA";
const FIRST: &str = "SARSEN_EVENTS_FIRST";
const SEED: &str = "SARSEN_EVENTS_SEED";

/// From which event on the run is started.
const STARTED_AT: u64 = 500;

/// Between which events the run is suspended now and then.
const SUSPENDED: Range<u64> = 1_000..9_000;

/// Expects numbers in their order, from this one on, and begins anew behind some of them.
#[orchestration]
async fn listener(cx: Context, from: u64) -> Result<u64, Disorder> {
    cx.timer(Duration::from_millis(1)).await;
    for expected in from..from + EVENTS_PER_EXECUTION {
        let found: u64 = cx.event(EVENT).await?;
        if found != expected {
            return Err(Disorder::Other { expected, found });
        }
        if found == EVENTS {
            return Ok(found);
        }
    }
    cx.continue_as_new(&(from + EVENTS_PER_EXECUTION)).await
}

/// What should not have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
enum Disorder {
    #[error("{found} came where {expected} was expected")]
    Other { expected: u64, found: u64 },
    #[error(transparent)]
    Event(#[from] EventError),
}

async fn open(data: &Path) -> Runtime {
    Runtime::builder().orchestration(listener).open(data).await.expect("the data is sound")
}

/// One of the processes that are killed. Among all tests it does nothing.
#[tokio::test]
async fn a_process_of_its_own_raises_events() {
    let Some(data) = env::var_os(DATA) else { return };
    let mut random = Random::new(random::from_env(SEED, || 0));
    let runtime = open(Path::new(&data)).await;
    let client = runtime.client();
    // An earlier process may have died while the run was suspended.
    resume(&client.any_run(RUN)).await.expect("it can be resumed");
    raise_all(&client, random::from_env(FIRST, || 1), &mut random).await.expect("nothing is refused");
    let result = client.run(listener, RUN).result().await.expect("it ends");
    assert_eq!(result, Ok(EVENTS));
    runtime.shutdown().await.expect("the runtime can be shut down");
}

/// Raises all events from this one on, in their order, some at a time; those that an earlier process has raised have no
/// effect. The run is started beside them, and suspended now and then.
async fn raise_all(client: &Client, first: u64, random: &mut Random) -> Result<(), CallError> {
    let run = client.any_run(RUN);
    let raised = stream::iter(first..=EVENTS).map(async |number| {
        let raise = run.raise(EVENT, &number).before_start(Duration::from_secs(3_600));
        raise.idempotency_key(format!("event-{number}")).await?;
        Ok::<u64, CallError>(number)
    });
    let mut raised = pin!(raised.buffered(IN_FLIGHT));
    let (mut starting, mut suspended_until) = (None, None);
    while let Some(number) = raised.try_next().await? {
        if number.is_multiple_of(STEP) {
            tell(number).expect("the test reads it");
        }
        if number >= STARTED_AT && starting.is_none() {
            let start = client.start(listener, 1).id(RUN).reuse(Reuse::Return);
            starting = Some(tokio::spawn(start.into_future()));
        }
        match suspended_until {
            None if SUSPENDED.contains(&number) && random.below(400) == 0 => {
                if let Some(starting) = starting.as_mut().filter(|starting| !starting.is_finished()) {
                    starting.await.expect("it does not panic")?;
                }
                run.suspend("a test").await?;
                suspended_until = Some(number + random.below(1_000));
            }
            Some(until) if number >= until => {
                run.resume("").await?;
                suspended_until = None;
            }
            _ => {}
        }
    }
    resume(&run).await
}

/// Lets the run go on if it is suspended, and there.
async fn resume(run: &AnyRun) -> Result<(), CallError> {
    match run.resume("").await {
        Ok(()) | Err(CallError::RunNotFound { .. } | CallError::RunFinished { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Tells the test that all events up to this one are on disk.
fn tell(number: u64) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{RAISED}{number}")?;
    stdout.flush()
}

/// A process that raises the events from `first` on; it is killed behind so many lines, if that is said. Returns how far
/// it said that it has come, and how it ended, if by itself.
fn process(data: &Path, first: u64, seed: u64, kill_after: Option<u64>) -> (Option<u64>, Option<i32>) {
    let _alone = alone();
    let test = env::current_exe().expect("the test knows where it is");
    let mut child = Command::new(test)
        .args(["--exact", "events::a_process_of_its_own_raises_events", "--nocapture"])
        .env(DATA, data)
        .env(FIRST, first.to_string())
        .env(SEED, seed.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be started");
    let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines().map_while(Result::ok);
    let mut told = lines.filter_map(|line| line.split_once(RAISED)?.1.parse::<u64>().ok());
    let count = kill_after.map_or(usize::MAX, |lines| usize::try_from(lines).expect("it is small"));
    let before = told.by_ref().take(count).last();
    if kill_after.is_some() {
        child.kill().expect("a child can be killed");
    }
    // What is still in the pipe was told before the end.
    let reached = told.last().or(before);
    (reached, child.wait().expect("a child can be waited for").code())
}

#[tokio::test]
async fn ten_thousand_events_over_kills_suspends_and_new_executions_arrive_once_and_in_order() {
    let seed = random::seed();
    eprintln!("again: SARSEN_SEED={seed} cargo test --test crash events");
    let (mut random, folder) = (Random::new(seed), tempfile::tempdir().expect("there is a temporary folder"));
    let (mut first, mut kills) = (1, 0);
    while kills < KILLS {
        let (reached, status) = process(folder.path(), first, random.next(), Some(1 + random.below(25)));
        if let Some(status) = status {
            assert!(status == 0 && kills >= KILLS_MIN, "it ended with {status} behind {kills} kills");
            break;
        }
        first = reached.map_or(first, |reached| reached + 1);
        kills += 1;
    }
    assert_eq!(process(folder.path(), first, random.next(), None).1, Some(0));

    let runtime = open(folder.path()).await;
    let client = runtime.client();
    let run = client.run(listener, RUN);
    assert_eq!(run.result().await.expect("it has ended"), Ok(EVENTS));
    let info = run.status().await.expect("it is there");
    assert_ne!(info.execution, info.first_execution, "it has begun anew");
    let stats = client.stats().await.expect("the runtime is open");
    assert_eq!((stats.dead_letters, stats.pending), (0, 0), "an event has come twice");
    runtime.shutdown().await.expect("the runtime can be shut down");
}
