//! Opening a data directory, and what is refused.

use crate::support::{Probe, Stranger, builder};
use sarsen_entities::{Entity, EntityType, NamedEntity, Operations, Port, Returns};
use sarsen_runtime::{
    Activity, ActivityCode, ActivityContext, Context, OpenError, Orchestration, OrchestrationType, Runtime,
};
use sarsen_storage::MemoryStore;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A type with a name and one operation's name to choose.
#[derive(Clone, Serialize, Deserialize)]
struct Odd<const N: usize>;

const NAMES: [(&str, &str); 3] = [("probe", "ok"), ("Odd", "ok"), ("odd", "not ok")];

impl<const N: usize> EntityType for Odd<N> {
    const NAME: &'static str = NAMES[N].0;
    type Ref<P: Port> = NamedEntity<P>;

    fn refer<P: Port>(port: P) -> NamedEntity<P> {
        NamedEntity::new(port)
    }
}

impl<const N: usize> Entity for Odd<N> {
    fn initial(_key: &str) -> Self {
        Self
    }

    fn operations() -> Operations<Self> {
        Operations::new().read(NAMES[N].1, Returns::value(), |_, _cx, ()| ())
    }
}

/// A marker with a name that the macros would refuse.
struct Misnamed;

impl OrchestrationType for Misnamed {
    const NAME: &'static str = "No Name";
    type Input = ();
}

impl Orchestration for Misnamed {
    type Output = ();

    fn returns() -> Returns<()> {
        Returns::value()
    }

    async fn run(_cx: Context, _input: ()) {}
}

impl Activity for Misnamed {
    const NAME: &'static str = "No Name";
    type Input = ();
    type Output = ();

    fn returns() -> Returns<()> {
        Returns::value()
    }
}

impl ActivityCode<ActivityContext> for Misnamed {
    async fn run(_cx: ActivityContext, _input: ()) {}
}

/// The words with which opening is refused; the directory is called DIR.
fn words(path: &Path, refused: Result<Runtime, OpenError>) -> String {
    refused.expect_err("it is refused").to_string().replace(&path.display().to_string(), "DIR")
}

#[tokio::test]
async fn a_directory_that_is_open_is_refused_by_name_until_it_is_closed() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let path = place.path().join("data");
    let runtime = builder().open(&path).await.expect("a new directory opens");
    let refused = words(&path, builder().open(&path).await);
    assert_eq!(
        refused,
        "the data directory DIR is in use: stop the process that has it open or choose another directory"
    );
    runtime.shutdown().await.expect("nothing is in the way");
    let runtime = builder().open(&path).await.expect("a closed directory opens at once");
    drop(runtime);
    drop(builder().open(&path).await.expect("a dropped one too"));
}

#[tokio::test]
async fn a_directory_that_is_not_ours_is_refused_and_left_alone() {
    let place = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(place.path().join("thesis.txt"), "all of it").expect("it can be written");
    let refused = words(place.path(), builder().open(place.path()).await);
    assert_eq!(
        refused,
        "the directory DIR holds `thesis.txt` and is no data directory of sarsen: choose an empty directory or a new one"
    );
    assert_eq!(std::fs::read_dir(place.path()).expect("it can be read").count(), 1);
}

#[tokio::test]
async fn a_newer_or_damaged_directory_is_refused_by_name() {
    let place = tempfile::tempdir().expect("a temporary directory");
    drop(builder().open(place.path()).await.expect("a new directory opens"));
    let marker = place.path().join("sarsen.toml");
    let text = std::fs::read_to_string(&marker).expect("there is a marker");
    std::fs::write(&marker, text.replace("format = 2", "format = 9")).expect("it can be written");
    let refused = words(place.path(), builder().open(place.path()).await);
    assert_eq!(
        refused,
        "the data directory DIR has format 9, this build knows up to 2: use the sarsen that wrote it"
    );
    std::fs::write(&marker, &text).expect("it can be written");
    std::fs::remove_file(place.path().join("state.redb")).expect("there is a file");
    let refused = words(place.path(), builder().open(place.path()).await);
    assert_eq!(refused, "the data directory DIR is damaged: state.redb is missing; restore it from a backup");
}

#[tokio::test]
async fn types_and_options_that_make_no_runtime_are_refused_by_name() {
    let store = || MemoryStore::new();
    let refusals = [
        builder().entity::<Odd<0>>().open_store(store()).await,
        builder().entity::<Odd<1>>().open_store(store()).await,
        builder().entity::<Odd<2>>().entity::<Stranger>().open_store(store()).await,
        builder().orchestration(|| Misnamed).open_store(store()).await,
        builder().activity(|| Misnamed).open_store(store()).await,
        builder().shards(0).open_store(store()).await,
        builder().shards(4097).open_store(store()).await,
    ];
    let told = refusals.map(|refused| refused.expect_err("it is refused").to_string());
    let expected = [
        "an entity `probe` is already registered: give one of the two another name with `#[entity(name = \"..\")]`",
        "`Odd` is no entity name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _",
        "`not ok` of entity `odd` is no operation name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _",
        "`No Name` is no name of an orchestration: use a lower-case letter followed by up to 63 of a-z, 0-9 and _",
        "`No Name` is no name of an activity: use a lower-case letter followed by up to 63 of a-z, 0-9 and _",
        "0 shards are asked for: choose 1 to 4096",
        "4097 shards are asked for: choose 1 to 4096",
    ];
    assert_eq!(told, expected);
}

#[test]
fn opening_outside_a_tokio_runtime_is_refused() {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };
    let opened = pin!(builder().open_store(MemoryStore::new())).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(refused)) = opened else { panic!("it waits for nothing") };
    assert_eq!(
        refused.to_string(),
        "there is no tokio runtime here: open inside one, for example in `#[tokio::main]`"
    );
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart_with_another_number_of_shards() {
    let place = tempfile::tempdir().expect("a temporary directory");
    for (round, shards) in (1..).zip([1, 4, 2]) {
        let runtime = builder().shards(shards).open(place.path()).await.expect("it opens");
        let client = runtime.client();
        for key in ["a", "b", "c", "d"] {
            assert_eq!(client.entity::<Probe>(key).add(1).await, Ok(round));
        }
        let stats = client.stats().await.expect("it runs");
        assert!(stats.syncs > 0 && stats.bytes_written > 0, "{stats:?}");
        runtime.shutdown().await.expect("nothing is in the way");
    }
}
