//! The ways in which a runtime ends in good order.

use crate::support::{LONG, Probe, builder, fresh, hold, listen, open};
use futures::future::join_all;
use sarsen_entities::{Entity, EntityType, NamedEntity, Operations, Port, Returns};
use sarsen_protocol::CallError;
use sarsen_runtime::{Closed, Runtime, ShutdownError};
use sarsen_storage::MemoryStore;
use serde::{Deserialize, Serialize};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

#[tokio::test]
async fn a_shutdown_finishes_what_was_accepted_and_takes_nothing_more() {
    let store = MemoryStore::new();
    let runtime = open(store.clone()).await;
    let client = runtime.client();
    let mut held = hold("drain");
    let busy = tokio::spawn(client.entity::<Probe>("drain").hook().into_future());
    held.entered().await;
    let alice = client.entity::<Probe>("alice");
    let mut signals: Vec<_> = (1..=300).map(|note| alice.note(note).signal()).collect();
    for signal in &mut signals {
        assert!(futures::poll!(signal).is_pending());
    }
    let mut ending = Box::pin(runtime.shutdown_within(LONG));
    assert!(futures::poll!(&mut ending).is_pending());
    assert_eq!(alice.add(1).await, Err(CallError::Stopped));
    held.release();
    ending.await.expect("it drains");
    busy.await.expect("no panic").expect("it was accepted");
    for told in join_all(signals).await {
        told.expect("it was taken before the shutdown");
    }
    let runtime = open(store.reopen()).await;
    let state = runtime.client().entity::<Probe>("alice").state().await.expect("it can be read");
    assert_eq!(state.expect("it exists").notes, (1..=300).collect::<Vec<_>>());
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_shutdown_leaves_delayed_signals_for_the_next_open() {
    let store = MemoryStore::new();
    let runtime = open(store.clone()).await;
    runtime.client().entity::<Probe>("alice").add(1).after(LONG).signal().await.expect("it is durable");
    runtime.shutdown_within(LONG).await.expect("it does not wait for an hour");
    let runtime = open(store.reopen()).await;
    while runtime.client().stats().await.expect("it runs").timers == 0 {
        tokio::task::yield_now().await;
    }
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_dropped_runtime_loses_nothing_acknowledged() {
    let place = tempfile::tempdir().expect("a temporary directory");
    for round in 1..=3 {
        let runtime = builder().open(place.path()).await.expect("a dropped directory opens at once");
        let alice = runtime.client().entity::<Probe>("alice");
        alice.add(1).signal().await.expect("it is durable");
        assert_eq!(alice.total().await, Ok(round));
        let closed = {
            let unfinished = alice.add(0).signal();
            drop(runtime);
            unfinished.await
        };
        assert_eq!(closed, Err(CallError::Stopped));
    }
}

#[tokio::test]
async fn a_dropped_runtime_leaves_no_request_without_an_answer() {
    let runtime = fresh().await;
    let alice = runtime.client().entity::<Probe>("alice");
    let mut held = hold("dropped");
    let busy = tokio::spawn(runtime.client().entity::<Probe>("dropped").hook().signal());
    held.entered().await;
    // More than a driver takes at once.
    let mut signals: Vec<_> = (0..3000).map(|note| alice.note(note).signal()).collect();
    for signal in &mut signals {
        assert!(futures::poll!(signal).is_pending());
    }
    let ending = tokio::task::spawn_blocking(move || drop(runtime));
    while futures::poll!(&mut Box::pin(alice.add(1).into_future())).is_pending() {
        tokio::task::yield_now().await;
    }
    held.release();
    ending.await.expect("no panic");
    busy.await.expect("no panic").expect("what has run is committed");
    for told in join_all(signals).await {
        assert!(matches!(told, Ok(()) | Err(CallError::Stopped)), "{told:?}");
    }
}

#[tokio::test]
async fn a_shutdown_past_its_time_stops_and_the_rest_goes_on_at_the_next_open() {
    let store = MemoryStore::new();
    let runtime = open(store.clone()).await;
    runtime.client().entity::<Probe>("ping").volley("pong").signal().await.expect("it is durable");
    let within = Duration::from_millis(5);
    assert_eq!(runtime.shutdown_within(within).await, Err(ShutdownError::Deadline { within }));
    let runtime = open(store.reopen()).await;
    let ping = runtime.client().entity::<Probe>("ping");
    let before = ping.total().await.expect("it is there");
    while ping.total().await.expect("it is there") <= before + 10 {}
    drop(runtime);
}

#[tokio::test]
async fn clients_that_outlive_their_runtime_are_told_so() {
    let runtime = fresh().await;
    let client = runtime.client();
    let alice = client.entity::<Probe>("alice");
    runtime.shutdown().await.expect("nothing is in the way");
    assert_eq!(alice.add(1).await, Err(CallError::Stopped));
    assert_eq!(alice.add(1).signal().await, Err(CallError::Stopped));
    assert_eq!(alice.state().await, Err(CallError::Stopped));
    assert!(CallError::Stopped.is_retryable());
}

#[tokio::test]
async fn who_waits_for_the_end_is_told_of_it() {
    let runtime = fresh().await;
    let mut end = Box::pin(runtime.closed());
    assert!(futures::poll!(&mut end).is_pending());
    drop(end);
    runtime.shutdown().await.expect("nothing is in the way");
    assert_ne!(Closed::Stopped, Closed::Failed { reason: String::new() });
}

/// What an earlier life has left is looked for at each open, and must not hold up a shutdown of nothing.
#[tokio::test]
async fn a_runtime_that_is_shut_down_at_once_ends_in_good_order() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let runtime = builder().shards(2).open(place.path()).await.expect("a new directory opens");
    let client = runtime.client();
    let key = |n: u64| format!("key-{n}");
    let signals = (0..3_000).map(|n| {
        let probe = client.entity::<Probe>(key(n));
        let add = probe.add(n).idempotency_key(key(n)).signal();
        let later = probe.note(n).after(LONG).idempotency_key(format!("late-{n}")).signal();
        async { (add.await, later.await) }
    });
    for told in join_all(signals).await {
        assert_eq!(told, (Ok(()), Ok(())));
    }
    runtime.shutdown().await.expect("nothing is in the way");
    for shards in [2, 1, 3] {
        let runtime = builder().shards(shards).open(place.path()).await.expect("it opens");
        runtime.shutdown().await.expect("nothing was asked of it");
    }
    let runtime = builder().open(place.path()).await.expect("it opens");
    let client = runtime.client();
    while client.stats().await.expect("it runs").timers < 3_000 {
        tokio::task::yield_now().await;
    }
    for n in [0, 1_234, 2_999] {
        let probe = client.entity::<Probe>(key(n));
        assert_eq!(probe.add(n).idempotency_key(key(n)).await, Ok(n), "a repeat");
        assert_eq!(probe.total().await, Ok(n));
    }
    runtime.shutdown().await.expect("nothing is in the way");
}

/// Panics when it is dropped, once, as soon as it is told to.
#[derive(Clone, Serialize, Deserialize)]
struct Brittle;

static BREAKS: AtomicBool = AtomicBool::new(false);

impl Drop for Brittle {
    fn drop(&mut self) {
        assert!(!BREAKS.swap(false, Ordering::Relaxed), "it breaks");
    }
}

impl EntityType for Brittle {
    const NAME: &'static str = "brittle";
    type Ref<P: Port> = NamedEntity<P>;

    fn refer<P: Port>(port: P) -> NamedEntity<P> {
        NamedEntity::new(port)
    }
}

impl Entity for Brittle {
    fn initial(_key: &str) -> Self {
        Self
    }

    fn operations() -> Operations<Self> {
        Operations::new().update("touch", Returns::value(), |_: &mut Self, _, ()| ())
    }
}

/// A panic while a driver was dropped left the other threads and the directory's lock behind.
#[tokio::test]
async fn a_state_that_panics_when_it_is_dropped_at_the_end_holds_nothing_up() {
    let mut log = listen();
    let place = tempfile::tempdir().expect("a temporary directory");
    let builder = || Runtime::builder().entity::<Brittle>();
    let runtime = builder().open(place.path()).await.expect("a new directory opens");
    let touch = runtime.client().entity::<Brittle>("it").operation::<()>("touch", &());
    touch.await.expect("it is done");
    BREAKS.store(true, Ordering::Relaxed);
    runtime.shutdown().await.expect("all was done before");
    assert!(!BREAKS.load(Ordering::Relaxed), "it was dropped");
    while !log.recv().await.expect("the listener lives as long as the process").contains("it breaks") {}
    let runtime = builder().open(place.path()).await.expect("a closed directory opens at once");
    runtime.shutdown().await.expect("nothing is in the way");
}
