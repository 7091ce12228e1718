//! The course of a run: begun or resumed, sent word by word, checked.

use crate::{
    Error,
    entities::{Counter, Run},
    report::Progress,
    text::Text,
};
use futures::{StreamExt, TryStreamExt, future::try_join};
use sarsen::{CallError, Client};
use std::{collections::HashMap, num::NonZeroUsize, ops::RangeInclusive, pin::pin, time::Duration};
use tokio::{sync::watch, time::sleep};

/// How many acknowledgements there are to a step of the progress.
const STEP: u64 = 1_000;

/// How often a busy entity is asked before the run gives up; `--resume` goes on from there.
const ATTEMPTS_MAX: u32 = 1_000;

/// The longest pause that a busy entity is granted.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Begins a new run.
pub async fn begin(client: &Client, texts: Vec<Text>) -> Result<Run, Error> {
    let runs = all(client).await?;
    if runs.iter().any(|run| !run.finished) {
        eprintln!(
            "an earlier run is unfinished and stays so: `--resume` goes on with the last unfinished one"
        );
    }
    let number = 1 + runs.last().map_or(0, |run| run.number);
    let run = Run { number, texts, ..Run::default() };
    client.entity::<Run>(run.name()).begin(number, run.texts.clone()).await?;
    Ok(run)
}

/// Goes on with the last unfinished run. Its texts must be what they were; those given, if any, must be the same.
pub async fn resume(client: &Client, given: Vec<Text>) -> Result<Run, Error> {
    let run = all(client).await?.into_iter().rfind(|run| !run.finished).ok_or(Error::NothingToResume)?;
    let found = if given.is_empty() { Text::survey(run.texts.iter().map(|text| &text.path))? } else { given };
    Text::require_same(&run.texts, &found)?;
    Ok(run)
}

/// How many words all counters should have counted together: one number, unless there are unfinished runs.
pub async fn words_expected(client: &Client) -> Result<RangeInclusive<u64>, CallError> {
    let runs = all(client).await?;
    Ok(runs.iter().map(|run| run.place).sum()..=runs.iter().map(Run::words).sum())
}

/// All runs that were ever begun, by number.
async fn all(client: &Client) -> Result<Vec<Run>, CallError> {
    let listed = client.entities::<Run>().with_state();
    let mut runs: Vec<Run> = listed.map_ok(|run| run.state).try_collect().await?;
    runs.sort_unstable_by_key(|run| run.number);
    Ok(runs)
}

/// Sends a signal for each word of a run, from its place on. They are on disk when this returns; some may still wait
/// in mailboxes.
pub async fn send(
    client: &Client,
    run: &Run,
    in_flight: NonZeroUsize,
    progress: &Progress,
) -> Result<(), Error> {
    let (reached, place) = watch::channel(run.place);
    try_join(send_words(client, run, in_flight, progress, reached), keep_place(client, run, place)).await?;
    Ok(())
}

/// Sends the n-th occurrence of a word as the n-th message of the run's producer to the word's counter.
///
/// Some words behind the place may have been sent by a process that was interrupted. The texts are the same, so are the
/// numbers, and what was counted then is acknowledged now without effect.
async fn send_words(
    client: &Client,
    run: &Run,
    in_flight: NonZeroUsize,
    progress: &Progress,
    reached: watch::Sender<u64>,
) -> Result<(), Error> {
    let producer = client.producer(run.name());
    let mut seen = HashMap::<String, u64>::new();
    let mut count_up = |key| {
        let number = seen.entry(key).or_default();
        *number += 1;
        *number
    };
    let signals = Text::keys(&run.texts)
        .map_ok(|key| (producer.entity::<Counter>(&key), count_up(key)))
        .skip(usize::try_from(run.place).unwrap_or(usize::MAX))
        .map(async |word| {
            let (counter, number) = word?;
            patiently(async || counter.add(1).number(number).signal().await).await
        })
        // In order, so that what is acknowledged is always a beginning of the texts.
        .buffered(in_flight.get());

    let mut signals = pin!(signals);
    let mut acknowledged = run.place;
    while let Some(()) = signals.try_next().await? {
        acknowledged += 1;
        if acknowledged.is_multiple_of(STEP) {
            reached.send_replace(acknowledged);
            progress.acknowledged(acknowledged)?;
        }
    }
    reached.send_replace(acknowledged);
    if acknowledged == run.words() { Ok(()) } else { Err(Error::ChangedMeanwhile) }
}

/// Records the place that the run has reached, as often as the disk allows, until there will be no other.
async fn keep_place(client: &Client, run: &Run, mut place: watch::Receiver<u64>) -> Result<(), Error> {
    let run = client.entity::<Run>(run.name());
    while place.changed().await.is_ok() {
        let place = *place.borrow_and_update();
        run.reach(place).await?;
    }
    Ok(())
}

/// Repeats a signal for as long as its entity is busy.
async fn patiently(signal: impl AsyncFn() -> Result<(), CallError>) -> Result<(), Error> {
    for _ in 1..ATTEMPTS_MAX {
        match signal().await {
            Err(CallError::Busy { retry_after, .. }) if retry_after <= PAUSE_MAX => sleep(retry_after).await,
            // An earlier occurrence of the word was refused as busy, and will be repeated before this one.
            Err(CallError::OutOfSequence { .. }) => sleep(Duration::from_millis(1)).await,
            done => return Ok(done?),
        }
    }
    Ok(signal().await?)
}
