//! Awaiting what no history can answer.

use crate::support::{Script, orchestration, start};
use sarsen_orchestration::{Orchestration, Parked, join, select};
use std::{
    cell::RefCell,
    future::{pending, poll_fn},
    task::{Poll, Waker},
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

#[track_caller]
fn check_parks<O: Orchestration>(turns_before: &[&str], inputs: &str, text: &str) {
    let mut script = Script::new::<O>(start(O::NAME, "null"));
    for inputs in turns_before {
        script.turn_of(inputs).unwrap();
    }
    let history = script.history();
    let parked = script.turn_of(inputs).unwrap_err();
    assert!(matches!(parked, Parked::Foreign { .. }), "{parked:?}");
    assert!(parked.to_string().contains(text), "`{text}` is not in: {parked}");
    assert!(script.execution.is_over());
    assert_eq!(script.history(), history, "nothing is added");
}

#[test]
fn a_foreign_future_alone_parks_at_once() {
    orchestration!(stuck, |_cx, _input: ()| -> () { pending().await });
    check_parks::<stuck>(
        &[],
        "",
        "orchestration `stuck` awaits what its context does not know, before its first command",
    );
    orchestration!(later, |cx, _input: ()| -> () {
        cx.timer(SECOND).await;
        cx.event::<()>("e").await.unwrap();
        pending::<()>().await;
    });
    check_parks::<later>(&["", "fire 0"], "raise e null", "behind its command 0");
}

#[test]
fn a_foreign_future_in_a_branch_parks() {
    orchestration!(beside, |cx, _input: ()| -> () {
        let branch = cx.branch(pending::<()>());
        join((branch, cx.timer(SECOND))).await;
    });
    check_parks::<beside>(&[], "", "behind its command 0");
}

#[test]
fn a_foreign_future_behind_a_race_parks() {
    orchestration!(behind, |cx, _input: ()| -> () {
        let ready = cx.branch(async {});
        cx.timer(SECOND).await;
        select(ready, cx.timer(SECOND)).await;
        pending::<()>().await;
    });
    check_parks::<behind>(&[""], "fire 0", "behind its command 2");
}

thread_local! {
    static KEPT: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

#[test]
fn keeping_the_waker_beside_a_durable_future_parks() {
    orchestration!(kept, |cx, _input: ()| -> () {
        let mut timer = cx.timer(SECOND).start();
        poll_fn(|waking| {
            KEPT.set(Some(waking.waker().clone()));
            std::pin::Pin::new(&mut timer).poll(waking)
        })
        .await;
    });
    check_parks::<kept>(&[], "", "behind its command 0");
    KEPT.set(None);
}

#[test]
fn waking_oneself_parks() {
    orchestration!(yields, |cx, _input: ()| -> () {
        let mut timer = cx.timer(SECOND).start();
        poll_fn(|waking| {
            waking.waker().wake_by_ref();
            std::pin::Pin::new(&mut timer).poll(waking)
        })
        .await;
    });
    check_parks::<yields>(&[], "", "behind its command 0");
}

#[test]
fn a_future_that_is_ready_is_as_good_as_code() {
    orchestration!(ready, |cx, _input: ()| -> u32 {
        let one = std::future::ready(1).await;
        let mut timer = cx.timer(SECOND).start();
        // A combinator of somebody else that keeps no waker polls too often, and no worse.
        poll_fn(|waking| match std::pin::Pin::new(&mut timer).poll(waking) {
            Poll::Ready(()) => Poll::Ready(one),
            Poll::Pending => Poll::Pending,
        })
        .await
    });
    crate::support::check::<ready>(
        "null",
        &[("", "0 a timer for 101.000000s"), ("fire 0", "the end with 1")],
    );
}
