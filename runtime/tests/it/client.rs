//! Calls, signals, reads, and what makes them special.

use crate::support::{LONG, Probe, ProbeRef, Refused, Stranger, builder, fresh, hold, hook, open};
use futures::future::join_all;
use sarsen_engine::Limits;
use sarsen_protocol::{CallError, FailureKind, Sequence};
use sarsen_runtime::{Client, ClientPort, Runtime};
use sarsen_storage::MemoryStore;
use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

fn probe(client: &Client, key: &str) -> ProbeRef<ClientPort> {
    client.entity::<Probe>(key)
}

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_call_returns_what_its_operation_returns() {
    let runtime = fresh().await;
    let alice = probe(&runtime.client(), "alice");
    assert_eq!(alice.add(3).await, Ok(3));
    assert_eq!(alice.add(4).await, Ok(7));
    assert_eq!(alice.total().await, Ok(7));
    end(runtime).await;
}

#[tokio::test]
async fn an_error_arrives_as_its_own_type_and_undoes_its_operation() {
    let runtime = fresh().await;
    let alice = probe(&runtime.client(), "alice");
    assert_eq!(alice.refuse(7).await, Ok(Err(Refused { code: 7 })));
    let error = alice.panic().await.expect_err("it panics");
    assert_eq!(error.failure().map(|failure| failure.kind), Some(FailureKind::Panicked));
    assert_eq!(alice.total().await, Ok(0));
    end(runtime).await;
}

#[tokio::test]
async fn signals_are_done_in_the_order_of_their_first_polls() {
    let runtime = fresh().await;
    let alice = probe(&runtime.client(), "alice");
    let signals: Vec<_> = (0..500).map(|note| alice.note(note).signal()).collect();
    for told in join_all(signals).await {
        told.expect("it is durable");
    }
    let state = alice.state().await.expect("it can be read").expect("it exists");
    assert_eq!(state.notes, (0..500).collect::<Vec<_>>());
    end(runtime).await;
}

#[tokio::test]
async fn the_state_of_an_entity_is_none_before_its_first_operation_and_after_its_deletion() {
    let runtime = fresh().await;
    let alice = probe(&runtime.client(), "alice");
    assert_eq!(alice.state().await, Ok(None));
    alice.add(3).await.expect("it is added");
    assert_eq!(alice.state().await, Ok(Some(Probe { total: 3, notes: Vec::new() })));
    alice.delete().await.expect("it is deleted");
    assert_eq!(alice.state().await, Ok(None));
    end(runtime).await;
}

#[tokio::test]
async fn a_delayed_signal_is_durable_at_once_and_done_when_it_is_due() {
    let runtime = fresh().await;
    let client = runtime.client();
    let mut late = hold("delayed-late");
    probe(&client, "delayed-late").hook().after(Duration::from_millis(20)).signal().await.expect("durable");
    probe(&client, "delayed-never").add(1).after(LONG).signal().await.expect("durable");
    late.entered().await;
    late.release();
    assert_eq!(probe(&client, "delayed-never").state().await, Ok(None));
    assert_eq!(client.stats().await.expect("it runs").timers, 1);
    end(runtime).await;
}

#[tokio::test]
async fn a_call_that_takes_longer_than_its_timeout_has_an_unknown_outcome() {
    let runtime = fresh().await;
    let client = runtime.client();
    let mut held = hold("timeout");
    let busy = tokio::spawn(probe(&client, "timeout").hook().into_future());
    held.entered().await;
    let error = probe(&client, "timeout").add(1).timeout(Duration::from_millis(5)).await;
    let error = error.expect_err("the entity is busy");
    assert!(matches!(&error, CallError::TimedOut { .. }), "{error}");
    assert!(error.is_unknown_outcome());
    held.release();
    busy.await.expect("no panic").expect("it is done");
    // The deadline passed while the request was in the lane, so it was never accepted.
    assert_eq!(probe(&client, "timeout").total().await, Ok(0));
    assert_eq!(probe(&client, "timeout").add(1).timeout(LONG).await, Ok(1));
    end(runtime).await;
}

/// A driver looked at the clock once a round and every eight turns: what it had taken together with an operation that
/// ran long was admitted by the time before it.
#[tokio::test]
async fn a_request_whose_deadline_passes_during_another_entitys_operation_is_never_accepted() {
    let runtime = fresh().await;
    let client = runtime.client();
    let (mut first, mut second) = (hold("deadline-first"), hold("deadline-second"));
    let before = tokio::spawn(probe(&client, "deadline-first").hook().into_future());
    first.entered().await;
    // Both are in the lane, so the driver takes them together.
    let mut long = Box::pin(probe(&client, "deadline-second").hook().into_future());
    assert!(futures::poll!(&mut long).is_pending());
    let mut late = Box::pin(probe(&client, "late").add(1).timeout(Duration::from_millis(100)).into_future());
    assert!(futures::poll!(&mut late).is_pending());
    first.release();
    second.entered().await;
    let error = late.await.expect_err("the shard is busy");
    assert!(matches!(&error, CallError::TimedOut { .. }), "{error}");
    second.release();
    before.await.expect("no panic").expect("it is done");
    long.await.expect("it is done");
    assert_eq!(probe(&client, "late").total().await, Ok(0));
    end(runtime).await;
}

#[tokio::test]
async fn a_request_under_a_key_is_done_once() {
    let runtime = fresh().await;
    let alice = probe(&runtime.client(), "alice");
    for _ in 0..3 {
        assert_eq!(alice.add(5).idempotency_key("k").await, Ok(5));
        alice.add(5).idempotency_key("k").signal().await.expect("a repeat");
    }
    let error = alice.add(6).idempotency_key("k").await.expect_err("another input");
    assert!(matches!(&error, CallError::KeyReused { key, .. } if key == "k"), "{error}");
    for _ in 0..2 {
        assert_eq!(alice.refuse(7).idempotency_key("f").await, Ok(Err(Refused { code: 7 })));
    }
    assert_eq!(alice.total().await, Ok(5));
    end(runtime).await;
}

#[tokio::test]
async fn a_producers_numbers_are_done_once_each_and_in_order() {
    let runtime = fresh().await;
    let client = runtime.client();
    let alice = client.producer("import").entity::<Probe>("alice");
    for number in [1, 2, 2, 1, 3] {
        alice.note(number).number(number).signal().await.expect("it is the next or a repeat");
    }
    let error = alice.note(5).number(5).signal().await.expect_err("out of sequence");
    assert!(matches!(&error, CallError::OutOfSequence { expected: Sequence(4), .. }), "{error}");
    let error = alice.note(0).number(0).signal().await.expect_err("no number");
    assert!(matches!(&error, CallError::NumberZero { .. }), "{error}");
    let state = probe(&client, "alice").state().await.expect("it can be read").expect("it exists");
    assert_eq!(state.notes, [1, 2, 3]);
    end(runtime).await;
}

#[tokio::test]
async fn entities_of_several_shards_reach_each_other() {
    let runtime = builder().shards(3).open_store(MemoryStore::new()).await.expect("a store in memory opens");
    let client = runtime.client();
    let forwards =
        (0..60).map(|n| probe(&client, &format!("from-{n}")).forward(&format!("to-{}", n % 7), 1).signal());
    for told in join_all(forwards).await {
        told.expect("it is durable");
    }
    runtime.shutdown().await.expect("it drains");
    assert_eq!(probe(&client, "to-0").total().await, Err(CallError::Stopped));
}

#[tokio::test]
async fn what_entities_of_several_shards_were_sent_is_done_before_a_shutdown_ends() {
    let store = MemoryStore::new();
    let runtime = builder().shards(3).open_store(store.clone()).await.expect("a store in memory opens");
    let client = runtime.client();
    let forwards =
        (0..60).map(|n| probe(&client, &format!("from-{n}")).forward(&format!("to-{}", n % 7), 1).signal());
    for told in join_all(forwards).await {
        told.expect("it is durable");
    }
    end(runtime).await;
    let runtime = builder().shards(2).open_store(store.reopen()).await.expect("a store in memory opens");
    let client = runtime.client();
    let mut sum = 0;
    for n in 0..7 {
        sum += probe(&client, &format!("to-{n}")).total().await.expect("it is there");
    }
    assert_eq!(sum, 60);
    end(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_many_tasks_is_answered_whichever_thread_commits() {
    let runtime = builder().shards(4).open_store(MemoryStore::new()).await.expect("a store in memory opens");
    let client = runtime.client();
    // A lone task leaves commits to the drivers, a hundred leave them to the commit thread.
    for tasks in [1, 2, 100] {
        let tasks = (0..tasks).map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    probe(&client, &format!("many-{}", (task + n) % 17)).add(1).await.expect("it is added");
                    probe(&client, &format!("many-{n}")).add(1).signal().await.expect("it is durable");
                }
            })
        });
        for task in join_all(tasks).await {
            task.expect("no panic");
        }
    }
    let (mut sum, mut listing) = (0, client.entities::<Probe>().prefix("many-").with_state());
    while let Some(listed) = listing.next().await {
        sum += listed.expect("it can be read").state.total;
    }
    assert_eq!(sum, 103 * 100);
    end(runtime).await;
}

#[tokio::test]
async fn two_entities_that_signal_each_other_for_ever_do_not_stop_others_acknowledgements() {
    // Without limits of a batch, so that nothing but time ends a round.
    let endless = |limits: &mut Limits| {
        (limits.batch_turns_max, limits.batch_bytes_max) = (usize::MAX, usize::MAX);
    };
    let opened = builder().limits(endless).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let client = runtime.client();
    probe(&client, "ping").volley("pong").signal().await.expect("it is durable");
    for number in 1..=20 {
        assert_eq!(probe(&client, "alice").add(1).await, Ok(number));
    }
    let error = runtime.shutdown_within(Duration::from_millis(1)).await.expect_err("it never drains");
    assert_eq!(
        error.to_string(),
        "the accepted work was not done within 1 ms: what is left goes on at the next open; give it more time with `shutdown_within`"
    );
}

#[tokio::test]
async fn a_client_inside_an_operation_is_refused_by_name() {
    let runtime = fresh().await;
    let client = runtime.client();
    let (inner, handle) = (client.clone(), tokio::runtime::Handle::current());
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    hook("inside", move || {
        let alice = probe(&inner, "alice");
        let mut told = tell.lock().expect("one turn at a time");
        told.push(handle.block_on(alice.add(1).into_future()).map(drop));
        told.push(handle.block_on(alice.add(1).signal()));
        told.push(handle.block_on(alice.state().into_future()).map(drop));
        told.push(handle.block_on(inner.stats()).map(drop));
        told.push(handle.block_on(inner.entities::<Probe>().next()).expect("an error").map(drop));
    });
    probe(&client, "inside").hook().await.expect("it does not hang");
    for told in told.lock().expect("the turn is over").drain(..) {
        let error = told.expect_err("it would wait for itself");
        assert_eq!(
            error.to_string(),
            "a client was used inside an operation of @probe@inside: send signals through the operation's context instead"
        );
    }
    assert_eq!(probe(&client, "alice").state().await, Ok(None));
    end(runtime).await;
}

#[tokio::test]
async fn a_future_dropped_before_its_first_poll_has_sent_nothing() {
    let runtime = fresh().await;
    let alice = probe(&runtime.client(), "alice");
    drop(alice.note(1));
    drop(alice.note(2).signal());
    drop(alice.note(3).into_future());
    drop(alice.note(4).after(Duration::ZERO).signal());
    assert_eq!(alice.state().await, Ok(None));
    end(runtime).await;
}

#[tokio::test]
async fn a_future_dropped_after_its_first_poll_is_done_at_most_once_and_holds_nothing_up() {
    let runtime = fresh().await;
    let alice = probe(&runtime.client(), "alice");
    let (mut call, mut signal) = (alice.note(1).into_future(), alice.note(2).signal());
    let mut state = alice.state().into_future();
    let _ = (futures::poll!(&mut call), futures::poll!(&mut signal), futures::poll!(&mut state));
    drop((call, signal, state));
    alice.note(3).await.expect("it is done");
    let state = alice.state().await.expect("it can be read").expect("it exists");
    // This host does what it has taken; a caller must not count on it.
    assert_eq!(state.notes, [1, 2, 3]);
    end(runtime).await;
}

#[tokio::test]
async fn the_futures_of_a_client_may_move_between_threads() {
    fn moves<F: Future + Send + 'static>(_: &F) {}
    let runtime = fresh().await;
    let client = runtime.client();
    let alice = probe(&client, "alice");
    moves(&alice.add(1).into_future());
    moves(&alice.add(1).signal());
    moves(&alice.state().into_future());
    let other = client.clone();
    moves(&async move { other.stats().await });
    let mut listing = client.entities::<Probe>().with_state();
    moves(&async move { listing.next().await });
    end(runtime).await;
}

/// One row for each refusal: what was asked for, and the exact words.
#[tokio::test]
async fn bad_input_is_refused_in_words_that_name_it() {
    let store = MemoryStore::new();
    let runtime = builder()
        .limits(|limits| limits.payload_bytes_max = 100)
        .open_store(store)
        .await
        .expect("a store in memory opens");
    let client = runtime.client();
    let alice = probe(&client, "alice");
    let long = "x".repeat(200);
    let told = [
        client.entity::<Stranger>("x").delete().await.map(drop),
        client.entity::<Stranger>("x").state().await.map(drop),
        alice.fly().await,
        alice.fly().signal().await,
        alice.add_text("five").await.map(drop),
        alice.add_nan().await.map(drop),
        alice.forward(&long, 1).await,
        probe(&client, "a\nb").add(1).await.map(drop),
        alice.add(1).idempotency_key("").await.map(drop),
        client.producer("\u{7}").entity::<Probe>("alice").add(1).number(1).signal().await,
        alice.total_as_text().await.map(drop),
    ];
    let told: Vec<String> =
        told.into_iter().map(|told| told.expect_err("it is refused").to_string()).collect();
    let expected = [
        "no entity `stranger` is registered: register its type with `Runtime::builder().entity::<T>()`",
        "no entity `stranger` is registered: register its type with `Runtime::builder().entity::<T>()`",
        "entity `probe` has no operation `fly`: it has add, delete, forward, forward_named, hook, note, panic, refuse, total, volley",
        "entity `probe` has no operation `fly`: it has add, delete, forward, forward_named, hook, note, panic, refuse, total, volley",
        "the input does not fit operation `add` of @probe@alice: invalid type: string \"five\", expected u64 at line 1 column 6",
        "the input does not fit operation `add` of @probe@alice: the value is NaN: JSON has no such number",
        "the input of operation `forward` of @probe@alice has 206 bytes, 100 are allowed: send a reference instead, or raise `payload_bytes_max`",
        "the key `a\\nb` has a control character: use printable characters only",
        "`` is no idempotency key or producer's name: use 1 to 256 bytes without control characters",
        "`\\u{7}` is no idempotency key or producer's name: use 1 to 256 bytes without control characters",
        "the answer of operation `total` of @probe@alice does not fit its type: invalid type: integer `0`, expected a string at line 1 column 1",
    ];
    assert_eq!(told, expected);
    assert_eq!(alice.state().await, Ok(None));
    end(runtime).await;
}

#[tokio::test]
async fn a_full_lane_refuses_clients_and_says_when_to_come_back() {
    let runtime = builder()
        .limits(|limits| limits.lane_messages_max = 3)
        .open_store(MemoryStore::new())
        .await
        .expect("a store in memory opens");
    let client = runtime.client();
    let mut held = hold("lane");
    let busy = tokio::spawn(probe(&client, "lane").hook().into_future());
    held.entered().await;
    let alice = probe(&client, "alice");
    let mut signals: Vec<_> = (0..4).map(|note| alice.note(note).signal()).collect();
    let mut refused = Vec::new();
    for signal in &mut signals {
        if let std::task::Poll::Ready(told) = futures::poll!(signal) {
            refused.push(told.expect_err("nothing is done yet"));
        }
    }
    held.release();
    let texts: Vec<String> = refused.iter().map(CallError::to_string).collect();
    assert_eq!(texts, ["@probe@alice is busy, the lane of its shard is full: try again in 20 ms"]);
    assert!(refused[0].is_retryable());
    busy.await.expect("no panic").expect("it is done");
    signals.truncate(3);
    for told in join_all(signals).await {
        told.expect("it was in the lane");
    }
    end(runtime).await;
}

#[tokio::test]
async fn stats_count_what_happened() {
    let runtime = open(MemoryStore::new()).await;
    let client = runtime.client();
    for key in ["a", "b", "c"] {
        probe(&client, key).add(1).await.expect("it is added");
    }
    probe(&client, "a").panic().signal().await.expect("it is durable");
    probe(&client, "a").add(1).idempotency_key("k").after(LONG).signal().await.expect("it is durable");
    let stats = client.stats().await.expect("it runs");
    assert_eq!((stats.activations, stats.timers, stats.dead_letters), (3, 1, 1));
    assert_eq!((stats.pending, stats.parked, stats.dead_letters_dropped), (0, 0, 0));
    assert!(stats.deepest_mailboxes.is_empty());
    assert!(
        stats.operations >= 4 && stats.batches >= 4 && stats.groups >= 4 && stats.cache_bytes > 0,
        "{stats:?}"
    );
    end(runtime).await;
    assert_eq!(client.stats().await, Err(CallError::Stopped));
}
