//! Locks, as they are listed.

use crate::support::{Probe, act, builder, fresh, hold_act, listen, locked};
use sarsen_macros::{activity, orchestration};
use sarsen_runtime::{ActivityContext, CallError, Client, Context, Limits, LockStage, Runtime};
use sarsen_storage::MemoryStore;
use std::time::Duration;

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

/// The locks of the entities whose keys begin so: key, run, stage.
async fn listed(client: &Client, prefix: &str) -> Vec<(String, String, LockStage)> {
    let locks = client.locks().await.expect("they can be read");
    let of_test = locks.into_iter().filter(|lock| lock.entity.key().starts_with(prefix));
    of_test.map(|lock| (lock.entity.key().to_owned(), lock.run.to_string(), lock.stage)).collect()
}

fn lock(key: &str, run: &str, stage: LockStage) -> (String, String, LockStage) {
    (key.to_owned(), run.to_owned(), stage)
}

#[tokio::test]
async fn locks_are_listed_with_who_holds_and_who_waits_in_their_order() {
    let runtime = fresh().await;
    let client = runtime.client();
    let mut held = hold_act("l-b");
    let keys = |keys: &[&str]| -> Vec<String> { keys.iter().map(|key| (*key).to_owned()).collect() };
    let first = client.start(locked, keys(&["l-a", "l-b"])).id("first").await.expect("it starts");
    held.entered().await;
    let second = client.start(locked, keys(&["l-c", "l-b"])).id("second").await.expect("it starts");
    let third = client.start(locked, keys(&["l-b"])).id("third").await.expect("it starts");
    let expected = [
        lock("l-a", "first", LockStage::Held),
        lock("l-b", "first", LockStage::Held),
        lock("l-b", "second", LockStage::Waiting { place: 1 }),
        lock("l-b", "third", LockStage::Waiting { place: 2 }),
    ];
    assert_eq!(listed(&client, "l-").await, expected);
    let infos = client.locks().await.expect("they can be read");
    assert!(infos.windows(2).all(|pair| pair[0].entity <= pair[1].entity));
    third.terminate(&()).await.expect("it is running");
    third.result().await.expect_err("it was ended");
    assert_eq!(listed(&client, "l-").await, expected[..3], "nothing is left of it");
    held.release(2);
    first.result().await.expect("it returns").expect("it is not refused");
    second.result().await.expect("it returns").expect("it is not refused");
    assert_eq!(listed(&client, "l-").await, []);
    assert_eq!(client.entity::<Probe>("l-b").total().await, Ok(2));
    end(runtime).await;
}

#[tokio::test]
async fn a_lock_is_held_over_a_restart_and_given_back_by_its_owners_end() {
    let store = MemoryStore::new();
    let mut held = hold_act("r-a");
    let runtime = builder().open_store(store.clone()).await.expect("a store in memory opens");
    runtime.client().start(locked, vec!["r-a".to_owned()]).id("owner").await.expect("it starts");
    held.entered().await;
    end(runtime).await;
    let runtime = builder().shards(2).open_store(store.reopen()).await.expect("a store in memory opens");
    let client = runtime.client();
    assert_eq!(listed(&client, "r-").await, [lock("r-a", "owner", LockStage::Held)]);
    let owner = client.run(locked, "owner");
    owner.terminate(&()).await.expect("it is running");
    owner.result().await.expect_err("it was ended");
    assert_eq!(client.entity::<Probe>("r-a").add(1).await, Ok(1), "the entity is free");
    assert_eq!(listed(&client, "r-").await, []);
    held.release(2);
    end(runtime).await;
}

#[tokio::test]
async fn a_lock_is_releasing_until_its_entity_takes_the_release() {
    let store = MemoryStore::new();
    let mut held = hold_act("q-a");
    let runtime = builder().open_store(store.clone()).await.expect("a store in memory opens");
    runtime.client().start(locked, vec!["q-a".to_owned()]).id("gone").await.expect("it starts");
    held.entered().await;
    end(runtime).await;

    let without = Runtime::builder().orchestration(locked).activity(act).open_store(store.reopen()).await;
    let runtime = without.expect("a store in memory opens");
    let client = runtime.client();
    held.entered().await;
    let owner = client.run(locked, "gone");
    owner.terminate(&()).await.expect("it is running");
    owner.result().await.expect_err("it was ended");
    assert_eq!(listed(&client, "q-").await, [lock("q-a", "gone", LockStage::Releasing)]);
    end(runtime).await;

    let runtime = builder().open_store(store.reopen().reopen()).await.expect("a store in memory opens");
    let client = runtime.client();
    assert_eq!(client.entity::<Probe>("q-a").add(1).await, Ok(1), "the entity is free");
    assert_eq!(listed(&client, "q-").await, []);
    held.release(2);
    end(runtime).await;
}

#[activity(crate = "sarsen_runtime")]
async fn calls_back(cx: ActivityContext, key: String) -> Result<String, CallErrorText> {
    let probe = cx.client().entity::<Probe>(&key);
    probe.note(1).signal().await.map_err(|error| CallErrorText(error.to_string()))?;
    match probe.add(1).await {
        Ok(_) => Ok("it was answered".to_owned()),
        Err(error @ CallError::WouldDeadlock { .. }) => Ok(error.to_string()),
        Err(error) => Err(CallErrorText(error.to_string())),
    }
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct CallErrorText(String);

impl std::fmt::Display for CallErrorText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[orchestration(crate = "sarsen_runtime")]
async fn calls_itself(cx: Context, key: String) -> String {
    let held = cx.lock([cx.entity::<Probe>(&key)]).await.expect("it is registered");
    let told = cx.activity(calls_back, &key).await.expect("it is registered").expect("it is refused by name");
    held.release();
    let free = cx.activity(calls_back, &key).await.expect("it is registered").expect("the entity is free");
    format!("{told}; {free}")
}

#[tokio::test]
async fn an_activity_that_calls_what_its_own_run_has_locked_is_refused() {
    let opened =
        builder().orchestration(calls_itself).activity(calls_back).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let client = runtime.client();
    let run = client.start(calls_itself, "own").id("itself").await.expect("it starts");
    let told = run.result().await.expect("it does not hang");
    assert_eq!(
        told,
        "calling @probe@own would wait for run `itself`, which holds its lock and waits for this work: signal it, or call it from the orchestration; it was answered"
    );
    let state = client.entity::<Probe>("own").state().await.expect("it can be read").expect("it exists");
    assert_eq!((state.total, state.notes), (1, vec![1, 1]), "signals are done when the lock is given back");
    end(runtime).await;
}

#[orchestration(crate = "sarsen_runtime")]
async fn robbed(cx: Context, key: String) -> String {
    let held = cx.lock([cx.entity::<Probe>(&key)]).await.expect("it is registered");
    cx.event::<()>("go").await.expect("it is raised");
    let told = held.refs()[0].add(1).await;
    format!("{:?}", told.map_err(|error| error.failure().map(|failure| failure.kind)))
}

#[tokio::test]
async fn an_operator_takes_the_lock_of_a_run_that_is_stuck() {
    let opened = builder().orchestration(robbed).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let client = runtime.client();
    let run = client.start(robbed, "f-a").id("stuck").await.expect("it starts");
    while listed(&client, "f-").await.is_empty() {}
    let locks = client.locks().await.expect("they can be read");
    let held = locks.into_iter().find(|lock| lock.entity.key() == "f-a").expect("it is held");
    assert_eq!(client.force_release(&held).await, Ok(true));
    assert_eq!(listed(&client, "f-").await, []);
    assert_eq!(client.entity::<Probe>("f-a").add(1).await, Ok(1), "the entity is free");
    assert_eq!(client.force_release(&held).await, Ok(false), "it is nobody's now");
    run.raise("go", &()).await.expect("it waits");
    assert_eq!(run.result().await.expect("it goes on"), "Err(Some(LockLost))");
    end(runtime).await;
}

/// The log, the counter and the listing say so; the owner is not disturbed.
#[tokio::test]
async fn an_owner_that_holds_a_lock_for_long_is_named() {
    let mut log = listen();
    let soon = |limits: &mut Limits| limits.lock_held_report_after = Duration::from_millis(2);
    let opened = builder().limits(soon).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let client = runtime.client();
    let mut held = hold_act("o-a");
    let owner = client.start(locked, vec!["o-a".to_owned()]).id("holds-on").await.expect("it starts");
    held.entered().await;
    let line = loop {
        let line = log.recv().await.expect("the listener lives as long as the process");
        if line.contains("@probe@o-a") {
            break line;
        }
    };
    assert!(line.starts_with("WARN") && line.contains("run=holds-on"), "{line}");
    assert_eq!(client.stats().await.expect("it is open").locks_overdue, 1);
    let locks = client.locks().await.expect("they can be read");
    assert!(locks.iter().all(|lock| lock.overdue && lock.stage == LockStage::Held), "{locks:?}");
    held.release(2);
    owner.result().await.expect("it returns").expect("it is not refused");
    assert_eq!(client.entity::<Probe>("o-a").total().await, Ok(1));
    end(runtime).await;
}
