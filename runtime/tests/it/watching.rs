//! What is said aloud while it happens.

use crate::support::{Probe, builder, fresh, hold, listen};
use sarsen_macros::orchestration;
use sarsen_runtime::{Context, ShutdownError};
use sarsen_storage::MemoryStore;
use std::{
    sync::{Mutex, mpsc},
    time::Duration,
};

async fn hear(log: &mut tokio::sync::mpsc::UnboundedReceiver<String>, part: &str) -> String {
    loop {
        let line = log.recv().await.expect("the listener lives as long as the process");
        if line.contains(part) {
            return line;
        }
    }
}

#[tokio::test]
async fn a_turn_that_runs_too_long_is_named_while_it_runs() {
    let mut log = listen();
    let runtime = builder()
        .watchdog(Duration::from_millis(4))
        .open_store(MemoryStore::new())
        .await
        .expect("a store in memory opens");
    let mut held = hold("too-long");
    let call = tokio::spawn(runtime.client().entity::<Probe>("too-long").hook().into_future());
    held.entered().await;
    let line = hear(&mut log, "@probe@too-long").await;
    assert!(line.starts_with("WARN"), "{line}");
    assert!(!call.is_finished(), "the turn still runs");
    held.release();
    call.await.expect("no panic").expect("it is done");
    runtime.shutdown().await.expect("nothing is in the way");
}

static BLOCKED: Mutex<Option<mpsc::Receiver<()>>> = Mutex::new(None);

#[orchestration(crate = "sarsen_runtime")]
async fn blocks(_cx: Context) -> u64 {
    let blocked = BLOCKED.lock().expect("taken once").take();
    blocked.map_or(0, |blocked| blocked.recv().map_or(1, |()| 2))
}

#[tokio::test]
async fn a_run_whose_code_blocks_is_named_while_it_does() {
    let mut log = listen();
    let (release, blocked) = mpsc::channel();
    *BLOCKED.lock().expect("taken once") = Some(blocked);
    let opened = builder()
        .orchestration(blocks)
        .watchdog(Duration::from_millis(4))
        .open_store(MemoryStore::new())
        .await;
    let runtime = opened.expect("a store in memory opens");
    let started = tokio::spawn(runtime.client().start(blocks, ()).id("blocks").into_future());
    let line = hear(&mut log, "entity=blocks").await;
    assert!(line.starts_with("WARN"), "{line}");
    release.send(()).expect("it waits");
    let run = started.await.expect("no panic").expect("it starts");
    assert_eq!(run.result().await, Ok(2));
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_message_that_is_given_up_is_warned_about() {
    let mut log = listen();
    let runtime = fresh().await;
    runtime.client().entity::<Probe>("given-up").panic().signal().await.expect("it is durable");
    let line = hear(&mut log, "@probe@given-up").await;
    assert!(line.starts_with("WARN") && line.contains("what=panic"), "{line}");
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_never_returns_is_named_by_the_shutdown() {
    let runtime = fresh().await;
    let mut held = hold("stuck");
    let call = tokio::spawn(runtime.client().entity::<Probe>("stuck").hook().into_future());
    held.entered().await;
    let error = runtime.shutdown().await.expect_err("it cannot end");
    assert!(matches!(error, ShutdownError::Stuck { .. }));
    assert_eq!(
        error.to_string(),
        "an operation of @probe@stuck does not return: the data directory stays locked until it does or the process ends"
    );
    held.release();
    drop(call);
}
