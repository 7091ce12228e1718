//! Signals that are scheduled under ids, as clients see them.

use crate::support::{LONG, Probe, builder, hold};
use futures::future::join;
use sarsen_runtime::{CallError, Client, Runtime};
use sarsen_storage::MemoryStore;
use std::time::Duration;

async fn open(store: &MemoryStore) -> Runtime {
    builder().open_store(store.clone()).await.expect("a store in memory opens")
}

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

/// What is scheduled at an entity: id, operation, period.
async fn listed(client: &Client, key: &str) -> Vec<(String, String, Option<Duration>)> {
    let scheduled = client.scheduled(&client.entity::<Probe>(key)).await.expect("it can be read");
    scheduled.into_iter().map(|one| (one.id, one.operation, one.every)).collect()
}

fn one(id: &str, operation: &str, every: Option<Duration>) -> (String, String, Option<Duration>) {
    (id.to_owned(), operation.to_owned(), every)
}

#[tokio::test]
async fn what_is_scheduled_is_listed_replaced_and_cancelled_over_a_restart() {
    let store = MemoryStore::new();
    let runtime = open(&store).await;
    let client = runtime.client();
    let probe = client.entity::<Probe>("s-a");
    assert_eq!(listed(&client, "s-a").await, []);
    probe.add(1).after(LONG).scheduled_as("save").signal().await.expect("durable");
    probe.add(2).every(LONG).scheduled_as("poll").signal().await.expect("durable");
    probe.note(3).after(2 * LONG).every(LONG).scheduled_as("save").signal().await.expect("durable");
    end(runtime).await;

    let runtime = open(&store).await;
    let client = runtime.client();
    let probe = client.entity::<Probe>("s-a");
    let expected = [one("poll", "add", Some(LONG)), one("save", "note", Some(LONG))];
    assert_eq!(listed(&client, "s-a").await, expected);
    assert_eq!(probe.state().await, Ok(None), "what is scheduled does not make it exist");
    assert_eq!(client.stats().await.expect("it runs").timers, 2);
    assert_eq!(client.cancel_scheduled(&probe, "poll").await, Ok(true));
    assert_eq!(client.cancel_scheduled(&probe, "poll").timeout(LONG).await, Ok(false));
    assert_eq!(client.cancel_scheduled(&probe, "save").idempotency_key("k").await, Ok(true));
    assert_eq!(client.cancel_scheduled(&probe, "save").idempotency_key("k").await, Ok(true), "a repeat");
    assert_eq!(listed(&client, "s-a").await, []);
    assert_eq!(client.stats().await.expect("it runs").timers, 0);
    end(runtime).await;
}

#[tokio::test]
async fn a_reminder_comes_again_and_again() {
    let runtime = open(&MemoryStore::new()).await;
    let client = runtime.client();
    let mut comes = hold("s-tick");
    let tick = client.entity::<Probe>("s-tick");
    let scheduled = tick.hook().every(Duration::from_millis(1)).scheduled_as("tick").signal();
    // The first may come, and hold the shard, before the commit of what has scheduled it.
    let come = async {
        for _ in 0..3 {
            comes.entered().await;
            comes.release();
        }
        // From here on nobody holds it.
        drop(comes);
    };
    let (scheduled, ()) = join(scheduled, come).await;
    scheduled.expect("durable");
    assert_eq!(client.cancel_scheduled(&tick, "tick").await, Ok(true));
    end(runtime).await;
}

#[tokio::test]
async fn what_cannot_be_scheduled_is_told_by_the_request() {
    let runtime = open(&MemoryStore::new()).await;
    let client = runtime.client();
    let probe = client.entity::<Probe>("s-bad");
    let nameless = probe.add(1).after(LONG).scheduled_as("").signal().await;
    assert!(matches!(nameless, Err(CallError::InvalidSchedule(_))), "{nameless:?}");
    let hasty = probe.add(1).every(Duration::ZERO).scheduled_as("x").idempotency_key("k").signal().await;
    assert!(matches!(hasty, Err(CallError::InvalidSchedule(_))), "{hasty:?}");
    let stray = client.entity::<Probe>("\n");
    assert!(matches!(client.scheduled(&stray).await, Err(CallError::InvalidAddress(_))));
    let cancelled = client.cancel_scheduled(&stray, "x").await;
    assert!(matches!(cancelled, Err(CallError::InvalidAddress(_))), "{cancelled:?}");
    assert_eq!(client.stats().await.expect("it runs").timers, 0);
    end(runtime).await;
}
