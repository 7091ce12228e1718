//! What keeps a runtime from ending in good order.

use crate::{
    calls::{failing, valve},
    office::{Asking, Step, begin, clerk, hold, open, open_on, tamper},
    told::{Told, told},
};
use sarsen_protocol::{Keyspace, SlotRange};
use sarsen_storage::{MemoryStore, Store};
use std::{pin::pin, time::Duration};

pub(crate) async fn too_much_work() -> Told {
    let runtime = open().await;
    clerk(&runtime).circle().signal().await.expect("a clerk may write to itself for ever");
    told(runtime.shutdown_within(Duration::ZERO).await)
}

/// With tokio's clock paused, the time passes as soon as nothing else can happen.
pub(crate) async fn stuck_operation() -> Told {
    let runtime = open().await;
    let valve = hold(&clerk(&runtime)).await;
    tokio::time::pause();
    let told = told(runtime.shutdown().await);
    valve.open();
    told
}

pub(crate) async fn stuck_store() -> Told {
    let (valve, passes) = valve();
    let pass_commits = move |step: Step<'_>| {
        if let Step::Commit = step {
            passes.pass();
        }
        Ok(())
    };
    let runtime = open_on(Asking::new(pass_commits), |_| {}).await;
    valve.close();
    begin(pin!(clerk(&runtime).add(1.0).signal())).await;
    valve.wait_for_somebody();
    tokio::time::pause();
    let told = told(runtime.shutdown().await);
    valve.open();
    told
}

pub(crate) async fn failed_store() -> Told {
    let runtime = failing().await;
    told(clerk(&runtime).add(1.0).await);
    told(runtime.shutdown().await)
}

pub(crate) async fn store_with_another_owner() -> Told {
    let store = MemoryStore::new();
    let runtime = open_on(store.clone(), |_| {}).await;
    store.acquire(SlotRange::ALL).expect("a store in memory does not fail");
    told(clerk(&runtime).add(1.0).await);
    told(runtime.shutdown().await)
}

pub(crate) async fn damaged_row() -> Told {
    let store = MemoryStore::new();
    tamper(&store, Keyspace::Dead, b"\0\0short", &[]);
    let runtime = open_on(store, |_| {}).await;
    runtime.closed().await;
    told(runtime.shutdown().await)
}
