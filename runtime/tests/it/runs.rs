//! Runs: their start, their ids, their results.

use crate::support::{
    LONG, acts, builder, echo, fall, fresh, gather, hold_act, listen, open, parent, refuse, relay, work,
};
use futures::future::join_all;
use sarsen_macros::orchestration;
use sarsen_runtime::{CallError, Client, Context, FailureKind, Reuse, Run, RunId, RunStatus, Runtime};
use sarsen_storage::MemoryStore;
use std::{
    future::IntoFuture,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// An orchestration that no test registers.
#[orchestration(crate = "sarsen_runtime")]
async fn stranger(_cx: Context, value: u64) -> u64 {
    value
}

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_run_returns_what_its_code_returned() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.start(echo, 7_u64).id("seven").await.expect("it starts");
    assert_eq!((run.id(), run.result().await), ("seven", Ok(7)));
    assert_eq!(client.run(echo, "seven").result().await, Ok(7), "who comes later reads it");
    assert_eq!(client.any_run("seven").result().await.expect("it is over").as_bytes(), b"7");
    end(runtime).await;
}

#[tokio::test]
async fn a_run_that_fails_tells_its_own_error_as_its_type_and_others_as_failures() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.start(refuse, 7_u32).await.expect("it starts");
    let refused = run.result().await.expect("its type can hold it").expect_err("it refuses");
    assert_eq!(refused.code, 7);
    let failed = client.any_run(run.id()).result().await.expect_err("no type can hold it");
    assert_eq!(failed.failure().map(|failure| failure.kind), Some(FailureKind::Returned));
    let run = client.start(fall, "down").id("down").await.expect("it starts");
    let error = run.result().await.expect_err("it panics");
    assert_eq!(error.to_string(), "run `down` of orchestration `fall` failed: panicked: down");
    end(runtime).await;
}

#[tokio::test]
async fn a_result_is_waited_for_however_early_it_is_asked_for() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.start(gather, 2_usize).id("early").await.expect("it starts");
    let mut waiting: Vec<_> = (0..3).map(|_| run.result().into_future()).collect();
    waiting.push(client.run(gather, "early").result().into_future());
    for waiting in &mut waiting {
        assert!(futures::poll!(waiting).is_pending());
    }
    for go in [3_u64, 4] {
        run.raise("go", &go).await.expect("it is durable");
    }
    for told in join_all(waiting).await {
        assert_eq!(told, Ok(vec![3, 4]));
    }
    end(runtime).await;
}

#[tokio::test]
async fn a_result_can_be_given_up_and_asked_for_again() {
    let runtime = fresh().await;
    let run = runtime.client().start(gather, 1_usize).id("slow").await.expect("it starts");
    let error = run.result().timeout(Duration::from_millis(1)).await.expect_err("it waits for an event");
    assert!(error.is_retryable(), "{error}");
    assert_eq!(error.to_string(), "no answer from slow within 1 ms: read again");
    run.raise("go", &1_u64).await.expect("it is durable");
    assert_eq!(run.result().timeout(LONG).await, Ok(vec![1]));
    end(runtime).await;
}

#[tokio::test]
async fn runs_without_an_id_are_given_one_that_names_its_place() {
    let runtime = builder().shards(3).open_store(MemoryStore::new()).await.expect("a store in memory opens");
    let client = runtime.client();
    let starts = (0..1000_u64).map(|value| client.start(echo, value).into_future());
    let runs: Vec<Run<_>> = join_all(starts).await.into_iter().map(|run| run.expect("it starts")).collect();
    let mut ids: Vec<&str> = runs.iter().map(Run::id).collect();
    assert!(ids.iter().all(|id| RunId::new(id).expect("an id").named_slot().is_some()));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1000);
    let results = join_all(runs.iter().map(|run| run.result().into_future())).await;
    let results: Vec<u64> = results.into_iter().map(|result| result.expect("it returns")).collect();
    assert_eq!(results, (0..1000).collect::<Vec<_>>());
    end(runtime).await;
}

#[tokio::test]
async fn an_id_that_is_taken_is_used_again_as_the_policy_says() {
    let runtime = fresh().await;
    let client = runtime.client();
    let start = |value: u64, reuse| {
        client.start(gather, usize::try_from(value).expect("small")).id("taken").reuse(reuse)
    };
    let first = start(1, Reuse::Fail).await.expect("the id is free");

    for reuse in [Reuse::Fail, Reuse::ReplaceFinished] {
        let error = start(2, reuse).await.expect_err("it is running");
        assert!(matches!(&error, CallError::RunExists { status: RunStatus::Running, .. }), "{error}");
    }
    let same = start(2, Reuse::Return).await.expect("it is given back");
    let second = start(1, Reuse::TerminateAndReplace).await.expect("it is terminated and replaced");
    for handle in [&first, &same] {
        let error = handle.result().await.expect_err("it was terminated");
        assert!(
            matches!(&error, CallError::RunTerminated { reason: None, .. } | CallError::RunReplaced { .. }),
            "{error}"
        );
    }
    second.raise("go", &5_u64).await.expect("it is durable");
    assert_eq!(second.result().await, Ok(vec![5]));

    let error = start(1, Reuse::Fail).await.expect_err("it is over and there");
    assert!(matches!(&error, CallError::RunExists { status: RunStatus::Completed, .. }), "{error}");
    let same = start(1, Reuse::Return).await.expect("it is given back");
    assert_eq!(same.result().await, Ok(vec![5]));
    let third = start(0, Reuse::ReplaceFinished).await.expect("it is over");
    assert_eq!(third.result().await, Ok(vec![]));
    let fourth = start(0, Reuse::TerminateAndReplace).await.expect("it is over");
    assert_eq!(fourth.result().await, Ok(vec![]));
    assert_eq!(third.result().await, Ok(vec![]), "its handle knows its end");
    assert!(matches!(third.status().await, Err(CallError::RunReplaced { .. })));
    end(runtime).await;
}

#[tokio::test]
async fn a_handle_of_a_run_whose_id_is_used_again_does_not_take_the_others_end_for_its_own() {
    let runtime = fresh().await;
    let client = runtime.client();
    let other = client.start(gather, 1_usize).id("id").reuse(Reuse::Return).await.expect("it starts");
    // Asked for while the other one runs, by a handle that is registered for its end as well.
    let next =
        client.start(gather, 1_usize).id("id").reuse(Reuse::TerminateAndReplace).await.expect("it starts");
    let mut waiting = next.result().into_future();
    assert!(futures::poll!(&mut waiting).is_pending(), "the end of the first is not its own");
    next.raise("go", &1_u64).await.expect("it is durable");
    assert_eq!(waiting.await, Ok(vec![1]));
    assert!(other.result().await.is_err());
    end(runtime).await;
}

#[tokio::test]
async fn a_start_under_a_key_is_done_once_and_takes_its_id_from_it() {
    let runtime = fresh().await;
    let client = runtime.client();
    for _ in 0..2 {
        let run = client.start(echo, 1_u64).idempotency_key("key-1").await.expect("once, or a repeat");
        assert_eq!((run.id(), run.result().await), ("key-1", Ok(1)));
    }
    let error = client.start(echo, 2_u64).idempotency_key("key-1").await.expect_err("another input");
    assert!(matches!(&error, CallError::KeyReused { key, .. } if key == "key-1"), "{error}");
    client.start(echo, 1_u64).id("taken").await.expect("it starts");
    for _ in 0..2 {
        let error = client.start(echo, 1_u64).id("taken").idempotency_key("key-2").await;
        let error = error.expect_err("the id is taken");
        assert_eq!(
            error.failure().map_or(FailureKind::RunExists, |failure| failure.kind),
            FailureKind::RunExists
        );
    }
    end(runtime).await;
}

#[tokio::test]
async fn a_run_goes_on_after_a_restart_and_its_result_is_there() {
    let store = MemoryStore::new();
    let runtime = open(store.clone()).await;
    let run = runtime.client().start(gather, 2_usize).id("on").await.expect("it starts");
    run.raise("go", &1_u64).await.expect("it is durable");
    end(runtime).await;
    assert_eq!(run.result().await, Err(CallError::Stopped));
    let runtime = builder().shards(3).open_store(store.reopen()).await.expect("a store in memory opens");
    let run = runtime.client().run(gather, "on");
    run.raise("go", &2_u64).await.expect("it is durable");
    assert_eq!(run.result().await, Ok(vec![1, 2]));
    end(runtime).await;
    let runtime = open(store.reopen().reopen()).await;
    assert_eq!(runtime.client().run(gather, "on").result().await, Ok(vec![1, 2]));
    end(runtime).await;
}

#[tokio::test]
async fn a_run_whose_code_is_not_there_is_parked_by_name_and_goes_on_when_it_is() {
    let mut log = listen();
    let store = MemoryStore::new();
    let runtime = open(store.clone()).await;
    runtime.client().start(gather, 1_usize).id("parked").await.expect("it starts");
    end(runtime).await;

    let without = Runtime::builder().open_store(store.reopen()).await;
    let runtime = without.expect("a store in memory opens");
    let run = runtime.client().run(gather, "parked");
    run.raise("go", &1_u64).await.expect("it waits");
    let reason = "no orchestration `gather` is registered: register it with `Runtime::builder().orchestration(gather)`; it goes on when it is there";
    loop {
        let line = log.recv().await.expect("the listener lives as long as the process");
        if line.contains("address=parked") {
            assert!(line.starts_with("WARN") && line.contains(reason), "{line}");
            break;
        }
    }
    assert_eq!(run.status().await.map(|info| info.parked), Ok(Some(reason.to_owned())));
    let mut waiting = run.result().into_future();
    assert!(futures::poll!(&mut waiting).is_pending());
    end(runtime).await;

    let runtime = open(store.reopen().reopen()).await;
    let run = runtime.client().run(gather, "parked");
    assert_eq!(run.result().await, Ok(vec![1]));
    assert_eq!(run.status().await.map(|info| info.parked), Ok(None));
    end(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_end_is_missed_by_those_who_come_to_wait_while_it_comes() {
    let runtime = builder().shards(2).open_store(MemoryStore::new()).await.expect("a store in memory opens");
    let client = runtime.client();
    let tasks = (0..8_u64).map(|task| {
        let client = client.clone();
        tokio::spawn(async move {
            for n in 0..100_u64 {
                let id = format!("missed-{}-{n}", task / 2);
                // One of the two starts it, or both: whoever is told of it waits for its end.
                let started = client.start(echo, n).id(&id).reuse(Reuse::Return).await.expect("it starts");
                let (one, other) = futures::join!(
                    client.run(echo, &id).result().into_future(),
                    started.result().into_future()
                );
                assert_eq!((one, other), (Ok(n), Ok(n)));
            }
        })
    });
    for task in join_all(tasks).await {
        task.expect("no panic");
    }
    end(runtime).await;
}

#[tokio::test]
async fn a_run_that_continues_as_new_is_the_same_run_to_its_handle() {
    let runtime = fresh().await;
    let run = runtime.client().start(relay, (3_u64, 0_u64)).id("relay").await.expect("it starts");
    let before = run.status().await.expect("it is there");
    for go in 1..=3_u64 {
        run.raise("go", &go).await.expect("it is durable");
    }
    assert_eq!(run.result().await, Ok(6));
    let after = run.status().await.expect("it is there");
    assert_eq!(after.first_execution, before.first_execution);
    assert_ne!(after.execution, before.execution);
    end(runtime).await;
}

#[tokio::test]
async fn a_child_is_a_run_of_its_own_that_its_parent_waits_for() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.start(parent, "child-1").id("parent-1").await.expect("it starts");
    let child = client.run(gather, "child-1");
    child.raise("go", &9_u64).before_start(LONG).await.expect("it is durable");
    assert_eq!(run.result().await, Ok(vec![9]));
    let info = child.status().await.expect("it is there");
    assert_eq!(info.parent.map(|parent| parent.run.to_string()), Some("parent-1".to_owned()));
    end(runtime).await;
}

#[tokio::test]
async fn who_waits_for_a_result_is_told_when_the_runtime_ends() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.start(gather, 1_usize).await.expect("it starts");
    let mut waiting = [run.result().into_future(), client.run(gather, run.id()).result().into_future()];
    for waiting in &mut waiting {
        assert!(futures::poll!(waiting).is_pending());
    }
    end(runtime).await;
    assert_eq!(join_all(waiting).await, [Err(CallError::Stopped), Err(CallError::Stopped)]);
}

#[tokio::test]
async fn a_run_that_waits_for_an_activity_holds_no_shutdown_up_and_goes_on_at_the_next_open() {
    let store = MemoryStore::new();
    let mut held = hold_act("shutdown");
    let runtime = open(store.clone()).await;
    let run = runtime.client().start(acts, work("shutdown", 1)).id("waits").await.expect("it starts");
    let first = held.entered().await;
    end(runtime).await;
    first.cancelled().await;
    drop(run);
    let runtime = open(store.reopen()).await;
    let again = held.entered().await;
    assert_eq!(again.idempotency_key(), first.idempotency_key(), "the same piece of work");
    assert!(!again.is_cancelled());
    held.release(2);
    assert_eq!(runtime.client().run(acts, "waits").result().await, Ok(Ok(1)), "the second answer counts");
    end(runtime).await;
}

#[tokio::test]
async fn a_client_inside_an_orchestration_is_refused_by_name() {
    static CLIENT: Mutex<Option<(Client, tokio::runtime::Handle)>> = Mutex::new(None);

    #[orchestration(crate = "sarsen_runtime")]
    async fn waits_for_itself(_cx: Context) -> Vec<String> {
        let (client, handle) =
            CLIENT.lock().unwrap_or_else(PoisonError::into_inner).clone().expect("set before");
        let run = client.run(echo, "other");
        let told = [
            handle.block_on(client.start(echo, 1_u64).into_future()).map(drop),
            handle.block_on(run.result().into_future()).map(drop),
            handle.block_on(run.status()).map(drop),
            handle.block_on(run.raise("go", &1_u64).into_future()),
            handle.block_on(run.purge().into_future()),
            handle.block_on(run.history().next()).expect("an error").map(drop),
            handle.block_on(client.runs().next()).expect("an error").map(drop),
            handle.block_on(client.locks()).map(drop),
            handle.block_on(client.stats()).map(drop),
        ];
        told.into_iter().map(|told| told.expect_err("it would wait for itself").to_string()).collect()
    }

    let opened = builder().orchestration(waits_for_itself).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let client = runtime.client();
    *CLIENT.lock().unwrap_or_else(PoisonError::into_inner) =
        Some((client.clone(), tokio::runtime::Handle::current()));
    let run = client.start(waits_for_itself, ()).id("inside").await.expect("it starts");
    let told = run.result().await.expect("it does not hang");
    assert_eq!(told.len(), 9);
    for told in told {
        assert!(told.starts_with("a client was used inside the orchestration of run `inside`:"), "{told}");
    }
    end(runtime).await;
}

#[tokio::test]
async fn the_futures_of_runs_may_move_between_threads() {
    fn moves<F: Future + Send + 'static>(_: &F) {}
    let runtime = fresh().await;
    let client = runtime.client();
    moves(&client.start(echo, 1_u64).into_future());
    let run = client.run(echo, "r");
    moves(&run.result().into_future());
    moves(&run.raise("go", &1_u64).into_future());
    moves(&run.terminate(&()).into_future());
    let other = run.clone();
    moves(&async move { other.status().await });
    let (mut history, mut runs, locks) = (run.history(), client.runs(), client.clone());
    moves(&async move { (history.next().await, runs.next().await, locks.locks().await) });
    end(runtime).await;
}

#[tokio::test]
async fn a_start_dropped_before_its_first_poll_has_sent_nothing() {
    let runtime = fresh().await;
    let client = runtime.client();
    drop(client.start(echo, 1_u64).id("dropped"));
    drop(client.start(echo, 1_u64).id("dropped").into_future());
    let error = client.run(echo, "dropped").status().await.expect_err("it was not started");
    assert!(matches!(error, CallError::RunNotFound { .. }), "{error}");
    end(runtime).await;
}

/// One row for each refusal: what was asked for, and the exact words.
#[tokio::test]
async fn bad_requests_are_refused_in_words_that_name_them() {
    let opened =
        builder().limits(|limits| limits.payload_bytes_max = 100).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let client = runtime.client();
    let done = client.start(echo, 1_u64).id("done").await.expect("it starts");
    done.result().await.expect("it returns");
    client.start(gather, 1_usize).id("under-way").await.expect("it starts");
    let long = "x".repeat(200);
    let nan = f64::NAN;
    let told = [
        client.start(stranger, 1_u64).await.map(drop),
        client.start(echo, 1_u64).id("@a").await.map(drop),
        client.start(echo, 1_u64).idempotency_key("@a").await.map(drop),
        client.start(fall, &long).id("long").await.map(drop),
        client.start(echo, 1_u64).id("done").await.map(drop),
        client.run(echo, "").result().await.map(drop),
        client.run(echo, "nobody").result().await.map(drop),
        client.run(echo, "nobody").raise("go", &1_u64).await,
        client.run(echo, "nobody").purge().await,
        client.run(gather, "done").status().await.map(drop),
        done.raise("go", &1_u64).await,
        done.raise("go", &nan).await,
        done.terminate(&nan).await,
        done.suspend("late").await,
        client.run(gather, "under-way").purge().await,
    ];
    let told: Vec<String> =
        told.into_iter().map(|told| told.expect_err("it is refused").to_string()).collect();
    let expected = [
        "no orchestration `stranger` is registered: register it with `Runtime::builder().orchestration(stranger)`",
        "`@a` is no run id: use 1 to 256 bytes without control characters that do not begin with `@`",
        "`@a` is no run id: use 1 to 256 bytes without control characters that do not begin with `@`",
        "the input of orchestration `fall` cannot be sent: it has 202 bytes, 100 are allowed: send a reference instead, or raise `payload_bytes_max`",
        "run `done` exists and is completed: choose another id, or another policy with `.reuse(..)`",
        "`` is no run id: use 1 to 256 bytes without control characters that do not begin with `@`",
        "there is no run `nobody`: start it first, or raise the event with `.before_start(..)`",
        "there is no run `nobody`: start it first, or raise the event with `.before_start(..)`",
        "there is no run `nobody`: start it first, or raise the event with `.before_start(..)`",
        "run `done` is of orchestration `echo`, not of `gather`: ask for it by its own",
        "run `done` is over, it is completed: nothing more can be asked of it",
        "event `go` cannot be sent: the value is NaN: JSON has no such number",
        "the reason cannot be sent: the value is NaN: JSON has no such number",
        "run `done` is over, it is completed: nothing more can be asked of it",
        "run `under-way` is running and cannot be purged: let it end, or terminate it first",
    ];
    assert_eq!(told, expected);
    end(runtime).await;
}
