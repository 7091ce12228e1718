//! What an orchestration does wrong, and what is asked of its runs that should not be.

use crate::{
    failures::dead_letter,
    office::clear,
    told::{Told, told},
    trips::{disturb, fallen, lost, misled, notify, shouting, trip, weigh},
};
use sarsen::{Limits, Reuse, Run, RunId, Runtime, history::ExportedHistory, testing::replay};
use sarsen_orchestration::{Cursor, Event, HistoryError};
use sarsen_protocol::{Keyspace, Timestamp};
use sarsen_storage::MemoryStore;
use std::time::Duration;

/// Clerks and trips on `store`.
async fn open_on(store: &MemoryStore, limits: impl FnOnce(&mut Limits)) -> Runtime {
    let builder = Runtime::builder().entity::<crate::entities::Clerk>().limits(limits);
    let builder = builder.orchestration(trip).orchestration(fallen);
    let builder = builder.activity(notify).activity(weigh).activity(disturb);
    builder.open_store(store.clone()).await.expect("the store is good so far")
}

async fn open() -> Runtime {
    open_on(&MemoryStore::new(), |_| {}).await
}

/// Starts the trip `t-1`.
async fn set_out(runtime: &Runtime, case: &str) -> Run<trip> {
    runtime.client().start(trip, case).id("t-1").await.expect("the trip begins")
}

/// What a trip was told.
async fn told_on(run: &Run<trip>) -> Told {
    let told = run.result().await.expect("the trip comes to its end");
    told.expect("it was told something")
}

/// What the trip `t-1` was told.
async fn on_the_way(case: &str) -> Told {
    let runtime = open().await;
    let run = set_out(&runtime, case).await;
    told_on(&run).await
}

pub(crate) async fn activity_failed() -> Told {
    on_the_way("activity").await
}

pub(crate) async fn child_failed() -> Told {
    let runtime = open().await;
    let run = runtime.client().start(trip, "child").id("parent").await.expect("the trip begins");
    told_on(&run).await
}

pub(crate) async fn unsendable() -> Told {
    on_the_way("unsendable").await
}

pub(crate) async fn misfit() -> Told {
    on_the_way("misfit").await
}

pub(crate) async fn run_id() -> Told {
    told(RunId::new("@a@b"))
}

pub(crate) async fn invalid_run() -> Told {
    let runtime = open().await;
    told(runtime.client().start(trip, "").id("@a@b").await)
}

pub(crate) async fn unknown_orchestration() -> Told {
    let runtime = open().await;
    told(runtime.client().start(lost, ()).await)
}

pub(crate) async fn invalid_start() -> Told {
    let runtime = open().await;
    told(runtime.client().start(misled, 5_u64).await)
}

/// A trip that is over.
async fn old(runtime: &Runtime) -> Run<trip> {
    let run = set_out(runtime, "").await;
    run.result().await.expect("it comes to its end");
    run
}

pub(crate) async fn run_exists() -> Told {
    let runtime = open().await;
    old(&runtime).await;
    told(runtime.client().start(trip, "").id("t-1").await)
}

pub(crate) async fn run_not_found() -> Told {
    let runtime = open().await;
    told(runtime.client().run(trip, "nobody").status().await)
}

pub(crate) async fn run_finished() -> Told {
    let runtime = open().await;
    told(old(&runtime).await.raise("go", "soon").await)
}

pub(crate) async fn run_not_finished() -> Told {
    let runtime = open().await;
    told(set_out(&runtime, "wait").await.purge().await)
}

pub(crate) async fn run_replaced() -> Told {
    let runtime = open().await;
    let first = old(&runtime).await;
    let second = runtime.client().start(trip, "").id("t-1").reuse(Reuse::ReplaceFinished);
    second.await.expect("the first is over");
    told(first.status().await)
}

pub(crate) async fn run_failed() -> Told {
    let runtime = open().await;
    let run = runtime.client().start(fallen, ()).id("t-1").await.expect("it begins");
    told(run.result().await)
}

pub(crate) async fn run_terminated() -> Told {
    let runtime = open().await;
    let run = set_out(&runtime, "wait").await;
    run.terminate(&"the road is closed").await.expect("it is under way");
    told(run.result().await)
}

pub(crate) async fn other_orchestration() -> Told {
    let runtime = open().await;
    old(&runtime).await;
    told(runtime.client().run(fallen, "t-1").result().await)
}

pub(crate) async fn run_not_failed() -> Told {
    let runtime = open().await;
    told(old(&runtime).await.rewind("").await)
}

pub(crate) async fn cannot_rewind() -> Told {
    let runtime = open().await;
    let run = set_out(&runtime, "fall inside").await;
    run.result().await.expect_err("it falls");
    told(run.rewind("").await)
}

pub(crate) async fn custom_status_missed() -> Told {
    let runtime = open().await;
    told(old(&runtime).await.custom_status_when(|_: &String| true).await)
}

pub(crate) async fn would_deadlock() -> Told {
    on_the_way("disturbed").await
}

pub(crate) async fn empty() -> Told {
    on_the_way("empty section").await
}

pub(crate) async fn no_address() -> Told {
    on_the_way("section over no address").await
}

pub(crate) async fn nested() -> Told {
    on_the_way("nested").await
}

pub(crate) async fn child() -> Told {
    on_the_way("child inside").await
}

pub(crate) async fn signal_to_locked() -> Told {
    on_the_way("signal").await
}

pub(crate) async fn call_pending() -> Told {
    on_the_way("twice").await
}

pub(crate) async fn not_locked() -> Told {
    on_the_way("another").await
}

pub(crate) async fn not_granted() -> Told {
    on_the_way("before the grant").await
}

pub(crate) async fn unavailable() -> Told {
    on_the_way("section over a ghost").await
}

/// A trip beside one that holds the lock of the clerk `a`.
async fn beside_a_holder(case: &str) -> Told {
    let runtime = open().await;
    set_out(&runtime, "lost lock").await;
    while runtime.client().locks().await.expect("they can be listed").is_empty() {}
    let run = runtime.client().start(trip, case).id("t-2").await.expect("the trip begins");
    told_on(&run).await
}

pub(crate) async fn late_lock() -> Told {
    beside_a_holder("late lock").await
}

pub(crate) async fn taken_lock() -> Told {
    beside_a_holder("taken lock").await
}

/// Somebody has taken the lock away while nobody looked.
pub(crate) async fn lock_lost() -> Told {
    let store = MemoryStore::new();
    let runtime = open_on(&store, |_| {}).await;
    set_out(&runtime, "lost lock").await;
    while runtime.client().locks().await.expect("they can be listed").is_empty() {}
    runtime.shutdown().await.expect("all is well");
    clear(&store, Keyspace::Locks);
    let runtime = open_on(&store, |_| {}).await;
    let run = runtime.client().run(trip, "t-1");
    run.raise("go", "soon").await.expect("it waits");
    told_on(&run).await
}

pub(crate) async fn over_limit() -> Told {
    let runtime = open_on(&MemoryStore::new(), |limits| limits.commands_per_turn_max = 3).await;
    told(set_out(&runtime, "hurry").await.result().await)
}

pub(crate) async fn unknown_child() -> Told {
    on_the_way("unknown child").await
}

pub(crate) async fn unknown_activity() -> Told {
    on_the_way("unknown activity").await
}

pub(crate) async fn child_exists() -> Told {
    on_the_way("child of a taken id").await
}

pub(crate) async fn child_terminated() -> Told {
    let runtime = open().await;
    let run = set_out(&runtime, "terminated child").await;
    let child = runtime.client().run(trip, "c");
    // The child's start has yet to be done; until then there is no such run.
    while child.terminate(&()).await.is_err() {}
    told_on(&run).await
}

pub(crate) async fn event_for_nobody() -> Told {
    let store = MemoryStore::new();
    let runtime = open_on(&store, |_| {}).await;
    set_out(&runtime, "raise nobody").await.result().await.expect("to raise is no fault");
    // What is asked of nobody now is answered behind the event.
    let nobody = runtime.client().run(trip, "nobody");
    nobody.terminate(&()).await.expect_err("there is no such run");
    dead_letter(&store)
}

pub(crate) async fn event_too_late() -> Told {
    let store = MemoryStore::new();
    let runtime = open_on(&store, |_| {}).await;
    let old = runtime.client().start(trip, "").id("old").await.expect("the trip begins");
    old.result().await.expect("it comes to its end");
    set_out(&runtime, "raise old").await.result().await.expect("to raise is no fault");
    dead_letter(&store)
}

pub(crate) async fn event_expired() -> Told {
    let store = MemoryStore::new();
    let runtime = open_on(&store, |_| {}).await;
    let nobody = runtime.client().run(trip, "nobody");
    nobody.raise("go", "soon").before_start(Duration::from_millis(1)).await.expect("it is kept");
    // What is due later in the same shard comes behind it.
    set_out(&runtime, "sleep 20").await.result().await.expect("it comes to its end");
    dead_letter(&store)
}

fn doubled_chunk() -> HistoryError {
    let events = [Event::TurnStarted { at: Timestamp::default() }];
    let chunk = Cursor::default().write(&events);
    let mut cursor = Cursor::default();
    cursor.read(&chunk).expect("the first chunk");
    cursor.read(&chunk).expect_err("it comes again")
}

pub(crate) async fn history_record() -> Told {
    Told::of(&Cursor::default().read(&[]).expect_err("nothing is no chunk"))
}

pub(crate) async fn history_order() -> Told {
    Told::of(&doubled_chunk())
}

pub(crate) async fn event_timed_out() -> Told {
    on_the_way("event in time").await
}

pub(crate) async fn event_misfit() -> Told {
    let runtime = open().await;
    let run = set_out(&runtime, "event of another type").await;
    run.raise("go", "soon").await.expect("it waits");
    told_on(&run).await
}

pub(crate) async fn import_misfit() -> Told {
    told(ExportedHistory::from_json("{}"))
}

pub(crate) async fn import_newer() -> Told {
    told(ExportedHistory::from_json(r#"{"format":2}"#))
}

pub(crate) async fn import_headless() -> Told {
    told(ExportedHistory::from_json(r#"{"format":1,"events":[]}"#))
}

/// The history of a trip as JSON, with something else in it.
async fn exported(from: &str, to: &str) -> ExportedHistory {
    let runtime = open().await;
    let run = set_out(&runtime, "activity").await;
    told_on(&run).await;
    let text = run.export().await.expect("it is there").to_json().expect("it has JSON");
    ExportedHistory::from_json(&text.replace(from, to)).expect("it is a history still")
}

pub(crate) async fn replay_of_another() -> Told {
    told(replay(fallen, &exported("", "").await))
}

pub(crate) async fn replay_without_a_name() -> Told {
    told(replay(shouting, &exported(r#""trip""#, r#""SHOUTING""#).await))
}

pub(crate) async fn replay_of_changed_code() -> Told {
    told(replay(trip, &exported("nothing", "something").await))
}
