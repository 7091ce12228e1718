//! What is put off comes, and no permit is lost or kept: at every durable state a run that is to begin later has its
//! timer, one that is to go has its own, each run of a limited orchestration that has begun and is not over holds a
//! permit, each that waits for one is noted, and no other run is.

use crate::{
    invariants::Checked,
    runs::{
        Armed,
        code::queue,
        record::{Durable, Histories, RunRecord},
    },
};
use sarsen_protocol::{Address, Body, Keyspace, Message, OrchestrationType, PendingReason, RunId};
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "pending";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] =
    &[Armed::Host(Fault::LoseRows(Keyspace::Meta)), Armed::Host(Fault::LoseRows(Keyspace::Timers))];

pub(crate) fn check(durable: &Durable, histories: &Histories) -> Checked {
    for (run, record) in &durable.runs {
        alarm(durable, run, record)?;
        if record.name.as_str() == queue::NAME {
            let begun =
                histories.contains_key(&(run.clone(), record.execution)) || record.execution != record.first;
            permit(durable, run, record, begun)?;
        }
    }
    for (run, permit) in &durable.permits {
        let record = durable.runs.get(run);
        if record.is_none_or(|record| record.status.is_finished() || record.name != permit.name) {
            return Err(format!("{run} has {permit:?}, and is {record:?}"));
        }
    }
    Ok(())
}

/// Whether the timer of a run as a whole is there, or what it has sent.
fn alarm(durable: &Durable, run: &RunId, record: &RunRecord) -> Checked {
    let address = Address::run(run);
    let mut waiting = durable.waiting_for(&address);
    let is_due =
        |message: &Message| matches!(message.body, Body::Due { execution } if execution == record.first);
    let is_purge =
        |message: &Message| matches!(message.body, Body::PurgeThis { first } if first == record.first);
    if record.extras.pending == Some(PendingReason::Scheduled) && !waiting.any(is_due) {
        return Err(format!("{run} is to begin later, and nothing begins it: {record:?}"));
    }
    if record.extras.expires.is_some() && !durable.waiting_for(&address).any(is_purge) {
        return Err(format!("{run} is to be purged, and nothing purges it: {record:?}"));
    }
    Ok(())
}

fn permit(durable: &Durable, run: &RunId, record: &RunRecord, begun: bool) -> Checked {
    let permit = durable.permits.get(run);
    if record.status.is_finished() {
        return Ok(());
    }
    if begun && !permit.is_some_and(|permit| permit.holds) {
        return Err(format!("{run} has begun without a permit: {permit:?}, {record:?}"));
    }
    if record.extras.pending == Some(PendingReason::Concurrency) && permit.is_none() {
        return Err(format!("{run} waits for a permit and is not noted: {record:?}"));
    }
    Ok(())
}
