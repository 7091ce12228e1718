//! The errors of users arrive at the caller as their own Rust type, undo their operation, and stay the same for
//! whoever asks again.

use crate::{
    entities::{Clerk, Insufficient},
    office::{clerk, open, open_on},
};
use sarsen::{CallError, FailureKind, Runtime};
use sarsen_storage::MemoryStore;
use std::path::Path;

fn missing(missing: f64) -> Result<f64, Insufficient> {
    Err(Insufficient { missing })
}

#[tokio::test]
async fn an_error_arrives_as_its_own_type_and_undoes_its_operation() {
    let runtime = open().await;
    let clerk = clerk(&runtime);
    assert_eq!(clerk.add(2.0).await, Ok(2.0));
    assert_eq!(clerk.withdraw(5.0).await, Ok(missing(3.0)));
    assert_eq!(clerk.withdraw(1.0).await, Ok(Ok(1.0)));
    assert_eq!(clerk.state().await.expect("all is well").map(|clerk| clerk.sum), Some(1.0));
}

#[tokio::test]
async fn a_failure_that_is_no_error_of_the_user_does_not_arrive_as_one() {
    let runtime = open().await;
    let failed = clerk(&runtime).share(0.0).await.expect_err("the state would be NaN");
    assert_eq!(failed.failure().map(|failure| failure.kind), Some(FailureKind::Unencodable));
}

async fn open_at(path: &Path) -> Runtime {
    Runtime::builder().entity::<Clerk>().open(path).await.expect("the directory is ours")
}

#[tokio::test]
async fn a_repeat_under_a_key_gets_the_first_error_over_a_restart() {
    let directory = tempfile::tempdir().expect("there is a place for temporary files");
    let first = open_at(directory.path()).await;
    assert_eq!(clerk(&first).withdraw(5.0).idempotency_key("rent").await, Ok(missing(5.0)));
    first.shutdown().await.expect("all is well");

    let second = open_at(directory.path()).await;
    let clerk = clerk(&second);
    assert_eq!(clerk.add(10.0).await, Ok(10.0), "the withdrawal was undone");
    assert_eq!(clerk.withdraw(5.0).idempotency_key("rent").await, Ok(missing(5.0)));
    assert_eq!(clerk.withdraw(5.0).idempotency_key("rent, again").await, Ok(Ok(5.0)));
    second.shutdown().await.expect("all is well");
}

#[tokio::test]
async fn a_call_under_the_key_of_a_signal_that_failed_gets_its_error_over_a_restart() {
    let store = MemoryStore::new();
    let first = open_on(store.clone(), |_| {}).await;
    clerk(&first).withdraw(5.0).idempotency_key("rent").signal().await.expect("it is durable");
    first.shutdown().await.expect("all is well");

    let second = open_on(store.reopen(), |_| {}).await;
    assert_eq!(clerk(&second).withdraw(5.0).idempotency_key("rent").await, Ok(missing(5.0)));
    let stats = second.client().stats().await.expect("all is well");
    assert_eq!((stats.dead_letters, stats.keys), (1, 1), "the signal was given up once");
}

#[tokio::test]
async fn a_repeat_under_a_key_gets_the_first_failure_over_a_restart() {
    let store = MemoryStore::new();
    let fall = async |runtime: &Runtime, why: &str| {
        clerk(runtime).fall(why.to_owned()).idempotency_key("fall").await.expect_err("it panics")
    };
    let first = open_on(store.clone(), |_| {}).await;
    let failed = fall(&first, "the till is stuck").await;
    assert_eq!(failed.failure().map(|failure| failure.kind), Some(FailureKind::Panicked));
    first.shutdown().await.expect("all is well");

    let second = open_on(store.reopen(), |_| {}).await;
    assert_eq!(fall(&second, "the till is stuck").await, failed);
    assert!(matches!(fall(&second, "the till is open").await, CallError::KeyReused { .. }));
}
