//! What one instance waits for.

use super::{Because, Held, Link};
use crate::{
    client::{Asker, listing::refused, run},
    gate::Gate,
};
use sarsen_engine::{LockLookup, Registry, RunLookup};
use sarsen_orchestration::{Event, Execution, Wait, waits};
use sarsen_protocol::{Address, CallError, RunId, RunStatus};

/// Looks at an instance.
pub(super) async fn link(asker: &Asker, instance: Address) -> Result<Link, CallError> {
    let gate = asker.gate();
    let because = match instance.as_run() {
        Some(run) => of_run(gate, &run).await?,
        None => match held(gate, &instance).await? {
            Some(held) => vec![Because::Locked(held)],
            None => vec![Because::Nothing],
        },
    };
    Ok(Link { instance, at: gate.now(), because })
}

async fn of_run(gate: &dyn Gate, id: &RunId) -> Result<Vec<Because>, CallError> {
    let lookup = RunLookup::new(id);
    let pages = gate.read(vec![lookup.read()]).await?;
    let record = pages.first().map(|page| lookup.take(page)).transpose().map_err(refused)?.flatten();
    let Some(record) = record else { return Ok(vec![Because::NotFound]) };
    let mut because = Vec::new();
    match record.status {
        RunStatus::Completed | RunStatus::Failed | RunStatus::Terminated => {
            return Ok(vec![Because::Finished(record.status)]);
        }
        RunStatus::Pending => {
            let extras = record.extras();
            because.push(Because::Pending { reason: extras.pending, scheduled: extras.scheduled });
        }
        RunStatus::Suspended => because.push(Because::Suspended),
        RunStatus::Running => {}
    }
    because.extend(record.parked.map(|reason| Because::Parked { reason }));
    let history = run::events(gate, id, record.execution).await?;
    for what in awaited(gate.registry(), &history) {
        let held = match &what {
            Wait::Lock { entities, .. } => first_held(gate, entities, id).await?,
            Wait::Call { entity, .. } => first_held(gate, std::slice::from_ref(entity), id).await?,
            _ => None,
        };
        because.push(Because::Waits { what, held });
    }
    if because.is_empty() {
        because.push(Because::Nothing);
    }
    Ok(because)
}

/// What the code waits for; when it is not there or does not fit, what its history leaves.
fn awaited(registry: &Registry, history: &[Event]) -> Vec<Wait> {
    waits(history, replayed(registry, history).as_ref())
}

fn replayed(registry: &Registry, history: &[Event]) -> Option<Execution> {
    let start = history.iter().find_map(|event| match event {
        Event::Started(start) => Some(start),
        _ => None,
    })?;
    let mut execution = registry.orchestration(start.name.as_str())?.begin((**start).clone());
    execution.replay(history).ok()?;
    Some(execution)
}

/// The first of these entities whose lock another run holds.
async fn first_held(gate: &dyn Gate, entities: &[Address], run: &RunId) -> Result<Option<Held>, CallError> {
    for entity in entities {
        if let Some(held) = held(gate, entity).await?.filter(|held| held.by != *run) {
            return Ok(Some(held));
        }
    }
    Ok(None)
}

/// Who holds the lock of an entity.
async fn held(gate: &dyn Gate, entity: &Address) -> Result<Option<Held>, CallError> {
    let lookup = LockLookup::new(entity);
    let pages = gate.read(vec![lookup.read()]).await?;
    let found = pages.first().map(|page| lookup.take(page)).transpose().map_err(refused)?.flatten();
    Ok(found.map(|(section, since)| Held {
        entity: entity.clone(),
        by: section.run,
        since: gate.now().since(since),
    }))
}
