//! An audit tells exactly what was committed, in its order and without a gap: doing it again gives the states that it
//! tells, and the last of them is the one that there is.

use super::Checked;
use crate::{
    armed::Armed,
    durable::{audit_of, ids_in},
    ledger::{Deed, Ledger, OperationId},
    plan::Leeway,
    rest::Rest,
};
use sarsen_engine::{Act, After, AuditEntry};
use sarsen_protocol::{Address, Keyspace};
use sarsen_storage::Store;
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "audited";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::LoseRows(Keyspace::Audit))];

/// The list of a ledger's life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) list: Vec<OperationId>,
    pub(crate) end: Option<End>,
}

/// What has ended a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Erased,
    Expired,
}

pub(crate) fn check(rest: &Rest, leeway: Leeway) -> Checked {
    let Some(keep) = leeway.audited else { return Ok(()) };
    for (key, entries) in &rest.audits {
        let retold = retell(entries, keep).map_err(|what| format!("{what} in the audit of {key}"))?;
        if entries.first().is_some_and(|first| first.sequence > 1) {
            continue;
        }
        let state = rest.states.get(key).cloned().unwrap_or_default();
        let last = &retold.last().ok_or("a ledger has a life")?.list;
        if *last != state {
            return Err(format!("the audit of {key} tells {last:?}, and there is {state:?}"));
        }
        let erased: Vec<_> = retold.iter().filter(|life| life.end == Some(End::Erased)).collect();
        let kept = rest.erased.get(key).map(Vec::as_slice).unwrap_or_default();
        if !erased.iter().map(|life| &life.list).eq(kept) {
            return Err(format!("the audit of {key} tells {erased:?}, and the witness has {kept:?}"));
        }
    }
    Ok(())
}

/// Does again what was done. Of an audit whose beginning has gone only what is told of states is compared.
pub(crate) fn retell(entries: &[AuditEntry], keep: u64) -> Result<Vec<Life>, String> {
    if entries.len() as u64 > keep {
        return Err(format!("there are {} entries, {keep} are kept", entries.len()));
    }
    let mut lives = vec![Life::default()];
    let first = entries.first().map_or(1, |entry| entry.sequence);
    let mut known = first == 1;
    for (entry, place) in entries.iter().zip(first..) {
        if entry.sequence != place {
            return Err(format!("{} stands where {place} should", entry.sequence));
        }
        let life = lives.last_mut().ok_or("a ledger has a life")?;
        match &entry.act {
            Act::Operation { name, input, outcome } => {
                let id = ids_in(input.as_bytes()).next().ok_or_else(|| format!("`{name}` has no id"))?;
                if outcome.is_ok() {
                    life.list.push(id);
                    let deletions = [Deed::Erase, Deed::FetchErase];
                    let erased = deletions.iter().any(|deed| deed.operation() == name.as_str());
                    life.end = erased.then_some(End::Erased);
                }
            }
            Act::Expired => life.end = Some(End::Expired),
            other => return Err(format!("nobody asked for {other:?}")),
        }
        if life.end.is_some() {
            lives.push(Life::default());
            known = true;
        }
        let list = &mut lives.last_mut().ok_or("a ledger has a life")?.list;
        match &entry.after {
            After::State(state) => {
                let state: Ledger =
                    sarsen_protocol::json::decode(state).map_err(|error| error.to_string())?;
                if known && state.list != *list {
                    return Err(format!(
                        "{place} tells {:?}, and what was done before gives {list:?}",
                        state.list
                    ));
                }
                (*list, known) = (state.list, true);
            }
            After::Deleted if !list.is_empty() => {
                return Err(format!("{place} tells of no state, and what was done before gives {list:?}"));
            }
            _ => {}
        }
    }
    Ok(lives)
}

/// What is durable when something leaves: a record is told by its audit up to its last change.
pub(crate) fn check_store<S: Store>(store: &S, of: &Address, leeway: Leeway) -> Checked {
    let Some(keep) = leeway.audited else { return Ok(()) };
    // A store that has just failed cannot be asked.
    let Ok(entries) = audit_of(store, of) else { return Ok(()) };
    let retold = retell(&entries, keep).map_err(|what| format!("{what} in the durable audit of {of}"))?;
    let rows = sarsen_testing::rows(store, Keyspace::Instances).unwrap_or_default();
    let record = rows.iter().find(|row| row.key.get(2..) == Some(of.as_bytes()));
    let state: Vec<OperationId> = record.map(|row| ids_in(&row.value).collect()).unwrap_or_default();
    let told = retold.last().map(|life| life.list.clone()).unwrap_or_default();
    let whole = entries.first().is_none_or(|first| first.sequence == 1);
    if whole && told != state {
        return Err(format!("the durable audit of {of} tells {told:?}, and there is {state:?}"));
    }
    Ok(())
}
