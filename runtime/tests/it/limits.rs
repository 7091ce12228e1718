//! What the limits of a type have refused is counted for each type, over all shards.

use crate::support::{LONG, builder};
use sarsen_macros::{Entity, operations};
use sarsen_runtime::{CallError, Client, EntityContext, FailureKind, Refusals, Stats};
use sarsen_storage::MemoryStore;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// Lets those go on that hold.
static GATE: Semaphore = Semaphore::const_new(0);

#[derive(Entity, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[entity(crate = "sarsen_runtime")]
struct Page {
    text: String,
}

#[operations(crate = "sarsen_runtime")]
impl Page {
    fn write(&mut self, text: String) {
        self.text = text;
    }

    async fn hold(&mut self) {
        GATE.acquire().await.expect("it is never closed").forget();
    }

    fn flood(&mut self, cx: &mut EntityContext<'_>, to: String, count: usize) {
        for _ in 0..count {
            cx.entity::<Self>(&to).write(String::new()).signal();
        }
    }
}

/// Asks for the figures until they are as they are to become.
async fn until(client: &Client, come: impl Fn(&Stats) -> bool) -> Stats {
    loop {
        let stats = client.stats().await.expect("it runs");
        if come(&stats) {
            return stats;
        }
        tokio::task::yield_now().await;
    }
}

fn of_pages(stats: &Stats) -> Refusals {
    stats.refusals["page"]
}

/// Writes a word to the page of this key. Returns what is full, if it is refused.
async fn refused_by(client: &Client, key: &str) -> Option<String> {
    match client.entity::<Page>(key).write("word".to_owned()).signal().await {
        Ok(()) => None,
        Err(CallError::Busy { what, .. }) => Some(what.into_owned()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn each_limit_of_a_type_counts_what_it_refuses_over_all_shards() {
    let runtime = builder()
        .shards(2)
        .entity_with::<Page>(|options| options.mailbox(1).rate(3, LONG).state_bytes(100).concurrency(1))
        .open_store(MemoryStore::new())
        .await
        .expect("a store in memory opens");
    let client = runtime.client();
    let pages = ["a", "b", "c", "d", "e", "f"];
    for key in pages {
        client.entity::<Page>(key).hold().signal().await.expect("it is free");
    }
    let stats = until(&client, |stats| stats.operations_running == 2 && stats.operations_waiting == 4).await;
    assert_eq!(of_pages(&stats), Refusals::default());

    // What is to run off its shard has left its mailbox, whether it runs or waits for its place.
    let mut full = 0;
    for key in pages.into_iter().chain(pages) {
        full += u64::from(refused_by(&client, key).await.is_some_and(|what| what == "its mailbox"));
    }
    assert_eq!(full, 6, "one each has a place");

    for key in ["fast", "faster"] {
        for times in 1..=5 {
            let what = refused_by(&client, key).await;
            let rate = "its rate of 3 operations in 3600000 ms";
            assert_eq!(what.as_deref(), (times > 3).then_some(rate), "{key}, {times}");
        }
    }

    let long = client.entity::<Page>("long").write("x".repeat(200)).await;
    let failure = long.expect_err("it is too long");
    assert_eq!(failure.failure().map(|failure| failure.kind), Some(FailureKind::TooLarge));

    client.entity::<Page>("g").flood("a".to_owned(), 15).await.expect("it only sends");
    let stats = until(&client, |stats| stats.dead_letters == 6).await;
    let found = of_pages(&stats);
    let counted = (found.mailbox_full, found.too_fast, found.states_too_large, found.mailbox_overflowed);
    assert_eq!(counted, (full, 4, 1, 6));
    assert_eq!(stats.refusals.values().filter(|refusals| **refusals != Refusals::default()).count(), 1);

    GATE.add_permits(pages.len());
    let stats = until(&client, |stats| stats.operations_running == 0 && stats.pending == 0).await;
    assert_eq!(stats.operations_waiting, 0);
    assert_eq!(of_pages(&stats), found, "they are counted from the open on");
    runtime.shutdown().await.expect("nothing is in the way");
}
