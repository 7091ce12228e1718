//! What manages runs: events, suspend, resume, terminate, purge.

use crate::support::{LONG, acts, fresh, gather, hold_act, parent, work};
use sarsen_runtime::{CallError, Payload, RunStatus, Runtime};
use std::future::IntoFuture;

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn events_are_taken_in_the_order_in_which_they_were_raised_also_before_the_start() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.run(gather, "events");
    for go in 0..3_u64 {
        run.raise("go", &go).before_start(LONG).await.expect("it is kept");
    }
    let run = client.start(gather, 5_usize).id("events").await.expect("it starts");
    let events: Vec<_> = (3..5_u64).map(|go| run.raise("go", &go).into_future()).collect();
    for told in futures::future::join_all(events).await {
        told.expect("it is durable");
    }
    assert_eq!(run.result().await, Ok(vec![0, 1, 2, 3, 4]));
    end(runtime).await;
}

#[tokio::test]
async fn an_event_under_a_key_is_raised_once() {
    let runtime = fresh().await;
    let run = runtime.client().start(gather, 2_usize).await.expect("it starts");
    for _ in 0..3 {
        run.raise("go", &1_u64).idempotency_key("once").await.expect("once, or a repeat");
    }
    run.raise("go", &2_u64).await.expect("it is durable");
    assert_eq!(run.result().await, Ok(vec![1, 2]));
    end(runtime).await;
}

#[tokio::test]
async fn a_suspended_run_takes_nothing_until_it_is_resumed() {
    let runtime = fresh().await;
    let run = runtime.client().start(gather, 1_usize).await.expect("it starts");
    run.suspend("for the night").await.expect("it is running");
    run.raise("go", &1_u64).await.expect("it waits");
    let mut waiting = run.result().into_future();
    assert!(futures::poll!(&mut waiting).is_pending());
    let info = run.status().await.expect("it is there");
    assert_eq!((info.status, info.custom_status::<u64>()), (RunStatus::Suspended, Ok(Some(0))));
    run.resume("").await.expect("it is suspended");
    assert_eq!(waiting.await, Ok(vec![1]));
    assert_eq!(run.status().await.map(|info| info.status), Ok(RunStatus::Completed));
    end(runtime).await;
}

#[tokio::test]
async fn a_terminated_run_tells_why_and_cancels_its_activities() {
    let runtime = fresh().await;
    let mut held = hold_act("terminate");
    let run = runtime.client().start(acts, work("terminate", 2)).id("t").await.expect("it starts");
    let (one, two) = (held.entered().await, held.entered().await);
    assert!(!one.is_cancelled());
    run.terminate("enough").await.expect("it is running");
    let error = run.result().await.expect_err("it was ended");
    assert_eq!(error.to_string(), "run `t` was terminated: \"enough\"");
    for cx in [one, two] {
        cx.cancelled().await;
        assert!(cx.is_cancelled());
    }
    assert_eq!(runtime.client().stats().await.expect("it runs").tasks, 0);
    held.release(2);
    end(runtime).await;
}

#[tokio::test]
async fn children_end_with_their_parent_unless_they_are_to_be_kept() {
    let runtime = fresh().await;
    let client = runtime.client();
    for (parent_id, child_id, keep) in [("p-1", "c-1", false), ("p-2", "c-2", true)] {
        let run = client.start(parent, child_id).id(parent_id).await.expect("it starts");
        let terminate = run.terminate(&());
        if keep { terminate.keep_children().await } else { terminate.await }.expect("it is running");
        let error = run.result().await.expect_err("it was ended");
        assert_eq!(error, CallError::RunTerminated { run: error_run(parent_id), reason: None });
    }
    let error = client.run(gather, "c-1").result().await.expect_err("it was ended with its parent");
    assert!(matches!(error, CallError::RunTerminated { .. }), "{error}");
    let kept = client.run(gather, "c-2");
    kept.raise("go", &1_u64).await.expect("it is running");
    assert_eq!(kept.result().await, Ok(vec![1]));
    end(runtime).await;
}

fn error_run(id: &str) -> sarsen_runtime::RunId {
    sarsen_runtime::RunId::new(id).expect("valid")
}

#[tokio::test]
async fn a_purged_run_is_gone_and_its_id_is_free() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.start(gather, 0_usize).id("purged").await.expect("it starts");
    assert_eq!(run.result().await, Ok(vec![]));
    run.purge().await.expect("it is over");
    let late = client.run(gather, "purged");
    assert_eq!(late.result().await, Err(CallError::RunNotFound { run: error_run("purged") }));
    assert_eq!(late.history().next().await, Some(Err(CallError::RunNotFound { run: error_run("purged") })));
    assert_eq!(run.result().await, Ok(vec![]), "its handle knows its end");
    client.start(gather, 0_usize).id("purged").await.expect("the id is free");
    end(runtime).await;
}

#[tokio::test]
async fn a_runs_status_shows_what_is_known_of_it() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.start(gather, 1_usize).id("shown").tag("team", "blue").await.expect("it starts");
    let info = run.status().await.expect("it is there");
    assert_eq!((info.id.as_str(), info.orchestration.as_str()), ("shown", "gather"));
    assert_eq!(info.tags, [("team".to_owned(), "blue".to_owned())]);
    assert_eq!((info.status, info.completed, info.outcome), (RunStatus::Running, None, None));
    assert_eq!(info.custom_status, Some(Payload::from_encoded("0".into())));
    run.raise("go", &1_u64).await.expect("it is durable");
    run.result().await.expect("it returns");
    let info = client.any_run("shown").status().await.expect("it is there");
    assert_eq!(info.status, RunStatus::Completed);
    assert!(info.completed.is_some_and(|completed| info.created <= completed));
    let misfit = info.custom_status::<String>().expect_err("it is a number");
    assert!(
        misfit
            .to_string()
            .starts_with("the answer of the custom status of run `shown` does not fit its type:")
    );
    end(runtime).await;
}
