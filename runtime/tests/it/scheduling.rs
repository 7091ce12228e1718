//! When runs begin and how long they stay.

use crate::support::{LONG, echo, gather};
use sarsen_runtime::{
    Builder, CallError, Client, OpenError, PendingReason, Reuse, RunInfo, RunStatus, Runtime, Timestamp,
};
use sarsen_storage::MemoryStore;
use std::time::Duration;

async fn open(builder: Builder, store: &MemoryStore) -> Runtime {
    builder.open_store(store.clone()).await.expect("a store in memory opens")
}

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

async fn info(client: &Client, id: &str) -> RunInfo {
    client.any_run(id).status().await.expect("it is there")
}

#[tokio::test]
async fn a_scheduled_run_is_pending_and_says_until_when() {
    let store = MemoryStore::new();
    let runtime = open(Runtime::builder().orchestration(gather), &store).await;
    let client = runtime.client();
    let moment = Timestamp::from_micros(u64::MAX / 2);
    let run = client.start(gather, 1_usize).id("later").at(moment).await.expect("it is accepted");
    let shown = run.status().await.expect("it is there");
    assert_eq!((shown.status, shown.scheduled), (RunStatus::Pending, Some(moment)));
    assert_eq!(shown.pending, Some(PendingReason::Scheduled));
    run.raise("go", &1_u64).await.expect("it waits with the run");
    let early = run.result().timeout(Duration::from_millis(1)).await.expect_err("it has not begun");
    assert!(matches!(early, CallError::ReadTimedOut { .. }), "{early}");
    end(runtime).await;

    let runtime = open(Runtime::builder().orchestration(gather), &store).await;
    let client = runtime.client();
    let replaced = client.start(gather, 0_usize).id("later").reuse(Reuse::TerminateAndReplace).await;
    assert_eq!(replaced.expect("it takes the place").result().await, Ok(vec![]));
    assert_eq!(info(&client, "later").await.pending, None);
    end(runtime).await;
}

#[tokio::test]
async fn a_run_that_is_started_for_later_begins_then() {
    let store = MemoryStore::new();
    let runtime = open(Runtime::builder().orchestration(echo), &store).await;
    let client = runtime.client();
    let run = client.start(echo, 7_u64).after(Duration::from_millis(5)).await.expect("it is accepted");
    assert_eq!(run.result().await, Ok(7));
    let shown = run.status().await.expect("it is there");
    // A machine that is busy may take the start later than that.
    let in_time = |scheduled: Timestamp| shown.created < scheduled && Some(scheduled) <= shown.completed;
    assert!(shown.scheduled.is_none_or(in_time), "{shown:?}");
    let at_once = client.start(echo, 8_u64).at(Timestamp::default()).await.expect("that has passed");
    assert_eq!(at_once.result().await, Ok(8));
    end(runtime).await;
}

#[tokio::test]
async fn a_scheduled_run_that_is_terminated_never_begins() {
    let runtime = open(Runtime::builder().orchestration(gather), &MemoryStore::new()).await;
    let run = runtime.client().start(gather, 0_usize).after(LONG).await.expect("it is accepted");
    run.suspend("").await.expect("it is pending");
    run.resume("").await.expect("it is suspended");
    run.terminate(&()).await.expect("it is pending");
    assert!(matches!(run.result().await, Err(CallError::RunTerminated { .. })));
    assert_eq!(runtime.client().stats().await.expect("it runs").timers, 0);
    run.purge().await.expect("it is over");
    end(runtime).await;
}

#[tokio::test]
async fn so_many_runs_of_an_orchestration_are_under_way_and_the_rest_says_that_it_waits() {
    let store = MemoryStore::new();
    let builder = || Runtime::builder().orchestration_with(gather, |options| options.concurrency(1));
    let runtime = open(builder(), &store).await;
    let client = runtime.client();
    for id in ["c", "b", "a"] {
        client.start(gather, 1_usize).id(id).await.expect("it is accepted");
    }
    let shown = info(&client, "b").await;
    assert_eq!((shown.status, shown.pending), (RunStatus::Pending, Some(PendingReason::Concurrency)));
    end(runtime).await;

    let runtime = open(builder(), &store).await;
    let client = runtime.client();
    for (id, next) in [("c", "b"), ("b", "a")] {
        assert_eq!(info(&client, id).await.pending, None);
        let run = client.run(gather, id);
        run.raise("go", &1_u64).await.expect("it is under way");
        assert_eq!(run.result().await, Ok(vec![1]));
        let begun = client.run(gather, next).custom_status_when(|count: &usize| *count == 0).await;
        assert_eq!(begun, Ok(0), "it was the next");
    }
    assert_eq!(info(&client, "a").await.status, RunStatus::Running);
    end(runtime).await;
}

#[tokio::test]
async fn a_run_goes_so_long_after_its_end_as_its_orchestration_says() {
    let builder = Runtime::builder()
        .orchestration_with(echo, |options| options.retention(Duration::from_millis(2)))
        .orchestration_with(gather, |options| options.retention(LONG));
    let runtime = open(builder, &MemoryStore::new()).await;
    let client = runtime.client();
    let short = client.start(echo, 7_u64).id("short").await.expect("it starts");
    let long = client.start(gather, 0_usize).id("long").await.expect("it starts");
    assert_eq!((short.result().await, long.result().await), (Ok(7), Ok(vec![])));
    while client.any_run("short").status().await.is_ok() {
        tokio::task::yield_now().await;
    }
    let shown = info(&client, "long").await;
    assert_eq!(shown.expires, shown.completed.map(|completed| completed.after(LONG)));
    assert_eq!(client.runs().count().await, Ok(1));
    end(runtime).await;
}

#[tokio::test]
async fn an_orchestration_of_which_none_may_run_is_refused() {
    let builder = Runtime::builder().orchestration_with(echo, |options| options.concurrency(0));
    let error = builder.open_store(MemoryStore::new()).await.expect_err("it could do nothing");
    assert!(matches!(error, OpenError::RunConcurrency { orchestration: "echo" }), "{error}");
}
