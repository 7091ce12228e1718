//! The course of an evening: workers are hired, and watched until the last match is finished.

use crate::{
    Error,
    entities::Lobby,
    report::Progress,
    work::{Job, worker},
};
use futures::{
    TryStreamExt,
    future::{Either, select},
    stream,
};
use sarsen::{CallError, Client, Reuse};
use std::{convert::Infallible, pin::pin, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// How often the progress is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// How many workers are hired at a time.
const HIRED_AT_ONCE: usize = 64;

/// Lets so many workers make matches until there is none left to make.
pub async fn play(client: &Client, workers: u64, job: Job, progress: &mut Progress) -> Result<(), Error> {
    let work = pin!(work(client, workers, job));
    let watch = pin!(watch(client, progress));
    match select(work, watch).await {
        Either::Left((worked, _)) => worked,
        Either::Right((watched, _)) => match watched? {},
    }
}

/// Waits until all workers have ended: those who are hired now, and those who go on after an interruption.
async fn work(client: &Client, workers: u64, job: Job) -> Result<(), Error> {
    let lobby = client.entity::<Lobby>(Lobby::KEY);
    loop {
        let numbers = stream::iter((1..=workers).map(Ok));
        numbers.try_for_each_concurrent(HIRED_AT_ONCE, |number| hire(client, number, job)).await?;
        let mut crew = client.runs().orchestration(worker);
        while let Some(member) = crew.try_next().await? {
            client.run(worker, member.id.as_str()).result().await??;
        }
        let Lobby { matches, taken, .. } = lobby.state().await?.unwrap_or_default();
        // A worker who was leaving when matches were added has not seen them.
        if taken == matches {
            return Ok(());
        }
    }
}

/// Hires a worker under a fixed id, unless one of that id is at work.
async fn hire(client: &Client, number: u64, job: Job) -> Result<(), CallError> {
    let start = client.start(worker, job).id(format!("worker-{number:03}"));
    match start.reuse(Reuse::ReplaceFinished).await {
        Ok(_) | Err(CallError::RunExists { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Shows how many matches are finished, for as long as somebody works.
async fn watch(client: &Client, progress: &mut Progress) -> Result<Infallible, Error> {
    let lobby = client.entity::<Lobby>(Lobby::KEY);
    let mut glances = interval(GLANCE);
    glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        glances.tick().await;
        progress.finished(lobby.state().await?.unwrap_or_default().finished)?;
    }
}
