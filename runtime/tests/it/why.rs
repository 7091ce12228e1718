//! Why something does not go on, in a sentence.

use crate::support::{Probe, Refused, act, builder, gather, hold_act, locked, on_act, parent};
use sarsen_macros::orchestration;
use sarsen_runtime::{ActivityContext, CallError, Client, Context, RetryPolicy, Runtime, join, select};
use sarsen_storage::MemoryStore;
use std::time::Duration;

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

/// The sentence, with a `#` for each number that depends on the time.
async fn why(client: &Client, id: &str) -> String {
    let why = client.why_waiting(id).await.expect("it can be read").to_string();
    let words: Vec<String> = why
        .split(' ')
        .map(|word| {
            if word.parse::<u64>().is_ok_and(|number| number != 3) { "#".to_owned() } else { word.to_owned() }
        })
        .collect();
    words.join(" ").replace("# ms", "# s")
}

#[orchestration(crate = "sarsen_runtime")]
async fn persists(cx: Context, key: String) -> Result<u64, Refused> {
    let held = cx.lock(vec![cx.entity::<Probe>(&key)]).await.expect("it can be locked");
    let policy = RetryPolicy { attempts: 9, ..RetryPolicy::every(Duration::ZERO) };
    let request = cx.activity(act, &key).retry_with(move |attempt| match attempt.number {
        2 => sarsen_runtime::Again::After(Duration::from_secs(60)),
        _ => sarsen_runtime::Again::After(policy.first_interval),
    });
    let answer = request.await.expect("it is registered");
    held.release();
    answer
}

#[orchestration(crate = "sarsen_runtime")]
async fn waits_for_much(cx: Context, _input: ()) -> Result<(), CallError> {
    let both = join((cx.event::<u64>("x"), cx.event::<u64>("y").timeout(Duration::from_secs(900))));
    select(both, cx.timer(Duration::from_secs(500_000))).await;
    Ok(())
}

#[tokio::test]
async fn a_lock_leads_to_its_holder_and_to_what_that_one_waits_for() {
    let opened = builder().orchestration(persists).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let client = runtime.client();
    let (told, mut failed) = tokio::sync::mpsc::unbounded_channel();
    on_act("w-7", move |cx: ActivityContext| {
        // The test may be over already.
        let _ = told.send(cx.attempt());
        async { Err(Refused { code: 1 }) }
    });
    client.start(persists, "w-7").id("match-12").await.expect("it starts");
    while failed.recv().await != Some(2) {}
    client.start(locked, vec!["w-7".to_owned()]).id("match-13").await.expect("it starts");
    let expected = "run `match-13` waits for the lock of @probe@w-7, held by run `match-12` since # s, which waits for activity `act`, attempt 3, next in # s";
    let mut seen = String::new();
    for _ in 0..1_000 {
        seen = why(&client, "match-13").await;
        if seen == expected {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(seen, expected);
    let of_entity = why(&client, "@probe@w-7").await;
    let (_, rest) = expected.split_once("@probe@w-7, ").expect("it names the entity");
    assert_eq!(of_entity, format!("@probe@w-7 is {rest}"));
    assert_eq!(why(&client, "@probe@free").await, "@probe@free waits for nothing but its turn");
    end(runtime).await;
}

#[orchestration(crate = "sarsen_runtime")]
async fn is_patient(cx: Context, key: String) -> bool {
    let lock = cx.lock([cx.entity::<Probe>(&key), cx.entity::<Probe>("w-z")]);
    lock.timeout(Duration::from_secs(900)).await.is_ok()
}

/// Whether somebody holds the lock, or nobody any more.
#[tokio::test]
async fn a_lock_that_is_waited_for_for_a_time_says_for_how_long() {
    let opened = builder().orchestration(is_patient).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let client = runtime.client();
    let mut held = hold_act("w-p");
    client.start(locked, vec!["w-p".to_owned()]).id("owner").await.expect("it starts");
    held.entered().await;
    let patient = client.start(is_patient, "w-p").id("patient").await.expect("it starts");
    let lock =
        "run `patient` waits for the lock of @probe@w-p, for # min at most, held by run `owner` since # s";
    let expected = format!("{lock}, which waits for activity `act`, asked for # s ago");
    assert_eq!(why(&client, "patient").await, expected);
    held.release(1);
    assert_eq!(patient.result().await, Ok(true));
    end(runtime).await;
}

#[tokio::test]
async fn a_child_an_event_and_a_suspension_are_named() {
    let opened = builder().orchestration(waits_for_much).open_store(MemoryStore::new()).await;
    let runtime = opened.expect("a store in memory opens");
    let client = runtime.client();
    client.start(parent, "kid").id("mother").await.expect("it starts");
    client
        .run(gather, "kid")
        .raise("stray", &1)
        .before_start(Duration::from_secs(9))
        .await
        .expect("it is kept");
    let mut seen = String::new();
    for _ in 0..1_000 {
        seen = why(&client, "mother").await;
        if seen.ends_with("event `go`") {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(seen, "run `mother` waits for run `kid` of `gather`, which waits for event `go`");
    client.run(gather, "kid").suspend("").await.expect("it is running");
    assert_eq!(why(&client, "kid").await, "run `kid` is suspended and waits for event `go`");

    client.start(waits_for_much, ()).id("much").await.expect("it starts");
    let much = "run `much` waits for a timer, due in # days and waits for event `x` and waits for event `y`, for # min at most";
    assert_eq!(why(&client, "much").await, much);
    client.any_run("much").terminate(&()).await.expect("it is running");
    client.any_run("much").result().await.expect_err("it was ended");
    assert_eq!(why(&client, "much").await, "run `much` is over, it is terminated");
    assert_eq!(why(&client, "nobody").await, "run `nobody` does not exist");
    let later = client.start(waits_for_much, ()).id("later").after(Duration::from_secs(90));
    later.await.expect("it is accepted");
    assert_eq!(why(&client, "later").await, "run `later` is to begin in # s");
    assert!(matches!(client.why_waiting("@Bad").await, Err(CallError::InvalidAddress(_))));
    assert!(matches!(client.why_waiting("").await, Err(CallError::InvalidRun(_))));
    end(runtime).await;
}

#[tokio::test]
async fn an_activity_that_runs_and_a_call_behind_a_lock_are_named() {
    let runtime = crate::support::fresh().await;
    let client = runtime.client();
    let mut held = hold_act("w-a");
    client.start(locked, vec!["w-a".to_owned()]).id("owner").await.expect("it starts");
    held.entered().await;
    assert_eq!(why(&client, "owner").await, "run `owner` waits for activity `act`, asked for # s ago");
    held.release(1);
    client.run(locked, "owner").result().await.expect("it returns").expect("it is not refused");
    end(runtime).await;
}
