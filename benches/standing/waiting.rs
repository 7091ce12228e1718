//! Orchestrations that wait for an event.

use crate::{
    Error,
    arguments::Options,
    figures::{Figures, Latencies, milliseconds},
    filling, open,
    usage::{peak_bytes, resident_bytes},
};
use sarsen::{Client, Context, EventError, orchestration};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The event that they wait for.
const EVENT: &str = "go";

/// How many are answered one after the other, and then so many at a time.
const ALONE: u64 = 2_000;
const TOGETHER: u64 = 50_000;
const TASKS: usize = 64;

/// A prime: steps of this length visit each of them once, whatever their number, and none beside the one before.
const STRIDE: u64 = 999_983;

/// Waits for an event, for ever or so many seconds, and returns what it carries.
#[orchestration]
pub(crate) async fn waiter(cx: Context, seconds: Option<u64>) -> Result<u64, EventError> {
    let event = cx.event(EVENT);
    match seconds {
        Some(seconds) => event.timeout(Duration::from_secs(seconds)).await,
        None => event.await,
    }
}

fn id(number: u64) -> String {
    format!("waiter-{number}")
}

/// Starts them.
pub(crate) async fn fill(options: &Options) -> Result<Figures, Error> {
    let runtime = open(options).await?;
    let client = runtime.client();
    let (begun, seconds) = (Instant::now(), options.due);
    filling::ask_for(options.count, move |number| {
        let start = client.start(waiter, seconds).id(id(number)).into_future();
        async move { start.await.map(drop) }
    })
    .await?;
    runtime.shutdown().await?;
    let mut figures = Figures::default();
    figures.add("fill_seconds", begun.elapsed().as_secs());
    figures.add("resident_bytes_peak_of_fill", peak_bytes());
    Ok(figures)
}

/// Opens the store with them, and raises the event at some.
pub(crate) async fn measure(options: &Options) -> Result<Figures, Error> {
    let mut figures = Figures::of(options);
    filling::empty(options)?;
    figures.add_printed(&filling::by_another_process(options)?);

    let begun = Instant::now();
    let runtime = open(options).await?;
    figures.add("open_ms", milliseconds(begun.elapsed()));
    figures.add("resident_bytes_open", resident_bytes());
    let client = runtime.client();
    let (count, mut latencies) = (options.count, Latencies::default());
    let alone = ALONE.min(count / 2);
    for turn in 0..alone {
        latencies.note(answer(&client, turn * STRIDE % count).await?);
    }
    figures.add("answer_p50_us", latencies.micros(0.5));
    figures.add("answer_p99_us", latencies.micros(0.99));
    figures.add("resident_bytes", resident_bytes());

    let together = TOGETHER.min(count - alone);
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let client = client.clone();
        tasks.spawn(async move {
            for turn in (alone..alone + together).skip(task).step_by(TASKS) {
                answer(&client, turn * STRIDE % count).await?;
            }
            Ok::<(), Error>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.expect("a task does not panic")?;
    }
    figures.add("answers_together", together);
    figures.add("answers_together_ms", milliseconds(begun.elapsed()));
    figures.add("resident_bytes_peak", peak_bytes());
    let most = options.cache_bytes as u64 * 3 / 2 + 150_000_000;
    figures.add("resident_bytes_allowed", most);
    drop(client);
    runtime.shutdown().await?;
    Ok(figures)
}

/// Raises the event and waits for the result; returns how long that took.
async fn answer(client: &Client, number: u64) -> Result<Duration, Error> {
    let run = client.run(waiter, id(number));
    let begun = Instant::now();
    run.raise(EVENT, &number).await?;
    let told = run.result().await?;
    let elapsed = begun.elapsed();
    if told == Ok(number) { Ok(elapsed) } else { Err(Error::Missing { expected: 1, found: 0 }) }
}
