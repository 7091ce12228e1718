//! Runs as they are searched for, counted, ordered and purged.

use crate::support::{LONG, Refused, acts, echo, fresh, gather, on_act, parent, work};
use sarsen_runtime::{
    CallError, Client, HistoryEventKind, PageToken, Purged, RunListing, RunOrder, RunStatus, Runtime,
    Timestamp,
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

/// Runs `a` to `f`, of which `a`, `b` and `c` are over; in two teams.
async fn some(client: &Client) {
    for (id, team) in [("a", "blue"), ("b", "red"), ("c", "blue"), ("d", "red"), ("e", "blue"), ("f", "red")]
    {
        let count = usize::from(id > "c");
        let run =
            client.start(gather, count).id(id).tag("team", team).tag("id", id).await.expect("it starts");
        if count == 0 {
            run.result().await.expect("it has nothing to wait for");
        }
    }
}

/// The ids that a listing finds, sorted.
async fn ids(mut listing: RunListing) -> String {
    let mut ids = Vec::new();
    while let Some(info) = listing.next().await {
        ids.push(info.expect("the store can be read").id.to_string());
    }
    ids.sort();
    ids.concat()
}

#[tokio::test]
async fn runs_are_found_by_several_tags_and_by_their_times() {
    let runtime = fresh().await;
    let client = runtime.client();
    some(&client).await;
    let of = |id: &str| client.any_run(id);
    let blue = || client.runs().tag("team", "blue");
    assert_eq!(ids(blue()).await, "ace");
    assert_eq!(ids(blue().tag("id", "c")).await, "c");
    assert_eq!(ids(blue().status(RunStatus::Running).orchestration(gather).id_prefix("e")).await, "e");
    let (b, d) = (of("b").status().await.expect("there"), of("d").status().await.expect("there"));
    assert_eq!(ids(client.runs().created_from(b.created).created_before(d.created)).await, "bc");
    let completed = b.completed.expect("it is over");
    assert_eq!(ids(client.runs().completed_from(completed)).await, "bc");
    assert_eq!(ids(client.runs().completed_before(completed)).await, "a");
    assert_eq!((blue().count().await, client.runs().count().await), (Ok(3), Ok(6)));
    end(runtime).await;
}

#[tokio::test]
async fn runs_that_have_changed_since_a_moment_are_found() {
    let runtime = fresh().await;
    let client = runtime.client();
    some(&client).await;
    let before = client.any_run("f").status().await.expect("there").changed;
    let run = client.run(gather, "d");
    run.raise("go", &1_u64).await.expect("it is under way");
    run.result().await.expect("it has its event");
    let since = Timestamp::from_micros(before.as_micros() + 1);
    assert_eq!(ids(client.runs().updated_since(since)).await, "d");
    assert_eq!(client.runs().updated_since(Timestamp::default()).count().await, Ok(6));
    assert_eq!(client.runs().updated_since(since.after(LONG)).count().await, Ok(0));
    end(runtime).await;
}

#[tokio::test]
async fn pages_of_an_order_hold_each_run_once_while_others_come_and_go() {
    let runtime = fresh().await;
    let client = runtime.client();
    some(&client).await;
    let pages = |order: RunOrder| {
        let client = client.clone();
        async move {
            let (mut all, mut after): (Vec<String>, Option<PageToken>) = (Vec::new(), None);
            loop {
                let request = client.runs().id_prefix("").page_size(2).order(order);
                let request = match after {
                    Some(token) => request.after(token),
                    None => request,
                };
                let page = request.await.expect("the store can be read");
                assert!(page.runs.len() <= 2);
                all.extend(page.runs.into_iter().map(|info| info.id.to_string()));
                match page.next {
                    Some(token) => after = Some(token),
                    None => return all.concat(),
                }
            }
        }
    };
    assert_eq!(pages(RunOrder::CreatedNewest).await, "fedcba");
    assert_eq!(pages(RunOrder::CreatedOldest).await, "abcdef");
    assert_eq!(pages(RunOrder::CompletedNewest).await, "cba");
    let first = client.runs().page_size(2).order(RunOrder::CreatedNewest).await.expect("there are some");
    client.start(gather, 1_usize).id("g").await.expect("it starts");
    client.any_run("a").purge().await.expect("it is over");
    let second = client.runs().page_size(9).order(RunOrder::CompletedOldest);
    let second = second.after(first.next.expect("there are more")).await.expect("there are some");
    let ids: Vec<_> = second.runs.iter().map(|info| info.id.as_str()).collect();
    assert_eq!(ids, ["d", "c", "b"], "in the order of the page before, behind it");
    assert_eq!(second.next, None);
    end(runtime).await;
}

#[tokio::test]
async fn a_purge_by_filter_takes_those_that_are_over_and_says_how_many() {
    let runtime = fresh().await;
    let client = runtime.client();
    some(&client).await;
    let told = |told: Result<Purged, CallError>| told.map(|told| (told.purged, told.is_complete));
    assert_eq!(told(client.runs().status(RunStatus::Running).purge().await), Ok((0, true)));
    assert_eq!(told(client.runs().tag("team", "blue").purge().await), Ok((2, true)));
    assert_eq!(ids(client.runs()).await, "bdef");
    assert_eq!(told(client.runs().page_size(1).purge().timeout(LONG).await), Ok((1, true)));
    let late = client.runs().purge().timeout(Duration::ZERO).await.expect("it did what it could");
    assert!(late.purged == 0, "nothing is left: {late:?}");
    assert_eq!(ids(client.runs()).await, "def");
    end(runtime).await;
}

#[tokio::test]
async fn a_purge_with_children_takes_those_that_are_over_before_their_parent() {
    let runtime = fresh().await;
    let client = runtime.client();
    for (id, child) in [("p", "c"), ("q", "d")] {
        let run = client.start(parent, child).id(id).await.expect("it starts");
        client.any_run(child).raise("go", &1_u64).before_start(LONG).await.expect("it is there or will be");
        assert_eq!(run.result().await, Ok(vec![1]));
    }
    client.any_run("p").purge().await.expect("it is over");
    assert_eq!(ids(client.runs()).await, "cdq");
    client.any_run("q").purge().with_children().timeout(LONG).await.expect("it is over");
    assert_eq!(ids(client.runs()).await, "c");
    let run = client.start(parent, "e").id("r").await.expect("it starts");
    client.any_run("e").raise("go", &1_u64).before_start(LONG).await.expect("it is there or will be");
    assert_eq!(run.result().await, Ok(vec![1]));
    let told = client.runs().id_prefix("r").purge().with_children().await.expect("the store can be read");
    assert_eq!((told.purged, told.is_complete), (2, true));
    assert_eq!(ids(client.runs()).await, "c");
    end(runtime).await;
}

#[tokio::test]
async fn a_run_is_started_again_with_what_it_was_started_with() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.start(echo, 7_u64).id("seven").tag("team", "blue").await.expect("it starts");
    assert_eq!(run.result().await, Ok(7));
    let again = run.restart().await.expect("it is over");
    assert_eq!((again.id(), again.result().await), ("seven", Ok(7)));
    assert!(matches!(run.status().await, Err(CallError::RunReplaced { .. })));
    assert_eq!(again.status().await.expect("there").tags, [("team".to_owned(), "blue".to_owned())]);

    let waiting = client.start(gather, 1_usize).id("waits").await.expect("it starts");
    let error = waiting.restart().await.expect_err("it is under way");
    assert!(matches!(error, CallError::RunExists { status: RunStatus::Running, .. }), "{error}");
    let beside = waiting.restart().id("beside").await.expect("under another id");
    beside.raise("go", &3_u64).await.expect("it is under way");
    assert_eq!(beside.result().await, Ok(vec![3]));
    assert_eq!(waiting.status().await.expect("there").status, RunStatus::Running);

    let later = client.start(echo, 8_u64).id("later").after(LONG).await.expect("it is accepted");
    let sooner = later.restart().id("sooner").await.expect("what waits is known");
    assert_eq!(sooner.result().await, Ok(8));
    let nobody = client.run(echo, "nobody").restart().await.expect_err("there is none");
    assert!(matches!(nobody, CallError::RunNotFound { .. }), "{nobody}");
    end(runtime).await;
}

#[tokio::test]
async fn a_failed_run_is_rewound_and_who_waits_again_learns_its_other_end() {
    let runtime = fresh().await;
    let client = runtime.client();
    let times = AtomicU64::new(0);
    on_act("rewound", move |_| {
        let before = times.fetch_add(1, Ordering::Relaxed);
        async move { if before == 0 { Err(Refused { code: 7 }) } else { Ok(before) } }
    });
    let run = client.start(acts, work("rewound", 1)).id("rewound").await.expect("it starts");
    let code =
        |told: Result<Result<u64, Refused>, CallError>| told.map(|told| told.map_err(|refused| refused.code));
    assert_eq!(code(run.result().await), Ok(Err(7)));
    let again = client.run(acts, "rewound");
    run.rewind("for another try").await.expect("it has failed");
    assert_eq!((code(run.result().await), code(again.result().await)), (Ok(Ok(1)), Ok(Ok(1))));
    let mut history = run.history();
    let mut reasons = Vec::new();
    while let Some(event) = history.next().await {
        if let HistoryEventKind::ExecutionRewound { reason, .. } = event.expect("it can be read").kind {
            reasons.extend(reason);
        }
    }
    assert_eq!(reasons, ["for another try"]);
    let error = run.rewind("").await.expect_err("it has not failed");
    assert!(matches!(error, CallError::RunNotFailed { status: RunStatus::Completed, .. }), "{error}");
    end(runtime).await;
}

#[tokio::test]
async fn a_custom_status_is_waited_for_however_early_or_late() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.start(gather, 3_usize).id("shows").await.expect("it starts");
    let at_least =
        |count: usize| client.run(gather, "shows").custom_status_when(move |seen: &usize| *seen >= count);
    assert_eq!(at_least(0).await, Ok(0));
    let mut waiting = std::future::IntoFuture::into_future(at_least(2));
    assert!(futures::poll!(&mut waiting).is_pending());
    let late = at_least(2).timeout(Duration::from_millis(1)).await.expect_err("no event has come");
    assert!(matches!(late, CallError::ReadTimedOut { .. }), "{late}");
    for go in 0..2_u64 {
        run.raise("go", &go).await.expect("it is under way");
    }
    assert_eq!(waiting.await, Ok(2));
    let never = std::future::IntoFuture::into_future(at_least(9));
    let misfit = run.custom_status_when(|_: &String| true).await.expect_err("it is a number");
    assert!(matches!(misfit, CallError::Misfit { .. }), "{misfit}");
    run.raise("go", &2_u64).await.expect("it is under way");
    let missed = never.await.expect_err("the run ends before");
    let text = "run `shows` is over, it is completed, and its custom status was never what was waited for";
    assert_eq!(missed.to_string(), text);
    assert_eq!(at_least(2).await, Ok(2), "its last status stays");
    end(runtime).await;
}
