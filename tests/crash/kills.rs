//! The example is killed again and again, and counts as if nothing had happened.

use crate::{
    example::{COUNTER, End},
    random::{self, Random},
    text::Text,
};
use futures::{StreamExt, TryStreamExt, stream};
use sarsen::{CallError, Entity, Runtime, operations};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, io, path::Path};

/// How many times one run is killed before it may finish.
const KILLS_PER_RUN: u64 = 20;

/// How many requests to wait for at a time.
const IN_FLIGHT: usize = 1_000;

/// The example's entity, as this test reads it.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
struct Counter {
    count: u64,
}

#[operations]
impl Counter {
    fn add(&mut self, times: u64) {
        self.count += times;
    }

    fn count(&self) -> u64 {
        self.count
    }
}

#[tokio::test]
async fn a_run_that_is_killed_at_any_acknowledgement_counts_every_word_once() {
    let words = random::from_env("SARSEN_WORDS", || if cfg!(debug_assertions) { 100_000 } else { 1_000_000 });
    let mut kills = random::from_env("SARSEN_KILLS", || KILLS_PER_RUN);
    let seed = random::seed();
    eprintln!(
        "again: SARSEN_SEED={seed} SARSEN_KILLS={kills} SARSEN_WORDS={words} cargo test{} --test crash kills",
        if cfg!(debug_assertions) { "" } else { " --release" }
    );
    let mut random = Random::new(seed);
    while kills > 0 {
        kills -= interrupted_run(&mut random, words, kills.min(KILLS_PER_RUN)).await;
    }
}

/// Kills a run up to `kills` times, lets it finish, and compares every count. Returns how many kills there were.
async fn interrupted_run(random: &mut Random, words: u64, kills: u64) -> u64 {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let (file, data) = (folder.path().join("text"), folder.path().join("data"));
    let text = Text::generate(random, words);
    text.save(&file);
    let first = file.to_str().expect("the path is UTF-8");
    // Few enough that the run is seldom over before it has been killed so often.
    let lines_max = (words / 1_000 * 9 / 10 / kills).max(1);
    let mut killed = 0;
    while killed < kills {
        // The first process is to begin the run; a later one may be killed while it opens the data.
        let lines = u64::from(killed == 0) + random.below(lines_max);
        let what = if killed == 0 { first } else { "--resume" };
        let in_flight = random.choose(&["64", "512", "4096", "16384"]);
        match COUNTER.kill_after(lines, &data, &[what, "--in-flight", in_flight]) {
            End::Killed { progress: acknowledged } => check_copy(random, &data, &text, acknowledged).await,
            End::Finished => break,
        }
        killed += 1;
    }
    finish(&data);
    check(&data, &text).await;
    killed
}

/// Resumes a run and lets it finish, unless it has finished already: it may be killed between that and its exit.
fn finish(data: &Path) {
    let ended = COUNTER.run(data, &["--resume"]);
    if !ended.stderr.contains("there is no unfinished run") {
        ended.succeeded();
    }
}

/// Requires that nothing acknowledged is lost, and that nothing is counted that is not in the text. Looks at a copy:
/// the next process is to find the data as the kill left it.
async fn check_copy(random: &mut Random, data: &Path, text: &Text, acknowledged: u64) {
    let copy = tempfile::tempdir().expect("there is a temporary folder");
    copy_folder(data, copy.path()).expect("the data can be copied");
    let counts = counts(random, copy.path(), text).await.expect("the counters can be asked");
    let sum: u64 = counts.values().sum();
    assert!(sum >= acknowledged, "{acknowledged} words were acknowledged, {sum} are counted");
    for (word, count) in &counts {
        assert!(*count <= text.counts[word], "`{word}` is counted too often");
    }
}

/// Copies what is in a folder, folders in it as well.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&copy)?;
            copy_folder(&entry.path(), &copy)?;
        } else {
            fs::copy(entry.path(), copy)?;
        }
    }
    Ok(())
}

/// Asks each word's counter, which answers after what waits in its mailbox.
async fn counts(random: &mut Random, data: &Path, text: &Text) -> Result<BTreeMap<String, u64>, CallError> {
    let shards = u16::try_from(1 + random.below(3)).expect("it is small");
    let runtime =
        Runtime::builder().entity::<Counter>().shards(shards).open(data).await.expect("the data is sound");
    let client = runtime.client();
    let counts = stream::iter(text.counts.keys())
        .map(async |word| Ok((word.clone(), client.entity::<Counter>(word).count().await?)))
        .buffered(IN_FLIGHT)
        .try_collect()
        .await;
    runtime.shutdown().await.expect("the runtime can be shut down");
    counts
}

/// Compares all counters there are with the text.
async fn check(data: &Path, text: &Text) {
    let runtime = Runtime::builder().entity::<Counter>().open(data).await.expect("the data is sound");
    let counters = runtime.client().entities::<Counter>().with_state();
    let counters = counters.map_ok(|counter| (counter.key, counter.state.count));
    let counts: BTreeMap<String, u64> = counters.try_collect().await.expect("the counters can be listed");
    runtime.shutdown().await.expect("the runtime can be shut down");
    for (word, expected) in &text.counts {
        assert_eq!(counts.get(word), Some(expected), "the count of `{word}`");
    }
    assert_eq!(counts.len(), text.counts.len(), "words are counted that are not in the text");
}
