//! What callers learn when the store or the engine fails.

use crate::support::{Probe, Scripted, Verdict, builder, gather, hold, listen, open};
use futures::future::join_all;
use sarsen_protocol::{Address, CallError, RunId};
use sarsen_runtime::{Closed, ShutdownError};
use sarsen_storage::MemoryStore;
use std::{
    future::IntoFuture,
    sync::{Mutex, mpsc},
};
use tokio::sync::mpsc as events;

/// Makes the next commit report that it has begun and wait for a verdict.
fn block_commits(store: &Scripted) -> (events::UnboundedReceiver<()>, mpsc::Sender<Verdict>) {
    let (tell, begun) = events::unbounded_channel();
    let (judge, verdict) = mpsc::channel();
    let verdict = Mutex::new(verdict);
    store.on_commit(move || {
        // The test may be over already; then every commit passes.
        let _ = tell.send(());
        verdict.lock().expect("one commit at a time").recv().unwrap_or(Verdict::Pass)
    });
    (begun, judge)
}

/// A commit of `count` signals ends with `verdict` while two others wait. The driver commits few of them itself and
/// leaves many to the commit thread.
async fn check(count: u64, verdict: Verdict, reason: &str) {
    let store = Scripted::new(MemoryStore::new());
    let runtime = open(store.clone()).await;
    let client = runtime.client();
    let alice = client.entity::<Probe>("alice");
    let (mut begun, judge) = block_commits(&store);
    let mut first = alice.note(0).signal();
    assert!(futures::poll!(&mut first).is_pending());
    begun.recv().await.expect("the first commit begins");
    let mut sealed: Vec<_> = (1..=count).map(|note| alice.note(note).signal()).collect();
    for signal in &mut sealed {
        assert!(futures::poll!(signal).is_pending());
    }
    judge.send(Verdict::Pass).expect("a commit waits");
    begun.recv().await.expect("the second commit begins");
    first.await.expect("it is durable");
    let mut waiting = [alice.note(1000).signal(), client.entity::<Probe>("bob").note(1000).signal()];
    for signal in &mut waiting {
        assert!(futures::poll!(signal).is_pending());
    }
    judge.send(verdict).expect("a commit waits");

    let sealed = join_all(sealed).await;
    assert_eq!(sealed[0], Err(CallError::OutcomeUnknown));
    let unknown = |told: &&Result<(), CallError>| **told == Err(CallError::OutcomeUnknown);
    let stopped = |told: &&Result<(), CallError>| **told == Err(CallError::Stopped);
    let unknowns = sealed.iter().take_while(unknown).count();
    assert_eq!(sealed.iter().skip(unknowns).filter(stopped).count(), sealed.len() - unknowns, "{sealed:?}");
    assert_eq!(join_all(waiting).await, [Err(CallError::Stopped), Err(CallError::Stopped)]);
    assert_eq!(alice.add(1).await, Err(CallError::Stopped));
    assert_eq!(runtime.closed().await, Closed::Failed { reason: reason.to_owned() });
    assert!(begun.try_recv().is_err(), "nothing is committed after a failure");
    let ended = runtime.shutdown().await;
    assert_eq!(ended, Err(ShutdownError::Failed { reason: reason.to_owned() }));
}

#[tokio::test]
async fn callers_of_a_failed_commit_learn_that_the_outcome_is_unknown_and_others_that_nothing_was_done() {
    let mut log = listen();
    let reason = "state.redb could not be read or written: the disk is gone; check its permissions and the space that is left";
    check(1, Verdict::Fail, reason).await;
    loop {
        let line = log.recv().await.expect("the listener lives as long as the process");
        if line.starts_with("ERROR") && line.contains(reason) {
            break;
        }
    }
}

#[tokio::test]
async fn the_commit_thread_tells_of_a_failed_commit_as_a_driver_does() {
    check(200, Verdict::Fail, "state.redb could not be read or written: the disk is gone; check its permissions and the space that is left").await;
}

#[tokio::test]
async fn a_fenced_runtime_stops() {
    check(2, Verdict::Fence, "the slots 0..4096 were acquired by another runtime").await;
}

#[tokio::test]
async fn a_store_that_panics_has_failed() {
    check(3, Verdict::Panic, "the store panicked: the store panics as it was told to").await;
}

#[tokio::test]
async fn a_store_that_cannot_be_read_stops_the_runtime() {
    let store = Scripted::new(MemoryStore::new());
    let runtime = open(store.clone()).await;
    let client = runtime.client();
    client.entity::<Probe>("alice").add(1).await.expect("the store is well");
    store.on_read(|| Verdict::Fail);
    let error = client.entity::<Probe>("bob").add(1).await.expect_err("bob cannot be loaded");
    assert_eq!(error, CallError::Stopped);
    let reason = "state.redb could not be read or written: the disk is gone; check its permissions and the space that is left".to_owned();
    assert_eq!(runtime.closed().await, Closed::Failed { reason });
}

#[tokio::test]
async fn who_waits_for_a_run_is_told_when_the_runtime_fails_although_an_operation_does_not_return() {
    let store = Scripted::new(MemoryStore::new());
    let runtime = builder().shards(2).open_store(store.clone()).await.expect("a store in memory opens");
    let client = runtime.client();
    let half = |address: Address| address.slot().number() / 2048;
    let mut names = (0..).map(|n| format!("half-{n}"));
    let key = names.find(|key| half(Address::entity("probe", key).expect("valid")) == 0);
    let id = names.find(|id| half(Address::run(&RunId::new(id).expect("valid"))) == 1);
    let (key, id) = (key.expect("half of all keys"), id.expect("half of all ids"));
    let run = client.start(gather, 1_usize).id(id).await.expect("the store is well");
    let mut waiting = run.result().into_future();
    assert!(futures::poll!(&mut waiting).is_pending());
    let mut held = hold(&key);
    let mut call = client.entity::<Probe>(&key).hook().into_future();
    assert!(futures::poll!(&mut call).is_pending());
    held.entered().await;
    store.on_commit(|| Verdict::Fail);
    assert_eq!(run.raise("go", &1_u64).await, Err(CallError::OutcomeUnknown));
    assert_eq!(waiting.await, Err(CallError::Stopped));
    held.release();
    assert!(call.await.is_err());
}

#[tokio::test]
async fn what_was_acknowledged_before_a_failure_is_there_at_the_next_open() {
    let store = MemoryStore::new();
    let scripted = Scripted::new(store.clone());
    let runtime = open(scripted.clone()).await;
    let alice = runtime.client().entity::<Probe>("alice");
    let mut acknowledged = 0;
    let mut commits = 0;
    scripted.on_commit(move || {
        commits += 1;
        if commits == 5 { Verdict::Fail } else { Verdict::Pass }
    });
    while alice.add(1).await.is_ok() {
        acknowledged += 1;
    }
    drop(runtime);
    let runtime = open(store.reopen()).await;
    assert_eq!(runtime.client().entity::<Probe>("alice").total().await, Ok(acknowledged));
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_batch_that_waits_for_the_commit_of_another_shard_follows_it() {
    let store = Scripted::new(MemoryStore::new());
    let runtime = builder().shards(2).open_store(store.clone()).await.expect("a store in memory opens");
    let client = runtime.client();
    let key = |shard: u16| {
        let keys = (0..).map(|n| format!("key-{n}"));
        let slot = |key: &str| Address::entity("probe", key).expect("valid").slot().number();
        keys.into_iter().find(|key| slot(key) / 2048 == shard).expect("half of all keys")
    };
    let [first, second] = [0, 1].map(|shard| client.entity::<Probe>(key(shard)));
    second.add(0).await.expect("the store is well");
    let (mut begun, judge) = block_commits(&store);
    let mut blocked = first.add(1).signal();
    assert!(futures::poll!(&mut blocked).is_pending());
    begun.recv().await.expect("a commit begins");
    let mut waiting = second.add(1).signal();
    assert!(futures::poll!(&mut waiting).is_pending());
    judge.send(Verdict::Pass).expect("a commit waits");
    begun.recv().await.expect("the batch of the other shard follows");
    judge.send(Verdict::Pass).expect("a commit waits");
    assert_eq!((blocked.await, waiting.await), (Ok(()), Ok(())));
    drop(judge);
    runtime.shutdown().await.expect("nothing is in the way");
}
