//! What a client can ask that it should not, and what it can be told through no fault of its own.

use crate::{
    entities::{Anything, Bell, Clerk, Ghost, Shouting, Stranger, errand},
    office::{Asking, Step, Valve, begin, broken, clerk, hold, open, open_on, open_with, tamper},
    told::{Told, told},
};
use sarsen::{Address, CallError, Client, ClientPort, Runtime};
use sarsen_protocol::Keyspace;
use sarsen_storage::MemoryStore;
use std::{
    fmt,
    future::Future,
    pin::pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Waker},
    time::Duration,
};

const HOUR: Duration = Duration::from_secs(3_600);

/// A reference to the clerk with the key `a`, written by hand.
pub(crate) fn stranger(runtime: &Runtime) -> Anything<ClientPort> {
    runtime.client().entity::<Stranger>("a")
}

pub(crate) async fn unknown_entity() -> Told {
    let runtime = open().await;
    told(runtime.client().entity::<Ghost>("a").haunt().await)
}

pub(crate) async fn unknown_entity_signalled() -> Told {
    let runtime = open().await;
    told(runtime.client().producer("p").entity::<Ghost>("a").haunt().number(1).signal().await)
}

pub(crate) async fn unknown_entity_read() -> Told {
    let runtime = open().await;
    told(runtime.client().entity::<Ghost>("a").state().await)
}

pub(crate) async fn unknown_entity_listed() -> Told {
    let runtime = open().await;
    told(runtime.client().entities::<Ghost>().next().await.expect("an error, and then the end"))
}

pub(crate) async fn unknown_operation() -> Told {
    let runtime = open().await;
    told(runtime.client().entity::<Bell>("a").ask::<()>("sing", ()).await)
}

pub(crate) async fn input_of_another_type() -> Told {
    let runtime = open().await;
    told(stranger(&runtime).ask::<f64>("add", "ten").await)
}

pub(crate) async fn too_few_inputs() -> Told {
    let runtime = open().await;
    told(stranger(&runtime).ask::<()>("send", ("b", 1.0)).signal().await)
}

pub(crate) async fn input_without_json() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).send("b".to_owned(), f64::INFINITY, 1).await)
}

pub(crate) async fn large_input() -> Told {
    let runtime = open_with(|limits| limits.payload_bytes_max = 10).await;
    told(clerk(&runtime).fall("0123456789".to_owned()).await)
}

pub(crate) async fn long_key() -> Told {
    let runtime = open().await;
    told(runtime.client().entity::<Clerk>("k".repeat(513)).add(1.0).await)
}

pub(crate) async fn key_with_control_character() -> Told {
    let runtime = open().await;
    told(runtime.client().entity::<Clerk>("alice\n").state().await)
}

pub(crate) async fn reference_with_a_bad_name() -> Told {
    let runtime = open().await;
    told(runtime.client().entity::<Shouting>("a").ask::<()>("add", ()).signal().await)
}

pub(crate) async fn empty_idempotency_key() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).add(1.0).idempotency_key("").await)
}

pub(crate) async fn long_idempotency_key() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).add(1.0).after(HOUR).idempotency_key("k".repeat(257)).signal().await)
}

pub(crate) async fn producer_with_control_character() -> Told {
    let runtime = open().await;
    told(runtime.client().producer("a\tb").entity::<Clerk>("a").add(1.0).number(1).signal().await)
}

pub(crate) async fn full_mailbox() -> Told {
    let runtime = open_with(|limits| limits.mailbox_messages_max = 1).await;
    let clerk = clerk(&runtime);
    let valve = hold(&clerk).await;
    let (mut first, mut second) = (pin!(clerk.add(1.0).signal()), pin!(clerk.add(1.0).signal()));
    begin(first.as_mut()).await;
    begin(second.as_mut()).await;
    valve.open();
    let told = told(second.await);
    first.await.expect("there is room for one");
    told
}

pub(crate) async fn too_fast() -> Told {
    let builder = Runtime::builder().entity_with::<Clerk>(|options| options.rate(1, HOUR));
    let runtime = builder.open_store(MemoryStore::new()).await.expect("the store is good");
    clerk(&runtime).add(1.0).await.expect("it is the first");
    told_when(clerk(&runtime).add(1.0).await)
}

pub(crate) async fn full_lane() -> Told {
    let runtime = open_with(|limits| limits.lane_messages_max = 1).await;
    let clerk = clerk(&runtime);
    let valve = hold(&clerk).await;
    begin(pin!(clerk.add(1.0).signal())).await;
    let told = told(clerk.add(1.0).await);
    valve.open();
    told
}

pub(crate) async fn too_many_keys() -> Told {
    let runtime = open_with(|limits| limits.keys_max = 1).await;
    clerk(&runtime).add(1.0).idempotency_key("first").await.expect("there is room for one");
    told_when(clerk(&runtime).add(1.0).idempotency_key("second").await)
}

pub(crate) async fn too_many_producers() -> Told {
    let runtime = open_with(|limits| limits.producers_max = 1).await;
    let add = |producer| runtime.client().producer(producer).entity::<Clerk>("a").add(1.0).number(1).signal();
    add("first").await.expect("there is room for one");
    told_when(add("second").await)
}

/// A refusal that names a time which depends on the clock.
#[track_caller]
fn told_when<T>(result: Result<T, CallError>) -> Told {
    let Err(CallError::Busy { retry_after, .. }) = result else { return told(result) };
    told(result).with(&format!("in {} ms", retry_after.as_millis()), "in <wait> ms")
}

pub(crate) async fn too_many_delayed_signals() -> Told {
    let runtime = open_with(|limits| limits.timers_max = 1).await;
    clerk(&runtime).add(1.0).after(HOUR).signal().await.expect("there is room for one");
    told(clerk(&runtime).add(1.0).after(HOUR).signal().await)
}

pub(crate) async fn nameless_schedule() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).add(1.0).after(HOUR).scheduled_as("").signal().await)
}

pub(crate) async fn nameless_cancel() -> Told {
    let runtime = open().await;
    told(runtime.client().cancel_scheduled(&clerk(&runtime), "a\tb").await)
}

pub(crate) async fn hasty_reminder() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).add(1.0).every(Duration::ZERO).scheduled_as("poll").signal().await)
}

pub(crate) async fn too_many_scheduled_signals() -> Told {
    let runtime = open_with(|limits| limits.schedules_per_entity_max = 1).await;
    clerk(&runtime).add(1.0).every(HOUR).scheduled_as("a").signal().await.expect("there is room for one");
    clerk(&runtime).add(1.0).every(HOUR).scheduled_as("a").signal().await.expect("it takes its place");
    told(clerk(&runtime).add(1.0).every(HOUR).scheduled_as("b").signal().await)
}

pub(crate) async fn key_reused() -> Told {
    let runtime = open().await;
    clerk(&runtime).add(1.0).idempotency_key("order-7").await.expect("it is a new key");
    told(clerk(&runtime).add(2.0).idempotency_key("order-7").await)
}

async fn numbered(number: u64) -> Told {
    let runtime = open().await;
    let import = runtime.client().producer("import").entity::<Clerk>("a");
    import.add(1.0).number(1).signal().await.expect("it is the first");
    told(import.add(1.0).number(number).signal().await)
}

pub(crate) async fn number_left_out() -> Told {
    numbered(3).await
}

pub(crate) async fn number_zero() -> Told {
    numbered(0).await
}

/// The load of `a` waits until the shard's clock, shown by a delayed signal to `b`, is past the deadline.
pub(crate) async fn expired() -> Told {
    let (valve, passes) = valve();
    let pass_reads = move |step: Step<'_>| {
        if let Step::Read(_) = step {
            passes.pass();
        }
        Ok(())
    };
    let runtime = open_on(Asking::new(pass_reads), |_| {}).await;
    let (a, b) = (clerk(&runtime), runtime.client().entity::<Clerk>("b"));
    b.add(1.0).await.expect("b is loaded");
    // So that the client's own timer does not run out at the first poll; later an answer that is there comes first.
    tokio::time::pause();
    valve.close();
    let mut late = pin!(a.add(1.0).timeout(Duration::from_millis(1)).into_future());
    begin(late.as_mut()).await;
    let (tell, told_late) = mpsc::channel();
    let report = errand(move || tell.send(()).expect("the test waits"));
    b.run(report).after(Duration::from_millis(2)).signal().await.expect("b is loaded");
    told_late.recv().expect("the errand is run");
    valve.open();
    a.add(1.0).await.expect("it has no deadline, and comes behind the other");
    told(late.await)
}

pub(crate) fn valve() -> (Arc<Valve>, Arc<Valve>) {
    let valve = Arc::new(Valve::default());
    (Arc::clone(&valve), valve)
}

/// With tokio's clock paused, the time passes as soon as nothing else can happen.
pub(crate) async fn timed_out() -> Told {
    let runtime = open().await;
    let clerk = clerk(&runtime);
    let valve = hold(&clerk).await;
    tokio::time::pause();
    let told = told(clerk.add(1.0).timeout(HOUR).await);
    valve.open();
    told
}

pub(crate) async fn read_timed_out() -> Told {
    let runtime = open().await;
    let clerk = clerk(&runtime);
    let valve = hold(&clerk).await;
    tokio::time::pause();
    let told = told(clerk.state().timeout(HOUR).await);
    valve.open();
    told
}

/// A store that holds a clerk `a` and is open no more.
async fn closed_store() -> MemoryStore {
    let store = MemoryStore::new();
    let runtime = open_on(store.clone(), |_| {}).await;
    clerk(&runtime).add(1.0).await.expect("all is well");
    runtime.shutdown().await.expect("all is well");
    store.reopen()
}

/// As another type than wrote its state.
async fn mistaken() -> Runtime {
    let builder = Runtime::builder().entity::<Stranger>();
    builder.open_store(closed_store().await).await.expect("a state is first read when it is needed")
}

pub(crate) async fn parked() -> Told {
    told(stranger(&mistaken().await).ask::<f64>("add", 1.0).await)
}

pub(crate) async fn parked_read() -> Told {
    told(stranger(&mistaken().await).state().await)
}

pub(crate) async fn parked_listed() -> Told {
    let runtime = mistaken().await;
    let mut listing = runtime.client().entities::<Stranger>().with_state();
    told(listing.next().await.expect("an error, and then the end"))
}

/// Clerks on a store in which the record of `a` is `record`.
async fn with_record(record: &'static [u8]) -> Runtime {
    let store = closed_store().await;
    let address = Address::entity("clerk", "a").expect("a good address");
    let key = [&address.slot().number().to_be_bytes(), address.as_bytes()].concat();
    tamper(&store, Keyspace::Instances, &key, record);
    open_on(store, |_| {}).await
}

pub(crate) async fn newer_record() -> Told {
    told(clerk(&with_record(&[3]).await).add(1.0).await)
}

pub(crate) async fn damaged_record() -> Told {
    told(clerk(&with_record(&[]).await).add(1.0).await)
}

pub(crate) async fn damaged_record_listed() -> Told {
    let runtime = with_record(&[]).await;
    told(runtime.client().entities::<Clerk>().next().await.expect("an error, and then the end"))
}

pub(crate) async fn newer_record_listed() -> Told {
    let runtime = with_record(&[3]).await;
    told(runtime.client().entities::<Clerk>().next().await.expect("an error, and then the end"))
}

pub(crate) async fn unreadable() -> Told {
    let fail_listings = |step: Step<'_>| match step {
        Step::Read(reads) if reads.iter().all(|read| read.keyspace == Keyspace::Instances) => Err(broken()),
        _ => Ok(()),
    };
    let runtime = open_on(Asking::new(fail_listings), |_| {}).await;
    told(runtime.client().entities::<Clerk>().next().await.expect("an error, and then the end"))
}

pub(crate) async fn answer_of_another_type() -> Told {
    let runtime = open().await;
    told(stranger(&runtime).ask::<String>("add", 1.0).await)
}

pub(crate) async fn state_of_another_type() -> Told {
    let runtime = open().await;
    clerk(&runtime).add(1.0).await.expect("all is well");
    told(stranger(&runtime).state().await)
}

/// What `ask` is told inside an operation of `a`.
async fn inside<T, F>(ask: impl Fn(Client) -> F + Send + Sync + 'static) -> Told
where
    T: fmt::Debug + Send + 'static,
    F: Future<Output = Result<T, CallError>>,
{
    let runtime = open().await;
    let client = runtime.client();
    let (tell, told_inside) = mpsc::channel();
    let errand =
        errand(move || match pin!(ask(client.clone())).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => tell.send(answer).expect("the test waits"),
            Poll::Pending => panic!("an operation would wait for ever"),
        });
    clerk(&runtime).run(errand).await.expect("it does not panic");
    told(told_inside.recv().expect("it was answered"))
}

pub(crate) async fn call_inside() -> Told {
    inside(|client| client.entity::<Clerk>("b").add(1.0).into_future()).await
}

pub(crate) async fn call_of_itself() -> Told {
    let runtime = open().await;
    told(clerk(&runtime).ask_itself().await.expect("it is answered"))
}

pub(crate) async fn signal_inside() -> Told {
    inside(|client| client.entity::<Clerk>("b").add(1.0).signal()).await
}

pub(crate) async fn state_inside() -> Told {
    inside(|client| client.entity::<Clerk>("b").state().into_future()).await
}

pub(crate) async fn listing_inside() -> Told {
    inside(
        |client| async move { client.entities::<Clerk>().next().await.expect("an error, and then the end") },
    )
    .await
}

pub(crate) async fn stats_inside() -> Told {
    inside(|client| async move { client.stats().await }).await
}

async fn stopped() -> Client {
    let runtime = open().await;
    let client = runtime.client();
    runtime.shutdown().await.expect("all is well");
    client
}

pub(crate) async fn stopped_call() -> Told {
    told(stopped().await.entity::<Clerk>("a").add(1.0).await)
}

pub(crate) async fn stopped_state() -> Told {
    told(stopped().await.entity::<Clerk>("a").state().await)
}

pub(crate) async fn stopped_listing() -> Told {
    told(stopped().await.entities::<Clerk>().next().await.expect("an error, and then the end"))
}

pub(crate) async fn stopped_stats() -> Told {
    told(stopped().await.stats().await)
}

/// Clerks on a store that fails each commit.
pub(crate) async fn failing() -> Runtime {
    let fail_commits = |step: Step<'_>| if let Step::Commit = step { Err(broken()) } else { Ok(()) };
    open_on(Asking::new(fail_commits), |_| {}).await
}

pub(crate) async fn outcome_unknown() -> Told {
    told(clerk(&failing().await).add(1.0).signal().await)
}

pub(crate) async fn stopped_by_a_failure() -> Told {
    let runtime = failing().await;
    told(clerk(&runtime).add(1.0).await);
    told(clerk(&runtime).add(1.0).await)
}
