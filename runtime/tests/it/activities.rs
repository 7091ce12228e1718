//! Activities: their results, their limits, their retries, their end.

use crate::support::{Probe, Refused, act, acts, builder, fresh, hold, hold_act, on_act, work};
use sarsen_macros::{activity, orchestration};
use sarsen_runtime::{
    ActivityContext, Builder, CallError, Context, FailureKind, OpenError, RetryPolicy, Run, Runtime,
    select_all,
};
use sarsen_storage::MemoryStore;
use std::{
    future::IntoFuture,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc;

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn an_activitys_answer_and_its_own_error_arrive_as_their_types() {
    let runtime = fresh().await;
    on_act("answers", |_| async { Ok(7) });
    on_act("refuses", |_| async { Err(Refused { code: 9 }) });
    on_act("panics", |_| async { panic!("as it was told to") });
    let results =
        [("answers", Ok(7)), ("refuses", Err(Refused { code: 9 })), ("panics", Err(Refused { code: 1 }))];
    for (key, expected) in results {
        let run = runtime.client().start(acts, work(key, 1)).await.expect("it starts");
        assert_eq!(run.result().await, Ok(expected), "{key}");
    }
    end(runtime).await;
}

#[tokio::test]
async fn an_activity_is_told_for_whom_it_works() {
    let runtime = fresh().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    on_act("told", move |cx: ActivityContext| {
        tell.lock().expect("told and left").push(cx);
        async { Ok(0) }
    });
    let run = runtime.client().start(acts, work("told", 2)).id("asker").await.expect("it starts");
    run.result().await.expect("it returns").expect("it is not refused");
    let info = run.status().await.expect("it is there");
    let told = std::mem::take(&mut *told.lock().expect("told and left"));
    let keys: Vec<&str> = told.iter().map(ActivityContext::idempotency_key).collect();
    assert!(keys.iter().all(|key| key.starts_with(&info.execution.to_string())));
    assert_ne!(keys[0], keys[1], "each piece of work has its own");
    assert_eq!((told[0].run_id(), told[0].execution_id()), (&info.id, info.execution));
    assert_eq!(told[0].activity(), "act");
    end(runtime).await;
}

#[orchestration(crate = "sarsen_runtime")]
async fn tries(cx: Context, key: String, attempts: u32) -> Result<u64, Refused> {
    let policy = RetryPolicy { attempts, ..RetryPolicy::every(Duration::ZERO) };
    cx.activity(act, key).retry(policy).await.expect("it is registered")
}

#[tokio::test]
async fn an_activity_that_fails_is_tried_again_as_often_as_the_policy_says() {
    let opened = builder().orchestration(tries).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    for (key, attempts, expected) in [("third", 3, Ok(3)), ("never", 2, Err(Refused { code: 2 }))] {
        let count = Mutex::new(0);
        on_act(key, move |_| {
            let mut count = count.lock().expect("counted and left");
            *count += 1;
            let attempt = *count;
            async move { if attempt == 3 { Ok(3) } else { Err(Refused { code: attempt }) } }
        });
        let run = runtime.client().start(tries, (key.to_owned(), attempts)).await.expect("it starts");
        assert_eq!(run.result().await, Ok(expected), "{key}");
    }
    end(runtime).await;
}

#[tokio::test]
async fn no_more_activities_run_at_a_time_than_are_allowed() {
    let opened = Runtime::builder()
        .orchestration(acts)
        .activity_with(act, |options| options.concurrency(2))
        .open_store(MemoryStore::new())
        .await;
    let runtime = opened.expect("a store in memory opens");
    let mut held = hold_act("two-at-a-time");
    let run = runtime.client().start(acts, work("two-at-a-time", 5)).await.expect("it starts");
    held.entered().await;
    held.entered().await;
    assert_eq!(runtime.client().stats().await.expect("it runs").tasks, 5);
    assert!(held.is_quiet(), "a third would have begun before the figures were asked for");
    for _ in 0..3 {
        held.release(1);
        held.entered().await;
        assert!(held.is_quiet());
    }
    held.release(2);
    assert_eq!(run.result().await, Ok(Ok(10)), "each was done once: 0 + 1 + 2 + 3 + 4");
    end(runtime).await;
}

#[tokio::test]
async fn a_thousand_activities_of_a_run_are_each_done_once_on_few_workers() {
    let opened = Runtime::builder()
        .orchestration(acts)
        .activity_with(act, |options| options.concurrency(4))
        .shards(2)
        .open_store(MemoryStore::new())
        .await;
    let runtime = opened.expect("a store in memory opens");
    on_act("thousand", |_| async { Ok(1) });
    let run = runtime.client().start(acts, work("thousand", 1000)).await.expect("it starts");
    assert_eq!(run.result().await, Ok(Ok(1000)));
    end(runtime).await;
}

#[tokio::test]
async fn an_activity_that_is_cancelled_before_its_turn_never_runs() {
    let opened = builder_of_one().open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let (mut first, mut second) = (hold_act("cancel-first"), hold_act("cancel-second"));
    let client = runtime.client();
    let start = async |key: &str| -> Run<acts> { client.start(acts, work(key, 1)).await.expect("it starts") };
    let before = start("cancel-first").await;
    first.entered().await;
    let cancelled = start("cancel-second").await;
    cancelled.terminate(&()).await.expect("it is running");
    cancelled.result().await.expect_err("it was ended");
    let after = start("cancel-first").await;
    first.release(2);
    assert_eq!((before.result().await, after.result().await), (Ok(Ok(0)), Ok(Ok(1))));
    assert!(second.is_quiet(), "it had its turn before the last one");
    end(runtime).await;
}

#[tokio::test]
async fn no_activity_is_begun_once_the_runtime_is_shutting_down() {
    let store = MemoryStore::new();
    let open = async |store| {
        let builder = builder_of_one().entity::<Probe>();
        builder.open_store(store).await.expect("a store in memory opens")
    };
    let mut held = hold_act("drains");
    let runtime = open(store.clone()).await;
    let client = runtime.client();
    let run = client.start(acts, work("drains", 2)).id("drains").await.expect("it starts");
    held.entered().await;
    // Accepted work keeps the shutdown from its end, and the first activity returns meanwhile.
    let mut operation = hold("drains");
    let mut call = client.entity::<Probe>("drains").hook().into_future();
    assert!(futures::poll!(&mut call).is_pending());
    operation.entered().await;
    let mut shutdown = pin!(runtime.shutdown());
    assert!(futures::poll!(&mut shutdown).is_pending());
    held.release(1);
    tokio::task::yield_now().await;
    operation.release();
    shutdown.await.expect("nothing is in the way");
    call.await.expect("it was accepted");
    assert_eq!(run.result().await, Err(CallError::Stopped));
    assert!(held.is_quiet(), "the second is left to the next runtime");
    let runtime = open(store.reopen()).await;
    held.release(2);
    assert!(matches!(runtime.client().run(acts, "drains").result().await, Ok(Ok(_))));
    end(runtime).await;
}

/// Knows `acts`, and lets one activity run at a time.
fn builder_of_one() -> Builder {
    Runtime::builder().orchestration(acts).activity_with(act, |options| options.concurrency(1))
}

#[tokio::test]
async fn an_activity_that_panics_when_it_is_dropped_has_failed_and_holds_nothing_up() {
    struct Brittle;
    impl Drop for Brittle {
        fn drop(&mut self) {
            panic!("it breaks");
        }
    }
    let opened = builder_of_one().open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    on_act("brittle", |_| {
        let brittle = Brittle;
        // The future is done, and drops what it holds only when it is dropped itself.
        futures::future::poll_fn(move |_| {
            let _held = &brittle;
            std::task::Poll::Ready(Ok(1))
        })
    });
    for _ in 0..2 {
        let run = runtime.client().start(acts, work("brittle", 1)).await.expect("it starts");
        assert_eq!(run.result().await, Ok(Err(Refused { code: 1 })));
    }
    end(runtime).await;
}

#[activity(crate = "sarsen_runtime")]
async fn stranger(value: u64) -> u64 {
    value
}

#[activity(crate = "sarsen_runtime", name = "act")]
async fn namesake(_cx: ActivityContext, value: u64) -> u64 {
    value
}

#[orchestration(crate = "sarsen_runtime")]
async fn asks_strangers(cx: Context) -> Vec<FailureKind> {
    let errors = [
        cx.activity(stranger, 1_u64).await.expect_err("it is not registered"),
        cx.activity(namesake, 1_u64).await.expect_err("it takes a text"),
    ];
    errors.iter().map(|error| error.failure().expect("it is a failure").kind).collect()
}

#[tokio::test]
async fn an_activity_that_is_not_there_or_takes_something_else_fails_by_name() {
    let opened = builder().orchestration(asks_strangers).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let run = runtime.client().start(asks_strangers, ()).await.expect("it starts");
    assert_eq!(run.result().await, Ok(vec![FailureKind::UnknownActivity, FailureKind::Undecodable]));
    end(runtime).await;
}

#[orchestration(crate = "sarsen_runtime")]
async fn races(cx: Context) -> (usize, u64) {
    let (winner, told) = select_all([cx.activity(act, "race-slow"), cx.activity(act, "race-fast")]).await;
    (winner, told.expect("it is registered").expect("it is not refused"))
}

#[tokio::test]
async fn the_activity_that_is_done_first_wins_a_race() {
    let opened = builder().orchestration(races).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let slow = hold_act("race-slow");
    on_act("race-fast", |_| async { Ok(5) });
    let run = runtime.client().start(races, ()).await.expect("it starts");
    assert_eq!(run.result().await, Ok((1, 5)));
    slow.release(1);
    end(runtime).await;
}

#[tokio::test]
async fn activities_and_orchestrations_that_make_no_runtime_are_refused_by_name() {
    let store = MemoryStore::new;
    let refusals: [Result<Runtime, OpenError>; 3] = [
        builder().activity(namesake).open_store(store()).await,
        builder().orchestration(acts).open_store(store()).await,
        builder().activity_with(stranger, |options| options.concurrency(0)).open_store(store()).await,
    ];
    let told = refusals.map(|refused| refused.expect_err("it is refused").to_string());
    let expected = [
        "an activity `act` is already registered: give one of the two another name with `#[activity(name = \"..\")]`",
        "an orchestration `acts` is already registered: give one of the two another name with `#[orchestration(name = \"..\")]`",
        "activity `stranger` may run 0 times at once and would never run: choose at least 1",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_copy_of_the_context_is_cancelled_when_its_activity_has_ended() {
    let runtime = fresh().await;
    let (hand, mut handed) = mpsc::unbounded_channel();
    on_act("outlived", move |cx: ActivityContext| {
        let hand = hand.clone();
        async move {
            assert!(!cx.is_cancelled());
            hand.send(cx).expect("the test waits");
            Ok(1)
        }
    });
    let run = runtime.client().start(acts, work("outlived", 1)).await.expect("it starts");
    run.result().await.expect("it ends").expect("it is done");
    let copy = handed.recv().await.expect("it was asked");
    copy.cancelled().await;
    assert!(copy.is_cancelled());
    end(runtime).await;
}

#[orchestration(crate = "sarsen_runtime")]
async fn hurries(cx: Context, key: String, attempts: u32) -> Result<u64, Refused> {
    let policy = RetryPolicy { attempts, ..RetryPolicy::every(Duration::ZERO) };
    let request = cx.activity(act, key).timeout(Duration::from_millis(30)).retry(policy);
    match request.await {
        Ok(answer) => answer,
        Err(error) => Err(Refused { code: error.failure().map_or(0, |failure| failure.kind as u32) }),
    }
}

#[tokio::test]
async fn an_attempt_is_told_that_its_time_is_over_and_the_next_goes_on_where_it_was() {
    let opened = builder().orchestration(hurries).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&keys);
    on_act("slow", move |cx: ActivityContext| {
        seen.lock().expect("seen and left").push(cx.idempotency_key().to_owned());
        async move {
            if cx.attempt() == 1 {
                cx.heartbeat(&40_u64).expect("a number has JSON");
                cx.cancelled().await;
                return Ok(0);
            }
            let progress = cx.progress::<u64>().expect("it is a number").unwrap_or_default();
            Ok(progress + u64::from(cx.attempt()))
        }
    });
    let run = runtime.client().start(hurries, ("slow".to_owned(), 2)).await.expect("it starts");
    assert_eq!(run.result().await, Ok(Ok(42)));
    let keys = keys.lock().expect("seen and left").clone();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1], "it is the same work");

    on_act("slower", |cx: ActivityContext| async move {
        cx.cancelled().await;
        Ok(0)
    });
    let run = runtime.client().start(hurries, ("slower".to_owned(), 1)).await.expect("it starts");
    assert_eq!(run.result().await, Ok(Err(Refused { code: FailureKind::TimedOut as u32 })));
    end(runtime).await;
}

#[tokio::test]
async fn a_failure_that_the_activity_calls_final_is_not_tried_again() {
    let opened = builder().orchestration(tries).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    on_act("final", |cx: ActivityContext| async move {
        if cx.attempt() == 2 {
            cx.do_not_retry();
        }
        Err(Refused { code: cx.attempt() })
    });
    let run = runtime.client().start(tries, ("final".to_owned(), 9)).await.expect("it starts");
    assert_eq!(run.result().await, Ok(Err(Refused { code: 2 })));
    end(runtime).await;
}

#[orchestration(crate = "sarsen_runtime")]
async fn calls(cx: Context, name: String) -> Result<String, CallError> {
    cx.activity_named(name, &(6, 7)).await
}

#[tokio::test]
async fn activities_are_found_by_names_of_their_own_and_one_takes_all_others() {
    let opened = builder()
        .orchestration(calls)
        .activity_named(
            "multiply",
            |_cx, (a, b): (u64, u64)| async move { Ok::<_, String>((a * b).to_string()) },
        )
        .activity_named("refuse", |_cx, _input: (u64, u64)| async move { Err::<String, _>("no".to_owned()) })
        .activity_of_any_name(|cx: ActivityContext, input: Vec<u64>| async move {
            Ok::<_, String>(format!("{} of {input:?}", cx.activity()))
        })
        .open_store(MemoryStore::new())
        .await;
    let runtime = opened.expect("a store in memory opens");
    for (name, expected) in [("multiply", "42"), ("divide", "divide of [6, 7]")] {
        let run = runtime.client().start(calls, name).await.expect("it starts");
        assert_eq!(run.result().await, Ok(Ok(expected.to_owned())));
    }
    let run = runtime.client().start(calls, "refuse").await.expect("it starts");
    let refused = run.result().await.expect("its error has its type");
    let Err(CallError::ActivityFailed { activity, failure }) = refused else { panic!("{refused:?}") };
    assert_eq!((activity.as_str(), failure.error::<String>()), ("refuse", Some("no".to_owned())));
    end(runtime).await;
    for builder in [
        Runtime::builder().activity_named("Bad", |_cx, (): ()| async { Ok::<_, String>(()) }),
        Runtime::builder()
            .activity_of_any_name(|_cx, (): ()| async { Ok::<_, String>(()) })
            .activity_of_any_name(|_cx, (): ()| async { Ok::<_, String>(()) }),
    ] {
        let refused = builder.open_store(MemoryStore::new()).await;
        assert!(matches!(refused, Err(OpenError::Name { .. } | OpenError::Duplicate(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn no_more_activities_begin_in_a_time_than_are_allowed() {
    const PACE: Duration = Duration::from_millis(15);
    let opened = Runtime::builder()
        .orchestration(acts)
        .activity_with(act, |options| options.rate(2, PACE * 2))
        .open_store(MemoryStore::new())
        .await;
    let runtime = opened.expect("a store in memory opens");
    let begun = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&begun);
    on_act("paced", move |_| {
        note.lock().expect("noted and left").push(std::time::Instant::now());
        async { Ok(1) }
    });
    let run = runtime.client().start(acts, work("paced", 5)).await.expect("it starts");
    assert_eq!(run.result().await, Ok(Ok(5)));
    let begun = begun.lock().expect("noted and left").clone();
    assert_eq!(begun.len(), 5);
    // Each may be a little late for itself, and none is early.
    assert!(begun[4].duration_since(begun[0]) > PACE * 3, "{begun:?}");
    end(runtime).await;
}
