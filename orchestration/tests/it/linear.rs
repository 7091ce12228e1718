//! That wide joins cost one poll for each completion.

use crate::support::{Script, activity, orchestration, start};
use sarsen_orchestration::{Completions, Event, ExecutionLimits, Input, Orchestration, join_all};
use std::cell::Cell;

activity!(step: u32 => u32, value);

thread_local! {
    static POLLS: Cell<u64> = const { Cell::new(0) };
}

/// Counts its polls.
async fn counted<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    std::future::poll_fn(|waking| {
        POLLS.set(POLLS.get() + 1);
        future.as_mut().poll(waking)
    })
    .await
}

/// How often the orchestration's futures are polled while so many activities end, last first.
fn polls<O: Orchestration>(width: u32) -> u64 {
    let mut start = start(O::NAME, &width.to_string());
    start.limits =
        ExecutionLimits { commands_per_turn_max: usize::MAX, history_events_max: u64::MAX, ..start.limits };
    let mut script = Script::new::<O>(start);
    POLLS.set(0);
    let turn = script.turn(Vec::new()).unwrap();
    let tasks: Vec<_> = turn.commands().map(|(id, _)| id).collect();
    assert_eq!(tasks.len(), width as usize);
    let answer = crate::support::payload("1");
    for ids in tasks.rchunks(1_000) {
        let ended = ids.iter().rev().map(|id| Input::TaskEnded { id: *id, result: Ok(answer.clone()) });
        script.turn(ended.collect()).unwrap();
    }
    assert!(matches!(script.history().last(), Some(Event::Ended(_))));
    POLLS.get()
}

#[test]
fn a_join_over_n_futures_is_polled_n_times() {
    orchestration!(wide, |cx, width: u32| -> u32 {
        let all = counted(join_all((0..width).map(|n| cx.activity(step, n)))).await;
        all.into_iter().map(Result::unwrap).sum()
    });
    for width in [10, 1_000, 100_000] {
        assert_eq!(polls::<wide>(width), u64::from(width) + 1);
    }
}

#[test]
fn a_branch_is_polled_when_what_it_waits_for_ends() {
    orchestration!(fan, |cx, width: u32| -> u32 {
        let branches = (0..width).map(|n| {
            let cx2 = cx.clone();
            cx.branch(counted(async move { cx2.activity(step, n).await.unwrap() }))
        });
        join_all(branches).await.into_iter().sum()
    });
    for width in [10, 1_000, 20_000] {
        assert_eq!(polls::<fan>(width), u64::from(width) * 2);
    }
}

#[test]
fn a_stream_is_polled_once_for_each_that_ends() {
    orchestration!(stream, |cx, width: u32| -> u32 {
        let mut running: Completions<_> = (0..width).map(|n| cx.activity(step, n)).collect();
        let mut sum = 0;
        while let Some(answer) = counted(running.next()).await {
            sum += answer.unwrap();
        }
        sum
    });
    for width in [10, 1_000, 100_000] {
        // Each is polled when it is asked for and when it ends; the last time the stream is empty.
        assert_eq!(polls::<stream>(width), u64::from(width) * 2 + 1);
    }
}

#[test]
fn a_windowed_stream_is_polled_once_for_each_that_ends() {
    orchestration!(windowed, |cx, width: u32| -> u32 {
        let requests = (0..width).map(|n| cx.activity(step, n));
        let mut running = Completions::windowed(requests, width as usize);
        let mut sum = 0;
        while let Some(answer) = counted(running.next()).await {
            sum += answer.unwrap();
        }
        sum
    });
    for width in [10, 1_000, 100_000] {
        assert_eq!(polls::<windowed>(width), u64::from(width) * 2 + 1);
    }
}
