//! What keeps a runtime from opening.

use crate::{
    entities::{Clerk, Mumbling, Shouting, Stammering, Stranger},
    told::{Told, told},
    trips::{crying, misled, notify, shouting, trip},
};
use sarsen::{OpenError, Runtime};
use sarsen_storage::Error;
use std::{
    fs, io,
    path::Path,
    pin::pin,
    task::{Context, Poll, Waker},
    thread,
};
use tempfile::{TempDir, tempdir};

/// What a builder that was asked for too much is told.
async fn refused(change: impl FnOnce(sarsen::Builder) -> sarsen::Builder) -> Told {
    let directory = temporary();
    told(change(Runtime::builder()).open(directory.path()).await)
}

fn temporary() -> TempDir {
    tempdir().expect("there is a place for temporary files")
}

pub(crate) async fn name_twice() -> Told {
    refused(|builder| builder.entity::<Clerk>().entity::<Stranger>()).await
}

pub(crate) async fn orchestration_twice() -> Told {
    refused(|builder| builder.orchestration(trip).orchestration(misled)).await
}

pub(crate) async fn bad_orchestration_name() -> Told {
    refused(|builder| builder.orchestration(shouting)).await
}

pub(crate) async fn bad_activity_name() -> Told {
    refused(|builder| builder.activity(crying)).await
}

pub(crate) async fn idle_activity() -> Told {
    refused(|builder| builder.activity_with(notify, |options| options.concurrency(0))).await
}

pub(crate) async fn idle_orchestration() -> Told {
    refused(|builder| builder.orchestration_with(trip, |options| options.concurrency(0))).await
}

pub(crate) async fn idle_entity() -> Told {
    refused(|builder| builder.entity_with::<Clerk>(|options| options.mailbox(0))).await
}

pub(crate) async fn bad_name() -> Told {
    refused(|builder| builder.entity::<Shouting>().entity::<Clerk>()).await
}

pub(crate) async fn bad_operation_name() -> Told {
    refused(sarsen::Builder::entity::<Mumbling>).await
}

pub(crate) async fn operation_twice() -> Told {
    refused(sarsen::Builder::entity::<Stammering>).await
}

pub(crate) async fn no_shards() -> Told {
    refused(|builder| builder.shards(0)).await
}

pub(crate) async fn too_many_shards() -> Told {
    refused(|builder| builder.shards(4_097)).await
}

pub(crate) async fn limit_of_zero() -> Told {
    refused(|builder| builder.limits(|limits| limits.run_operations_max = 0)).await
}

/// On a thread of its own, since the test's is inside a runtime of tokio.
pub(crate) async fn no_tokio() -> Told {
    let outside = || {
        let directory = temporary();
        let opening = pin!(Runtime::builder().open(directory.path()));
        match opening.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => told(result),
            Poll::Pending => panic!("there is nothing to wait for"),
        }
    };
    thread::spawn(outside).join().expect("it does not panic")
}

/// On a thread of its own as well. Tokio's panic, by which it is asked for timers, is printed there.
pub(crate) async fn no_timers() -> Told {
    let timeless = || {
        let directory = temporary();
        let tokio = tokio::runtime::Builder::new_current_thread().build().expect("the system has threads");
        told(tokio.block_on(open(directory.path())))
    };
    thread::spawn(timeless).join().expect("it does not panic")
}

/// A test runs in the folder of its package.
pub(crate) async fn empty_path() -> Told {
    match open(Path::new("")).await {
        Err(OpenError::Foreign { path, entry }) => {
            let told = Told::of(&OpenError::Foreign { path, entry: entry.clone() });
            told.with(&format!("`{entry}`"), "`<entry>`")
        }
        other => told(other),
    }
}

async fn open(path: &Path) -> Result<Runtime, OpenError> {
    Runtime::builder().entity::<Clerk>().open(path).await
}

/// What opening a directory is told to which something was done.
async fn told_of(spoil: impl FnOnce(&Path) -> io::Result<()>) -> Told {
    let directory = temporary();
    spoil(directory.path()).expect("the directory is ours");
    told(open(directory.path()).await).within(directory.path())
}

/// The same of one that was opened before.
async fn told_of_old(spoil: impl FnOnce(&Path) -> io::Result<()>) -> Told {
    let directory = temporary();
    let runtime = open(directory.path()).await.expect("it is empty");
    runtime.shutdown().await.expect("all is well");
    spoil(directory.path()).expect("the directory is ours");
    told(open(directory.path()).await).within(directory.path())
}

pub(crate) async fn directory_in_use() -> Told {
    let directory = temporary();
    let first = open(directory.path()).await.expect("it is empty");
    let told = told(open(directory.path()).await).within(directory.path());
    first.shutdown().await.expect("the second has done no harm");
    told
}

pub(crate) async fn foreign_directory() -> Told {
    told_of(|path| fs::write(path.join("holiday.jpg"), "")).await
}

pub(crate) async fn newer_directory() -> Told {
    told_of_old(|path| fs::write(path.join("sarsen.toml"), "format = 3\n")).await
}

pub(crate) async fn marker_of_another_kind() -> Told {
    told_of_old(|path| fs::write(path.join("sarsen.toml"), "format = \"one\"\n")).await
}

pub(crate) async fn no_store_in_it() -> Told {
    told_of_old(|path| fs::remove_file(path.join("state.redb"))).await
}

pub(crate) async fn store_overwritten() -> Told {
    told_of_old(|path| fs::write(path.join("state.redb"), "x".repeat(10_000))).await
}

/// What opening `path` is told, below a directory that holds nothing but `file`.
async fn told_at(path: &str) -> Told {
    let directory = temporary();
    fs::write(directory.path().join("file"), "").expect("the directory is ours");
    told(open(&directory.path().join(path)).await).within(directory.path())
}

pub(crate) async fn directory_that_is_a_file() -> Told {
    told_at("file").await
}

pub(crate) async fn directory_below_a_file() -> Told {
    told_at("file/bank.sarsen").await
}

/// Made by hand, as the rows below: a store of a later version cannot be written by this one.
pub(crate) async fn newer_store() -> Told {
    let error = Error::Newer { what: "state.redb".to_owned(), found: 2, known: 1 };
    Told::of(&OpenError::from(error))
}

pub(crate) async fn store_stopped() -> Told {
    Told::of(&OpenError::from(Error::Stopped))
}

pub(crate) async fn no_thread() -> Told {
    let source = io::Error::other("resource temporarily unavailable");
    Told::of(&OpenError::Thread { name: "sarsen-shard-3".to_owned(), source })
}

pub(crate) async fn panic_aborts() -> Told {
    Told::of(&OpenError::PanicAborts)
}
