//! Importing a run that is over.

use super::{AnyRun, Target, start::started, unsendable};
use crate::client::{
    Asker,
    exchange::{Draft, Exchange, refuse_inside},
};
use sarsen_orchestration::{Command, Cursor, End, Event, ExportedHistory};
use sarsen_protocol::{Address, Body, CallError, ImportRequest, Payload, RunOutcome, RunStatus, Timestamp};
use std::future::poll_fn;

/// The most that a history may have, in bytes as it is written.
const HISTORY_BYTES_MAX: usize = 32 << 20;
/// Events of one chunk.
const CHUNK_EVENTS: usize = 1_000;

/// Keeps a run that is over under its id.
pub(in crate::client) async fn import(asker: Asker, history: &ExportedHistory) -> Result<AnyRun, CallError> {
    refuse_inside()?;
    let run = history.run().clone();
    let address = Address::run(&run);
    let body = Body::Import(Box::new(request(history)?));
    let mut exchange = Exchange::new(Draft::message(asker.clone(), Ok(address.clone()), Ok(body)));
    let (_, answer) = poll_fn(|cx| exchange.poll(cx)).await?;
    let first = started(answer, &address)?;
    let text = run.to_string();
    Ok(AnyRun::of(Target { asker, text, run: Ok(run), first: Some(first), expected: None, watch: None }))
}

fn request(history: &ExportedHistory) -> Result<ImportRequest, CallError> {
    let start = history.start();
    let outcome = match history.end() {
        Some(End::Returned(result)) => RunOutcome::Returned(result.clone()),
        Some(End::Failed(failure)) => RunOutcome::Failed(failure.clone()),
        Some(End::Terminated { reason, .. }) => RunOutcome::Terminated { reason: reason.clone() },
        Some(End::ContinuedAsNew(_)) | None => {
            return Err(CallError::RunNotFinished { run: start.run.clone(), status: RunStatus::Running });
        }
    };
    let mut cursor = Cursor::default();
    let mut chunks = Vec::new();
    let mut length = 0;
    for events in history.events().chunks(CHUNK_EVENTS) {
        let chunk = cursor.write(events);
        length += chunk.len();
        chunks.push(chunk.into());
    }
    if length > HISTORY_BYTES_MAX {
        let reason = format!("it has {length} bytes, {HISTORY_BYTES_MAX} are allowed");
        return Err(unsendable(format!("the history of run `{}`", start.run), reason));
    }
    let (created, completed) = span(history.events());
    Ok(ImportRequest {
        name: start.name.clone(),
        execution: start.execution,
        created,
        completed,
        custom_status: custom_status(history.events()),
        outcome,
        labels: start.labels.clone(),
        history: chunks,
    })
}

/// The times of the first and of the last turn.
fn span(events: &[Event]) -> (Timestamp, Timestamp) {
    let mut turns = events.iter().filter_map(|event| match event {
        Event::TurnStarted { at } => Some(*at),
        _ => None,
    });
    let first = turns.next().unwrap_or_default();
    (first, turns.last().unwrap_or(first))
}

fn custom_status(events: &[Event]) -> Option<Payload> {
    events.iter().rev().find_map(|event| match event {
        Event::Issued(_, Command::SetStatus { status }) => Some(status.clone()),
        _ => None,
    })
}
