//! Dead letters: listed, sent again, discarded.

use crate::support::{Probe, builder, fresh, gather, hook, open};
use futures::TryStreamExt;
use sarsen_protocol::{CallError, FailureKind};
use sarsen_runtime::{Client, DeadLetter, DeadLetters, LetterContent, LetterId, LetterSender, Runtime};
use sarsen_storage::MemoryStore;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

async fn end(runtime: Runtime) {
    runtime.shutdown().await.expect("nothing is in the way");
}

async fn all(client: &Client) -> Vec<DeadLetter> {
    client.dead_letters().try_collect().await.expect("they can be read")
}

/// The one dead letter.
async fn only(client: &Client) -> DeadLetter {
    let mut letters = all(client).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters.remove(0)
}

/// Makes `hook` of this key panic until it is told to work.
fn broken(key: &str) -> Arc<AtomicBool> {
    let works = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&works);
    hook(key, move || assert!(seen.load(Ordering::SeqCst), "it is broken"));
    works
}

#[tokio::test]
async fn letters_are_listed_with_what_they_were_from_whom_and_why_they_failed() {
    let runtime = fresh().await;
    let client = runtime.client();
    let probe = |key: &str| client.entity::<Probe>(key);
    probe("ll-a").refuse(7).signal().await.expect("it is durable");
    probe("ll-b").panic().signal().await.expect("it is durable");
    probe("ll-a").total().await.expect("it is there");
    probe("ll-b").total().await.expect("it is there");
    let run = client.start(gather, 0_usize).id("ll-run").await.expect("it starts");
    run.result().await.expect("it returns");
    let letters = all(&client).await;
    assert_eq!(letters.len(), 2);
    let of = |key: &str| letters.iter().find(|letter| letter.to.key() == key).expect("it is listed");
    let refused = of("ll-a");
    assert_eq!(refused.to.to_string(), "@probe@ll-a");
    assert_eq!(refused.from, LetterSender::Client { within: None });
    assert_eq!(refused.failure.kind, FailureKind::Returned);
    assert_eq!(refused.failure.message, "refused with 7");
    assert!(matches!(&refused.content, LetterContent::Operation { name, .. } if name == "refuse"));
    assert_eq!(refused.input::<u32>(), Ok(7));
    assert!(matches!(refused.input::<String>(), Err(CallError::Misfit { .. })));
    assert!(refused.at.as_micros() > 0);
    let count = |letters: DeadLetters| async { letters.count().await.expect("it is read") };
    assert_eq!(count(client.dead_letters().entity::<Probe>()).await, 2);
    assert_eq!(count(client.dead_letters().entity_named("ghost")).await, 0);
    assert_eq!(count(client.dead_letters().key("ll-b").page_size(1)).await, 1);
    assert_eq!(count(client.dead_letters().run("ll-run")).await, 0);
    assert_eq!(count(client.dead_letters().kind(FailureKind::Panicked)).await, 1);
    let either = client.dead_letters().kind(FailureKind::Panicked).kind(FailureKind::Returned);
    assert_eq!(count(either).await, 2);
    end(runtime).await;
}

#[tokio::test]
async fn a_letter_that_is_sent_again_is_done_and_is_gone_over_a_restart() {
    let store = MemoryStore::new();
    let works = broken("la");
    let runtime = open(store.clone()).await;
    runtime.client().entity::<Probe>("la").hook().signal().await.expect("it is durable");
    end(runtime).await;

    let runtime = builder().shards(3).open_store(store.reopen()).await.expect("a store in memory opens");
    let client = runtime.client();
    let letter = only(&client).await;
    letter.send_again().await.expect("it is there");
    client.entity::<Probe>("la").total().await.expect("it is there");
    let gone = CallError::LetterGone { letter: letter.id };
    assert_eq!(letter.send_again().await, Err(gone.clone()));
    let second = only(&client).await;
    assert_ne!(second.id, letter.id);
    works.store(true, Ordering::SeqCst);
    let text = second.id.to_string();
    let by_id = client.dead_letter(LetterId::parse(&text).expect("it is one")).await.expect("it is there");
    by_id.send_again().await.expect("it is there");
    client.entity::<Probe>("la").total().await.expect("it is there");
    assert_eq!(all(&client).await.len(), 0);
    assert_eq!(client.stats().await.expect("it runs").dead_letters, 0);
    assert_eq!(client.dead_letter(letter.id).await.expect_err("it is gone"), gone);
    end(runtime).await;
}

#[tokio::test]
async fn a_letter_is_discarded_by_one_of_those_who_ask_at_once() {
    let runtime = fresh().await;
    let client = runtime.client();
    client.entity::<Probe>("ld").refuse(1).signal().await.expect("it is durable");
    client.entity::<Probe>("ld").total().await.expect("it is there");
    let letter = only(&client).await;
    let told = futures::future::join_all((0..8).map(|_| letter.discard())).await;
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1);
    let gone = Err(CallError::LetterGone { letter: letter.id });
    assert_eq!(told.iter().filter(|told| **told == gone).count(), 7);
    assert_eq!(letter.send_again().await, gone);
    assert_eq!(all(&client).await.len(), 0);
    end(runtime).await;
    assert_eq!(letter.discard().await, Err(CallError::Stopped));
}

#[tokio::test]
async fn an_event_behind_the_end_of_its_run_can_be_sent_to_the_next() {
    let runtime = fresh().await;
    let client = runtime.client();
    let run = client.start(gather, 1_usize).id("le").await.expect("it starts");
    let raised = [run.raise("go", &1_u64), run.raise("go", &2_u64)];
    let told = futures::future::join_all(raised.map(std::future::IntoFuture::into_future)).await;
    assert_eq!(run.result().await, Ok(vec![1]));
    let letters: Vec<_> = client.dead_letters().run("le").try_collect().await.expect("they can be read");
    // The second event either was refused or has come too late.
    assert_eq!(letters.len(), told.iter().filter(|told| told.is_ok()).count() - 1);
    run.purge().await.expect("it is over");
    let run = client.start(gather, letters.len()).id("le").await.expect("it starts");
    for letter in &letters {
        assert!(matches!(&letter.content, LetterContent::Event { name, .. } if name == "go"));
        letter.send_again().await.expect("it is there");
    }
    assert_eq!(run.result().await, Ok(letters.iter().map(|_| 2).collect()));
    end(runtime).await;
}
