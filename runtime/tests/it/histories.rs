//! Histories and listings of runs.

use crate::support::{act, acts, builder, echo, fresh, gather, listen, work};
use futures::{StreamExt, TryStreamExt};
use sarsen_macros::orchestration;
use sarsen_runtime::{
    CallError, Context, ExportedHistory, HistoryEventKind, RunInfo, RunListing, RunStatus, Runtime,
};
use sarsen_storage::MemoryStore;
use std::collections::BTreeSet;

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_history_tells_what_happened_event_by_event() {
    let runtime = fresh().await;
    let run = runtime.client().start(acts, work("history", 1)).id("told").await.expect("it starts");
    run.result().await.expect("it returns").expect("it is not refused");
    let mut history = run.history();
    let mut told = Vec::new();
    while let Some(event) = history.next().await {
        told.push(match event.expect("it can be read").kind {
            HistoryEventKind::OrchestratorStarted => "turn".to_owned(),
            HistoryEventKind::ExecutionStarted { name, input, .. } => format!("{name} with {input}"),
            HistoryEventKind::TaskScheduled { name, input, .. } => format!("ask for {name} with {input}"),
            HistoryEventKind::TaskCompleted { result, .. } => format!("told {result}"),
            HistoryEventKind::ExecutionCompleted { orchestration_status, result, .. } => {
                format!("{orchestration_status}: {}", result.unwrap_or_default())
            }
            other => format!("{other:?}"),
        });
    }
    let expected = [
        "turn",
        "acts with [\"history\",1]",
        "ask for act with \"history\"",
        "turn",
        "told 0",
        "Completed: 0",
    ];
    assert_eq!(told, expected);
    assert!(history.next().await.is_none(), "it is over");
    end(runtime).await;
}

#[tokio::test]
async fn a_history_of_many_parts_is_told_whole() {
    let runtime = fresh().await;
    let run = runtime.client().start(gather, 600_usize).await.expect("it starts");
    for go in 0..600_u64 {
        // One after the other: each is a turn and a commit, and so a part of its own.
        run.raise("go", &go).await.expect("it is durable");
    }
    run.result().await.expect("it returns");
    let events: Vec<_> = run.history().try_collect().await.expect("it can be read");
    let raised = events.iter().filter(|event| matches!(event.kind, HistoryEventKind::EventRaised { .. }));
    assert_eq!(raised.count(), 600);
    end(runtime).await;
}

/// The ids of what is listed, sorted; none may come twice.
async fn ids(listing: RunListing) -> BTreeSet<String> {
    let listed: Vec<RunInfo> = listing.try_collect().await.expect("it can be read");
    let ids: BTreeSet<String> = listed.iter().map(|info| info.id.to_string()).collect();
    assert_eq!(ids.len(), listed.len(), "each is listed once");
    ids
}

#[tokio::test]
async fn runs_are_listed_by_orchestration_status_and_prefix() {
    let runtime = builder().shards(2).open_store(MemoryStore::new()).await.expect("a store in memory opens");
    let client = runtime.client();
    for n in 0..20_u64 {
        client
            .start(echo, n)
            .id(format!("e-{n}"))
            .await
            .expect("it starts")
            .result()
            .await
            .expect("it returns");
        client.start(gather, 1_usize).id(format!("g-{n}")).await.expect("it starts");
    }
    let ended = client.run(gather, "g-3");
    ended.terminate(&()).await.expect("it is running");
    ended.result().await.expect_err("it was ended");
    let all = |letter: &str, but: Option<u64>| -> BTreeSet<String> {
        (0..20).filter(|n| Some(*n) != but).map(|n| format!("{letter}-{n}")).collect()
    };
    let only = |ids: &[&str]| -> BTreeSet<String> { ids.iter().map(|id| (*id).to_owned()).collect() };
    for page_size in [1, 7, 1000] {
        let runs = || client.runs().page_size(page_size);
        assert_eq!(ids(runs()).await.len(), 40);
        assert_eq!(ids(runs().orchestration(echo)).await, all("e", None));
        assert_eq!(ids(runs().orchestration_named("gather")).await, all("g", None));
        assert_eq!(ids(runs().status(RunStatus::Running)).await, all("g", Some(3)));
        assert_eq!(ids(runs().status(RunStatus::Terminated)).await, only(&["g-3"]));
        let over = runs().status(RunStatus::Completed).status(RunStatus::Terminated);
        assert_eq!(ids(over).await.len(), 21);
        assert_eq!(ids(runs().id_prefix("g-1").status(RunStatus::Running)).await.len(), 11);
        assert_eq!(ids(runs().id_prefix("x")).await, only(&[]));
    }
    end(runtime).await;
}

#[orchestration(crate = "sarsen_runtime")]
async fn speaks(cx: Context) -> u64 {
    sarsen_runtime::log!(cx, warn, "begins");
    let told = cx.activity(act, "speaks").await.expect("it is registered").expect("it is not refused");
    sarsen_runtime::log!(&cx, error, told, "is told {told}");
    cx.event("go").await.expect("it is a number")
}

#[tokio::test]
async fn what_code_logs_is_logged_once_and_not_again_in_a_replay() {
    let mut log = listen();
    let store = MemoryStore::new();
    let opened = builder().orchestration(speaks).open_store(store.clone()).await;
    let runtime = opened.expect("a store in memory opens");
    let run = runtime.client().start(speaks, ()).id("speaks").await.expect("it starts");
    // Its status changes with no turn: the history tells that the activity is over.
    while run.history().map(|event| event.expect("it can be read").event_id).count().await < 5 {
        tokio::task::yield_now().await;
    }
    end(runtime).await;
    let opened = builder().orchestration(speaks).open_store(store.reopen()).await;
    let runtime = opened.expect("a store in memory opens");
    let run = runtime.client().run(speaks, "speaks");
    run.raise("go", &7_u64).await.expect("it is durable");
    assert_eq!(run.result().await, Ok(7));
    end(runtime).await;
    let mut heard = Vec::new();
    while let Ok(line) = log.try_recv() {
        heard.extend(Some(line).filter(|line| line.contains("run=speaks")));
    }
    assert_eq!(heard, ["WARN message=begins run=speaks", "ERROR message=is told 0 run=speaks told=0"]);
}

#[tokio::test]
async fn a_history_is_exported_as_json_and_kept_elsewhere() {
    let runtime = fresh().await;
    let run = runtime.client().start(acts, work("exported", 2)).id("moved").await.expect("it starts");
    assert_eq!(run.result().await, Ok(Ok(0)));
    let exported = run.export().await.expect("it can be read");
    let text = exported.to_json().expect("it has JSON");
    let refused = runtime.client().import(&exported).await.expect_err("it is still there");
    assert!(matches!(refused, CallError::RunExists { .. }), "{refused}");
    let info = run.status().await.expect("it is there");
    end(runtime).await;

    let history = ExportedHistory::from_json(&text).expect("it was just written");
    assert_eq!(history, exported);
    let store = MemoryStore::new();
    let runtime = builder().open_store(store.clone()).await.expect("a store in memory opens");
    runtime.client().import(&history).await.expect("its id is free");
    end(runtime).await;
    let runtime = builder().open_store(store.reopen()).await.expect("a store in memory opens");
    let run = runtime.client().run(acts, "moved");
    assert_eq!(run.result().await, Ok(Ok(0)));
    let kept = run.status().await.expect("it is there");
    assert_eq!((kept.created, kept.status, kept.execution), (info.created, info.status, info.execution));
    assert_eq!(run.export().await.expect("it can be read"), exported);
    run.purge().await.expect("it is over");
    let missing = run.status().await.expect_err("it was purged");
    assert!(matches!(missing, CallError::RunNotFound { .. }), "{missing}");
    end(runtime).await;
}

#[tokio::test]
async fn a_history_without_an_end_is_exported_and_not_imported() {
    let runtime = fresh().await;
    let run = runtime.client().start(gather, 1_usize).id("going").await.expect("it starts");
    let exported = run.export().await.expect("it can be read");
    assert_eq!(exported.end(), None);
    let refused = runtime.client().import(&exported).await.expect_err("it has no end");
    assert!(matches!(refused, CallError::RunNotFinished { .. }), "{refused}");
    end(runtime).await;
}
