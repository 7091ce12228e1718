//! Many clients on threads of their own, on one runtime.

use crate::{
    from_env, profile,
    register::{Answer, Ask, Order, Register, Registers, raise},
    seed,
    step::{How, Step, Told},
};
use sarsen::{
    CallError, Client, Runtime,
    testing::{
        Random,
        linearizable::{ClientRecorder, Invoked, Recorder, check},
    },
};
use std::{ops::Range, path::Path, thread, time::Duration};
use tokio::runtime::Handle;

/// How many interleavings a runtime sees before another one is opened with other options.
const PER_RUNTIME: u64 = 25;

type Log = ClientRecorder<String, Ask, Answer>;

/// Opens a runtime with another number of shards, perhaps few places for what runs off them and, if it is to be `small`, so
/// little memory that what rests leaves at once.
async fn open(random: &mut Random, small: bool, path: &Path) -> Runtime {
    let shards = u16::try_from(random.between(1, 4)).expect("it is small");
    let few = random.one_in(2);
    let builder = Runtime::builder().orchestration(raise).shards(shards);
    let builder =
        builder.entity_with::<Register>(|options| if few { options.concurrency(2) } else { options });
    let builder = builder.limits(|limits| {
        if small {
            (limits.cache_bytes, limits.idle_after) = (1_000, Duration::ZERO);
        }
    });
    builder.open(path).await.expect("the data directory is new")
}

#[test]
fn random_interleavings_on_real_threads_are_linearizable() {
    let count = from_env("SARSEN_INTERLEAVINGS", || if cfg!(debug_assertions) { 40 } else { 200 });
    let seed = seed();
    eprintln!(
        "again: SARSEN_SEED={seed} SARSEN_INTERLEAVINGS={count} cargo test{} --test linearizable interleavings",
        profile()
    );
    let mut random = Random::new(seed);
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let tokio = tokio.expect("there are threads");
    let (mut operations, mut unknown) = (0, 0);
    for first in (0..count).step_by(usize::try_from(PER_RUNTIME).expect("it is small")) {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let small = !random.one_in(3);
        let runtime = tokio.block_on(open(&mut random, small, folder.path()));
        for number in first..count.min(first + PER_RUNTIME) {
            let recorder = Recorder::new();
            interleave(tokio.handle(), &runtime.client(), &recorder, number, &mut random);
            let history = recorder.history();
            operations += history.operations().len();
            unknown += history.operations().iter().filter(|it| it.outcome.at().is_none()).count();
            let verdict = check(&Registers, &history);
            assert!(verdict.is_linearizable(), "seed {seed}, interleaving {number}: {verdict}");
        }
        let stats = tokio.block_on(runtime.client().stats()).expect("the runtime is open");
        assert!(!small || stats.activations < PER_RUNTIME, "{} have not left", stats.activations);
        tokio.block_on(runtime.shutdown()).expect("the runtime can be shut down");
    }
    eprintln!("{count} interleavings of {operations} operations are linearizable, {unknown} had no outcome");
    assert!(unknown > 0 || count < 100, "the hasty calls were all answered");
}

/// Lets up to eight clients work on a few entities of their own at the same time, and then looks at each.
fn interleave(
    handle: &Handle,
    client: &Client,
    recorder: &Recorder<String, Ask, Answer>,
    number: u64,
    random: &mut Random,
) {
    let keys: Vec<String> = (0..random.between(2, 4)).map(|entity| format!("{number}-{entity}")).collect();
    let clients = random.between(4, 8);
    thread::scope(|scope| {
        for place in 0..clients {
            let (client, log, keys) = (client.clone(), recorder.client(), &keys);
            let steps = 0..random.between(5, 12);
            let random = random.fork();
            scope.spawn(move || {
                let id = format!("{number}-{place}");
                work(handle, &client, &log, keys, (id, steps), random);
            });
        }
    });
    let log = recorder.client();
    for entity in 0..keys.len() {
        for ask in [Ask::Value, Ask::State] {
            let step = Step { entities: vec![entity], ask, how: How::Call, elsewhere: false };
            handle.block_on(record(&step, client, &log, &keys, &format!("{number}-{entity}-last")));
        }
    }
}

/// The steps of one client, with pauses of the scheduler's choice.
fn work(
    handle: &Handle,
    client: &Client,
    log: &Log,
    keys: &[String],
    (id, steps): (String, Range<usize>),
    mut random: Random,
) {
    for n in steps {
        let step = Step::draw(&mut random, keys.len());
        handle.block_on(record(&step, client, log, keys, &format!("{id}-{n}")));
        (0..random.below(4)).for_each(|_| thread::yield_now());
    }
}

/// Does a step and writes down what came of it.
async fn record(step: &Step, client: &Client, log: &Log, keys: &[String], id: &str) {
    let invoke = |&entity: &usize| match step.ask {
        Ask::State => log.invoke_beside(keys[entity].clone(), step.ask),
        _ => log.invoke(keys[entity].clone(), step.ask),
    };
    let invoked: Vec<_> = step.entities.iter().map(invoke).collect();
    match step.perform(client, keys, id).await {
        Ok(Told::Answered(answers)) => {
            invoked.into_iter().zip(answers).for_each(|(invoked, answer)| invoked.answered(answer));
        }
        Ok(Told::Acknowledged) => invoked.into_iter().for_each(Invoked::acknowledged),
        Err(error @ (CallError::TimedOut { .. } | CallError::Expired { .. })) => {
            for invoked in invoked {
                invoked.returned(Err(error.clone()));
            }
        }
        Err(error) => panic!("{step:?} under {id}: {error}"),
    }
}

/// The checker is not fooled: a run that reads and writes without a lock loses what comes between, and is found out.
#[tokio::test]
async fn a_section_without_its_lock_is_found_out() {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let runtime = open(&mut Random::new(1), true, folder.path()).await;
    let (client, recorder) = (runtime.client(), Recorder::new());
    let register = client.entity::<Register>("a");
    let raising = recorder.client().invoke("a".to_owned(), Ask::Raise(10));
    let order = Order { keys: vec!["a".to_owned()], by: 10, locked: false, elsewhere: false };
    let run = client.start(raise, order).id("unlocked").await.expect("it starts");
    run.custom_status_when(|status: &String| status == "has read").await.expect("it reads first");
    let adding = recorder.client().invoke("a".to_owned(), Ask::Add(1));
    adding.returned(register.add(1).await.map(Answer::Value));
    run.raise("go on", &()).await.expect("it waits");
    let read = run.result().await.expect("it ends").expect("it does not fail");
    raising.answered(Answer::Value(read[0]));
    runtime.shutdown().await.expect("the runtime can be shut down");
    let verdict = check(&Registers, &recorder.history());
    let violation = verdict.violation().expect("an update is lost");
    assert_eq!(violation.misfit.operation, Ask::Raise(10), "{verdict}");
    assert_eq!(violation.expected, [Answer::Value(1)], "{verdict}");
}
