//! Entities and orchestrations by name, as tools use them that know no type.

use crate::support::{LONG, Probe, builder};
use sarsen_macros::orchestration;
use sarsen_runtime::{CallError, Context, Runtime};
use sarsen_storage::MemoryStore;
use std::collections::BTreeMap;

/// What a tool reads a state as.
type Fields = BTreeMap<String, Loose>;

/// Whatever the probe's fields hold.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(u64),
    List(Vec<u64>),
}

/// Locks entities that are named by text, and adds to each in its section; signals the last again behind it.
#[orchestration(crate = "sarsen_runtime")]
async fn collect(cx: Context, name: String, keys: Vec<String>, amount: u64) -> Result<Vec<u64>, CallError> {
    let held = cx.lock(keys.iter().map(|key| cx.entity_named(&name, key)).collect::<Vec<_>>()).await?;
    let mut totals = Vec::new();
    for entity in held.refs() {
        totals.push(entity.operation("add", &amount).await?);
    }
    held.release();
    let last = cx.entity_named(&name, keys.last().map_or("", String::as_str));
    last.operation::<u64>("add", &1000).signal()?;
    Ok(totals)
}

async fn fresh() -> Runtime {
    let builder = builder().orchestration(collect);
    builder.open_store(MemoryStore::new()).await.expect("a store in memory opens")
}

#[tokio::test]
async fn an_entity_by_name_is_called_signalled_and_read_as_by_its_type() {
    let runtime = fresh().await;
    let client = runtime.client();
    let named = client.entity_named("probe", "n-a");
    assert_eq!(named.state::<Fields>().await, Ok(None));
    assert_eq!(named.operation::<u64>("add", &5).await, Ok(5));
    named.operation::<u64>("add", &2).signal().await.expect("it is acknowledged");
    for _ in 0..2 {
        let once = named.operation::<u64>("add", &10).idempotency_key("once").timeout(LONG);
        assert_eq!(once.await, Ok(17), "a repeat has the first answer");
    }
    named.operation::<()>("note", &3).await.expect("it can note");
    let fields =
        Fields::from([("total".to_owned(), Loose::Number(17)), ("notes".to_owned(), Loose::List(vec![3]))]);
    assert_eq!(named.state::<Fields>().timeout(LONG).await, Ok(Some(fields)));
    assert_eq!(client.entity::<Probe>("n-a").total().await, Ok(17));
    named.operation::<()>("delete", &()).await.expect("it is built in");
    assert_eq!(named.state::<Fields>().await, Ok(None));
    named.operation::<u64>("add", &1).after(LONG).idempotency_key("later").signal().await.expect("it waits");
    assert_eq!(client.stats().await.expect("it is open").timers, 1);
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_producer_numbers_signals_by_name() {
    let runtime = fresh().await;
    let client = runtime.client();
    let stream = client.producer("import").entity_named("probe", "n-b");
    for number in [1, 2, 2, 1] {
        stream.operation::<u64>("add", &number).number(number).signal().await.expect("it is in sequence");
    }
    assert_eq!(client.entity::<Probe>("n-b").total().await, Ok(3));
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn an_operation_signals_an_entity_by_name() {
    let runtime = fresh().await;
    let client = runtime.client();
    let forward = client.entity_named("probe", "n-c").operation::<()>("forward_named", &("probe", "n-d", 7));
    forward.await.expect("it runs");
    assert_eq!(client.entity::<Probe>("n-d").total().await, Ok(7));
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_run_started_by_name_locks_calls_and_signals_by_name() {
    let runtime = fresh().await;
    let client = runtime.client();
    client.entity::<Probe>("n-f").add(1).await.expect("it adds");
    let input = ("probe", ["n-f", "n-e"], 5);
    let run =
        client.start_named("collect", &input).id("n-collect").tag("by", "name").await.expect("it starts");
    assert_eq!(run.result_as::<Vec<u64>>().timeout(LONG).await, Ok(vec![6, 5]));
    assert_eq!(client.run(collect, "n-collect").result().await, Ok(Ok(vec![6, 5])), "it is the typed one");
    assert_eq!(client.entity::<Probe>("n-e").total().await, Ok(1005));
    let again = client.start_named("collect", &input).id("n-collect").await;
    assert!(matches!(again, Err(CallError::RunExists { .. })), "{again:?}");
    runtime.shutdown().await.expect("nothing is in the way");
}
