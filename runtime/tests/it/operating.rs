//! Operations that run off their shards: asynchronous ones, and those that block.

use crate::support::{LONG, Probe, Refused, builder as plain};
use sarsen_macros::{Entity, operations, orchestration};
use sarsen_runtime::{
    Builder, CallError, Context, FailureKind, OperationContext, Runtime, ShutdownError, Timestamp,
};
use sarsen_storage::MemoryStore;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    future::{Future, IntoFuture, pending},
    pin::Pin,
    sync::{Arc, Mutex, mpsc as blocking},
    time::Duration,
};
use tokio::sync::mpsc;

type Coming = Pin<Box<dyn Future<Output = Result<u64, Refused>> + Send>>;
type Source = Arc<dyn Fn(OperationContext) -> Coming + Send + Sync>;

static SOURCES: Mutex<BTreeMap<String, Source>> = Mutex::new(BTreeMap::new());

/// Where the device `key` gets its readings. Tests share a process, so each has keys of its own.
fn on_fetch<F>(key: &str, source: impl Fn(OperationContext) -> F + Send + Sync + 'static)
where
    F: Future<Output = Result<u64, Refused>> + Send + 'static,
{
    let source: Source = Arc::new(move |cx| Box::pin(source(cx)));
    SOURCES.lock().expect("no source runs under the lock").insert(key.to_owned(), source);
}

/// A source that says when it is asked and waits for what it gives.
struct Held {
    asked: mpsc::UnboundedReceiver<()>,
    give: mpsc::UnboundedSender<u64>,
}

fn hold_fetch(key: &str) -> Held {
    let (ask, asked) = mpsc::unbounded_channel();
    let (give, given) = mpsc::unbounded_channel();
    let given = Arc::new(tokio::sync::Mutex::new(given));
    on_fetch(key, move |_| {
        let (ask, given) = (ask.clone(), Arc::clone(&given));
        async move {
            // The test may be over already.
            let _ = ask.send(());
            given.lock().await.recv().await.ok_or(Refused { code: 0 })
        }
    });
    Held { asked, give }
}

impl Held {
    async fn asked(&mut self) {
        self.asked.recv().await.expect("the source lives as long as the process");
    }

    fn give(&self, reading: u64) {
        self.give.send(reading).expect("the source lives as long as the process");
    }
}

#[derive(Entity, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[entity(crate = "sarsen_runtime")]
struct Device {
    readings: Vec<u64>,
}

#[operations(crate = "sarsen_runtime")]
impl Device {
    async fn fetch(&mut self, cx: OperationContext) -> Result<u64, Refused> {
        let source = SOURCES.lock().expect("no source runs under the lock").get(cx.key()).cloned();
        let reading = source.expect("the test has one")(cx.clone()).await?;
        self.readings.push(reading);
        cx.entity::<Probe>(cx.key()).add(reading).signal();
        Ok(reading)
    }

    #[operation(timeout = "50ms")]
    async fn hurried(&mut self, cx: OperationContext) -> Result<u64, Refused> {
        self.fetch(cx).await
    }

    async fn newest(&self) -> Option<u64> {
        self.readings.last().copied()
    }

    #[operation(blocking)]
    fn grind(&mut self, cx: OperationContext) -> usize {
        let gate = GATES.lock().expect("nobody panics here").remove(cx.key());
        if let Some((enter, leave)) = gate {
            enter.send(()).expect("the test waits");
            leave.recv().expect("the test lets it go");
        }
        self.readings.sort_unstable();
        self.readings.len()
    }

    fn note(&mut self, reading: u64) {
        self.readings.push(reading);
    }
}

type Gate = (mpsc::UnboundedSender<()>, blocking::Receiver<()>);

static GATES: Mutex<BTreeMap<String, Gate>> = Mutex::new(BTreeMap::new());

fn builder() -> Builder {
    plain().entity::<Device>().orchestration(measures)
}

async fn open(store: MemoryStore) -> Runtime {
    builder().open_store(store).await.expect("a store in memory opens")
}

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn an_async_operation_keeps_its_entity_busy_and_nobody_else() {
    let runtime = open(MemoryStore::new()).await;
    let client = runtime.client();
    let (device, other) = (client.entity::<Device>("busy"), client.entity::<Device>("other"));
    let mut held = hold_fetch("busy");
    device.note(1).signal().await.expect("it is accepted");
    let fetched = tokio::spawn(device.fetch().into_future());
    held.asked().await;
    let noted = tokio::spawn(device.note(3).into_future());
    other.note(7).await.expect("it is not held up");
    assert_eq!(device.state().await.expect("it is read").map(|device| device.readings), Some(vec![1]));
    assert_eq!(client.stats().await.expect("it runs").operations_running, 1);
    assert!(!noted.is_finished());
    held.give(2);
    assert_eq!(fetched.await.expect("it does not panic"), Ok(Ok(2)));
    noted.await.expect("it does not panic").expect("it has its turn");
    assert_eq!(device.newest().await, Ok(Some(3)));
    let state = device.state().await.expect("it is read");
    assert_eq!(state.map(|device| device.readings), Some(vec![1, 2, 3]), "in their order");
    assert_eq!(client.entity::<Probe>("busy").total().await, Ok(2), "what it sent has come");
    end(runtime).await;
}

#[tokio::test]
async fn an_error_of_an_async_operation_arrives_as_its_type_and_undoes_it() {
    let runtime = open(MemoryStore::new()).await;
    let device = runtime.client().entity::<Device>("refuses");
    on_fetch("refuses", |_| async { Err(Refused { code: 9 }) });
    assert_eq!(device.fetch().await, Ok(Err(Refused { code: 9 })));
    on_fetch("refuses", |_| async { panic!("as it was told to") });
    let error = device.fetch().await.expect_err("it panics");
    assert!(error.to_string().ends_with("panicked: as it was told to"), "{error}");
    assert_eq!(device.state().await, Ok(None));
    end(runtime).await;
}

#[tokio::test]
async fn what_is_under_way_when_the_process_ends_is_done_again_and_counts_once() {
    let store = MemoryStore::new();
    let mut held = hold_fetch("again");
    let runtime = open(store.clone()).await;
    let device = runtime.client().entity::<Device>("again");
    device.fetch().idempotency_key("k").signal().await.expect("it is accepted");
    device.note(2).signal().await.expect("it is accepted");
    held.asked().await;
    drop(runtime);
    let runtime = open(store.reopen()).await;
    held.asked().await;
    // The first of the two that have asked has nobody left to tell.
    held.give(8);
    held.give(9);
    let device = runtime.client().entity::<Device>("again");
    let again = device.fetch().idempotency_key("k").await;
    let readings = device.state().await.expect("it is read").expect("it is there").readings;
    assert_eq!(readings.len(), 2, "{readings:?}");
    assert_eq!((again, readings[1]), (Ok(Ok(readings[0])), 2));
    end(runtime).await;
}

#[tokio::test]
async fn a_timeout_fails_the_operation_and_cancels_its_token() {
    let runtime = open(MemoryStore::new()).await;
    let device = runtime.client().entity::<Device>("hurried");
    let (tell, mut told) = mpsc::unbounded_channel();
    on_fetch("hurried", move |cx| {
        let tell = tell.clone();
        async move {
            cx.cancelled().await;
            tell.send(cx.is_cancelled()).expect("the test waits");
            Ok(1)
        }
    });
    let error = device.hurried().await.expect_err("its time is over");
    let CallError::Failed { failure, .. } = &error else { panic!("it has failed, not {error}") };
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert_eq!(told.recv().await, Some(true));
    device.note(5).await.expect("the entity goes on");
    let state = device.state().await.expect("it is read");
    assert_eq!(state.map(|device| device.readings), Some(vec![5]), "what it returned is dropped");
    end(runtime).await;
}

#[tokio::test]
async fn code_that_goes_on_past_its_time_is_counted_until_it_ends() {
    let runtime = open(MemoryStore::new()).await;
    let (client, device) = (runtime.client(), runtime.client().entity::<Device>("stubborn"));
    let counted = async || {
        let stats = client.stats().await.expect("it is open");
        (stats.operations_running, stats.operations_overrun)
    };
    let mut held = hold_fetch("stubborn");
    let failed = tokio::spawn(device.hurried().into_future());
    held.asked().await;
    failed.await.expect("it does not panic").expect_err("its time is over");
    while counted().await != (0, 1) {
        tokio::task::yield_now().await;
    }
    let next = tokio::spawn(device.fetch().into_future());
    while counted().await != (1, 1) {
        tokio::task::yield_now().await;
    }
    held.give(1);
    held.asked().await;
    held.give(2);
    assert_eq!(next.await.expect("it does not panic"), Ok(Ok(2)), "what is late is dropped");
    while counted().await != (0, 0) {
        tokio::task::yield_now().await;
    }
    end(runtime).await;
}

/// A copy in a task that an operation has spawned waited for ever.
#[tokio::test]
async fn a_copy_of_the_context_is_cancelled_when_its_operation_has_ended() {
    let runtime = open(MemoryStore::new()).await;
    let device = runtime.client().entity::<Device>("outlived");
    let (hand, mut handed) = mpsc::unbounded_channel();
    on_fetch("outlived", move |cx| {
        let hand = hand.clone();
        async move {
            assert!(!cx.is_cancelled());
            hand.send(cx).expect("the test waits");
            Ok(1)
        }
    });
    assert_eq!(device.fetch().await, Ok(Ok(1)));
    let copy = handed.recv().await.expect("it was asked");
    copy.cancelled().await;
    assert!(copy.is_cancelled());
    copy.entity::<Device>("outlived").note(9).signal();
    let readings = device.state().await.expect("it is read").map(|device| device.readings);
    assert_eq!(readings, Some(vec![1]), "what a copy sends behind the end is dropped");
    end(runtime).await;
}

#[tokio::test]
async fn an_operation_asks_others_through_its_client_but_not_itself() {
    let runtime = open(MemoryStore::new()).await;
    let device = runtime.client().entity::<Device>("asks");
    on_fetch("asks", |cx| async move {
        assert!(cx.now() > Timestamp::default());
        let (client, key) = (cx.client(), cx.key().to_owned());
        let own = client.entity::<Device>(&key);
        let refused = own.newest().await.expect_err("it would wait for itself");
        assert_eq!(
            refused.to_string(),
            "calling @device@asks would wait for its own operation that makes the call: signal it through the \
             operation's context"
        );
        let cancelled = client.cancel_scheduled(&own, "later").await.expect_err("it would wait for itself");
        assert_eq!(cancelled, refused);
        assert_eq!(own.state().await, Ok(None), "but it may look");
        Ok(client.entity::<Probe>(&key).add(40).await.expect("another entity answers"))
    });
    assert_eq!(device.fetch().await, Ok(Ok(40)));
    end(runtime).await;
}

#[orchestration(crate = "sarsen_runtime")]
async fn measures(cx: Context, key: String) -> Result<u64, Refused> {
    let held = cx.lock((cx.entity::<Device>(&key), cx.entity::<Probe>(&key))).await;
    let held = held.map_err(|_| Refused { code: 1 })?;
    let (device, _) = held.refs();
    device.fetch().await.map_err(|_| Refused { code: 2 })?
}

#[tokio::test]
async fn a_call_of_what_its_own_orchestration_has_locked_would_wait_for_ever() {
    let runtime = open(MemoryStore::new()).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    on_fetch("locked", move |cx| {
        let tell = tell.clone();
        async move {
            let refused = cx.client().entity::<Probe>(cx.key()).add(1).await;
            tell.send(refused).expect("the test waits");
            Ok(3)
        }
    });
    let run = runtime.client().start(measures, "locked").await.expect("it starts");
    assert_eq!(run.result().await, Ok(Ok(3)));
    let refused = told.recv().await.expect("it was asked");
    assert!(matches!(refused, Err(CallError::WouldDeadlock { run: Some(_), .. })), "{refused:?}");
    end(runtime).await;
}

#[tokio::test]
async fn a_lock_is_free_at_once_when_its_owner_ends_although_the_entity_is_busy() {
    let runtime = open(MemoryStore::new()).await;
    let client = runtime.client();
    let mut held = hold_fetch("ended");
    let run = client.start(measures, "ended").id("owner").await.expect("it starts");
    held.asked().await;
    run.terminate(&()).await.expect("it is running");
    run.result().await.expect_err("it was ended");
    let locks = client.locks().await.expect("they can be read");
    assert!(locks.iter().all(|lock| lock.entity.key() != "ended"), "{locks:?}");
    assert_eq!(client.entity::<Probe>("ended").add(1).await, Ok(1), "the other entity is free");
    held.give(6);
    assert_eq!(client.entity::<Device>("ended").newest().await, Ok(Some(6)), "its outcome counts");
    end(runtime).await;
}

#[tokio::test]
async fn a_blocking_operation_holds_up_neither_its_shard_nor_tokio() {
    let runtime = open(MemoryStore::new()).await;
    let device = runtime.client().entity::<Device>("grinds");
    for reading in [3, 1, 2] {
        device.note(reading).await.expect("it is accepted");
    }
    let (enter, mut entered) = mpsc::unbounded_channel();
    let (leave, left) = blocking::channel();
    GATES.lock().expect("nobody panics here").insert("grinds".to_owned(), (enter, left));
    let ground = tokio::spawn(device.grind().into_future());
    entered.recv().await.expect("it runs");
    runtime.client().entity::<Device>("beside").note(1).await.expect("its shard goes on");
    leave.send(()).expect("it waits");
    assert_eq!(ground.await.expect("it does not panic"), Ok(3));
    let state = device.state().await.expect("it is read");
    assert_eq!(state.map(|device| device.readings), Some(vec![1, 2, 3]));
    end(runtime).await;
}

#[tokio::test]
async fn a_shutdown_waits_for_what_is_under_way() {
    let runtime = open(MemoryStore::new()).await;
    let device = runtime.client().entity::<Device>("awaited");
    let mut held = hold_fetch("awaited");
    let fetched = tokio::spawn(device.fetch().into_future());
    held.asked().await;
    let ending = tokio::spawn(runtime.shutdown_within(LONG));
    while device.note(0).signal().await != Err(CallError::Stopped) {
        tokio::task::yield_now().await;
    }
    held.give(4);
    assert_eq!(fetched.await.expect("it does not panic"), Ok(Ok(4)));
    ending.await.expect("it does not panic").expect("all is done in time");
}

#[tokio::test]
async fn accepted_operations_ask_others_until_a_shutdown_is_over() {
    let store = MemoryStore::new();
    let runtime = open(store.clone()).await;
    let device = runtime.client().entity::<Device>("asking");
    let (enter, mut entered) = mpsc::unbounded_channel();
    let (leave, left) = mpsc::unbounded_channel::<()>();
    let left = Arc::new(tokio::sync::Mutex::new(left));
    on_fetch("asking", move |cx| {
        let (enter, left) = (enter.clone(), Arc::clone(&left));
        async move {
            enter.send(()).expect("the test waits");
            left.lock().await.recv().await.expect("the test lets it go");
            Ok(cx.client().entity::<Probe>("asked").add(1).await.expect("it is asked by accepted work"))
        }
    });
    let fetches = [(); 3].map(|()| tokio::spawn(device.fetch().into_future()));
    entered.recv().await.expect("the first runs");
    let ending = tokio::spawn(runtime.shutdown_within(LONG));
    while device.note(0).signal().await != Err(CallError::Stopped) {
        tokio::task::yield_now().await;
    }
    (0..3).for_each(|_| leave.send(()).expect("it waits"));
    for (fetched, total) in fetches.into_iter().zip(1..) {
        assert_eq!(fetched.await.expect("it does not panic"), Ok(Ok(total)));
    }
    ending.await.expect("it does not panic").expect("all is done in time");
}

#[tokio::test]
async fn reminders_of_slow_operations_do_not_keep_a_runtime_from_its_end() {
    let store = MemoryStore::new();
    let runtime = open(store.clone()).await;
    for number in 0..8 {
        let key = format!("reminded-{number}");
        on_fetch(&key, |cx| async move {
            let until = cx.now().after(Duration::from_millis(20));
            while cx.now() < until {
                tokio::task::yield_now().await;
            }
            Ok(1)
        });
        let device = runtime.client().entity::<Device>(&key);
        device.fetch().every(Duration::from_millis(1)).scheduled_as("poll").signal().await.expect("it runs");
    }
    while runtime.client().stats().await.expect("it runs").operations_running == 0 {
        tokio::task::yield_now().await;
    }
    runtime.shutdown_within(LONG).await.expect("no more are begun than were accepted");
    let runtime = open(store.reopen()).await;
    let client = runtime.client();
    let scheduled = client.scheduled(&client.entity::<Device>("reminded-0")).await.expect("it can be read");
    assert_eq!(scheduled.len(), 1, "it goes on");
    end(runtime).await;
}

#[tokio::test]
async fn a_shutdown_with_a_deadline_cancels_what_is_under_way_and_it_runs_at_the_next_open() {
    let store = MemoryStore::new();
    let runtime = open(store.clone()).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    on_fetch("cancelled", move |cx| {
        let tell = tell.clone();
        async move {
            tell.send(false).expect("the test waits");
            cx.cancelled().await;
            tell.send(true).expect("the test waits");
            pending().await
        }
    });
    let device = runtime.client().entity::<Device>("cancelled");
    device.fetch().signal().await.expect("it is accepted");
    assert_eq!(told.recv().await, Some(false));
    let ended = runtime.shutdown_within(Duration::from_millis(20)).await;
    assert!(matches!(ended, Err(ShutdownError::Deadline { .. })), "{ended:?}");
    assert_eq!(told.recv().await, Some(true));
    on_fetch("cancelled", |_| async { Ok(1) });
    let runtime = open(store.reopen()).await;
    assert_eq!(runtime.client().entity::<Device>("cancelled").newest().await, Ok(Some(1)));
    end(runtime).await;
}
