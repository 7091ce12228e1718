//! Listings of entities.

use crate::support::{Probe, Stranger, builder, fresh};
use futures::{StreamExt, TryStreamExt, future::join_all};
use sarsen_protocol::CallError;
use sarsen_runtime::{Client, Listed};
use sarsen_storage::MemoryStore;
use std::collections::BTreeSet;

async fn fill(client: &Client) {
    let signals = (0..300).map(|n| {
        let kind = if n % 3 == 0 { "fizz" } else { "plain" };
        client.entity::<Probe>(format!("{kind}-{n}")).add(n).signal()
    });
    for told in join_all(signals).await {
        told.expect("it is durable");
    }
}

#[tokio::test]
async fn a_listing_shows_each_durable_entity_of_its_prefix_once_whatever_its_pages() {
    let runtime = builder().shards(2).open_store(MemoryStore::new()).await.expect("it opens");
    let client = runtime.client();
    fill(&client).await;
    client.entity::<Probe>("fizz-0").delete().await.expect("it is deleted");
    client.entity::<Probe>("fizz-read").total().await.expect("a read creates nothing");
    let expected: BTreeSet<String> = (1..100).map(|n| format!("fizz-{}", 3 * n)).collect();
    for page_size in [1, 7, 1000] {
        let listing = client.entities::<Probe>().prefix("fizz-").page_size(page_size);
        let listed: Vec<Listed> = listing.try_collect().await.expect("it can be read");
        assert_eq!(listed.len(), expected.len());
        assert_eq!(listed.into_iter().map(|listed| listed.key).collect::<BTreeSet<_>>(), expected);
    }
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_listing_with_states_shows_them() {
    let runtime = fresh().await;
    let client = runtime.client();
    fill(&client).await;
    let (mut count, mut listing) = (0, client.entities::<Probe>().with_state());
    while let Some(listed) = listing.next().await {
        let listed = listed.expect("it can be read");
        assert!(listed.key.ends_with(&format!("-{}", listed.state.total)), "{listed:?}");
        count += 1;
    }
    assert_eq!(count, 300);
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_listing_that_fails_says_so_once_and_ends() {
    let runtime = fresh().await;
    let client = runtime.client();
    let told: Vec<_> = client.entities::<Stranger>().collect().await;
    assert_eq!(told, [Err(CallError::UnknownEntity { name: "stranger".to_owned() })]);
    runtime.shutdown().await.expect("nothing is in the way");
    let told: Vec<_> = client.entities::<Probe>().collect().await;
    assert_eq!(told, [Err(CallError::Stopped)]);
}
