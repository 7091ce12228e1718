//! What is asked of entities and orchestrations by name, as tools do, that should not be.

use crate::{
    entities::{Bell, Clerk},
    office::{open, open_on},
    told::{Told, told},
};
use sarsen::{CallError, ClientPort, Context, NamedEntity, Runtime, orchestration};
use sarsen_storage::MemoryStore;
use serde_json::{Value, json};

/// Calls an operation by name and returns what it is told.
#[orchestration]
async fn errand_by_name(
    cx: Context,
    name: String,
    key: String,
    operation: String,
    input: Value,
) -> Option<Told> {
    let asked = cx.entity_named(name, key).operation::<Value>(operation, &input);
    Some(told(asked.await))
}

/// Refuses to be run.
#[orchestration]
async fn idle(_cx: Context, days: u32) -> Result<u32, String> {
    Err(format!("{days} days are too many"))
}

fn clerk(runtime: &Runtime) -> NamedEntity<ClientPort> {
    runtime.client().entity_named("clerk", "a")
}

async fn with_runs() -> Runtime {
    let builder = Runtime::builder().entity::<Clerk>().entity::<Bell>();
    let builder = builder.orchestration(errand_by_name).orchestration(idle);
    builder.open_store(MemoryStore::new()).await.expect("the store is good so far")
}

pub(crate) async fn unknown_entity() -> Told {
    let runtime = open().await;
    told(runtime.client().entity_named("ghost", "a").operation::<Value>("haunt", &()).await)
}

pub(crate) async fn unknown_entity_signalled() -> Told {
    let runtime = open().await;
    told(runtime.client().entity_named("ghost", "a").operation::<Value>("haunt", &()).signal().await)
}

pub(crate) async fn unknown_entity_read() -> Told {
    let runtime = open().await;
    told(runtime.client().entity_named("ghost", "a").state::<Value>().await)
}

pub(crate) async fn unknown_operation() -> Told {
    let runtime = open().await;
    told(runtime.client().entity_named("bell", "a").operation::<Value>("sing", &json!(5)).await)
}

pub(crate) async fn misfitting_input() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).operation::<Value>("add", &json!({ "amount": 5 })).await)
}

pub(crate) async fn bad_name() -> Told {
    let runtime = open().await;
    told(runtime.client().entity_named("Two words", "a").operation::<Value>("add", &1).await)
}

pub(crate) async fn bad_key() -> Told {
    let runtime = open().await;
    told(runtime.client().entity_named("clerk", "a\nb").state::<Value>().await)
}

pub(crate) async fn misfitting_answer() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).operation::<String>("add", &1.5).await)
}

pub(crate) async fn misfitting_state() -> Told {
    let runtime = open().await;
    clerk(&runtime).operation::<f64>("add", &1.5).await.expect("it can add");
    told(clerk(&runtime).state::<Vec<u8>>().await)
}

pub(crate) async fn returned_error() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).operation::<Value>("withdraw", &2.0).await)
}

async fn from_a_run(name: &str, key: &str, operation: &str, input: Value) -> Told {
    let runtime = with_runs().await;
    let run = runtime
        .client()
        .start(errand_by_name, (name.to_owned(), key.to_owned(), operation.to_owned(), input))
        .await;
    run.expect("it starts").result().await.expect("it ends").expect("it was told something")
}

pub(crate) async fn unknown_entity_from_a_run() -> Told {
    from_a_run("ghost", "a", "haunt", Value::Null).await
}

pub(crate) async fn unknown_operation_from_a_run() -> Told {
    from_a_run("bell", "a", "sing", Value::Null).await
}

pub(crate) async fn misfitting_input_from_a_run() -> Told {
    from_a_run("clerk", "a", "add", json!("ten")).await
}

pub(crate) async fn bad_name_from_a_run() -> Told {
    from_a_run("CLERK", "a", "add", json!(1)).await
}

pub(crate) async fn unknown_orchestration() -> Told {
    let runtime = open_on(MemoryStore::new(), |_| {}).await;
    told(runtime.client().start_named("lost", &()).await)
}

pub(crate) async fn misfitting_start() -> Told {
    told(with_runs().await.client().start_named("idle", &json!([1, 2])).await)
}

pub(crate) async fn failed_run() -> Told {
    let run = with_runs().await.client().start_named("idle", &9).id("i-1").await.expect("it starts");
    told(run.result_as::<Value>().await)
}

pub(crate) async fn misfitting_result() -> Told {
    let runtime = with_runs().await;
    let errand = json!(["bell", "a", "sing", null]);
    let run = runtime.client().start_named("errand_by_name", &errand).id("e-1").await.expect("it starts");
    let result: Result<u32, CallError> = run.result_as().await;
    told(result)
}
