//! An audit tells exactly what was committed, in its order and without a gap: doing it again gives the states that it
//! tells, and the last of them is the one that there is. It tells what has failed as often as that was, and who asked.

use super::Checked;
use crate::{
    armed::Armed,
    durable::{audit_of, ids_in},
    ledger::{Deed, Ledger, OperationId},
    oracle::{Asked, Asker, Oracle, Promise, has_run},
    plan::Leeway,
    rest::Rest,
};
use sarsen_engine::{Act, After, AuditEntry, Caller, LetterLookup};
use sarsen_entities::EntityType;
use sarsen_protocol::{Address, Keyspace, LetterId};
use sarsen_storage::Store;
use sarsen_testing::Fault;
use std::{collections::BTreeMap, ops::RangeInclusive};

pub(crate) const NAME: &str = "audited";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[
    Armed::Host(Fault::LoseRows(Keyspace::Audit)),
    Armed::Engine(sarsen_engine::Fault::AuditForgetsFailures),
    Armed::Engine(sarsen_engine::Fault::AuditForgetsSchedules),
    Armed::Engine(sarsen_engine::Fault::AuditWrongCaller),
];

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

pub(crate) fn check(oracle: &Oracle, rest: &Rest, leeway: Leeway) -> Checked {
    let Some(keep) = leeway.audited else { return Ok(()) };
    for (key, entries) in &rest.audits {
        let retold = retell(entries, keep).map_err(|what| format!("{what} in the audit of {key}"))?;
        if entries.first().is_some_and(|first| first.sequence > 1) {
            continue;
        }
        complete(oracle, rest, leeway, (key, entries))?;
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

/// Every operation of a ledger is told as often as it was done and as it failed, with who asked for it.
fn complete(oracle: &Oracle, rest: &Rest, leeway: Leeway, (key, entries): (&str, &[AuditEntry])) -> Checked {
    let mut told: BTreeMap<OperationId, (usize, usize)> = BTreeMap::new();
    for entry in entries {
        let Act::Operation { input, outcome, .. } = &entry.act else { continue };
        let id = ids_in(input.as_bytes()).next().ok_or("an operation has an id")?;
        let asked =
            oracle.get(id).ok_or_else(|| format!("nobody asked for {id:?}, and {key} tells of it"))?;
        let caller = match asked.by {
            Asker::Client => Some(Caller::Client { within: None }),
            Asker::Operation(parent) => oracle
                .get(parent)
                .and_then(|parent| Address::entity(Ledger::NAME, &parent.to).ok())
                .map(Caller::Entity),
        };
        if Some(&entry.caller) != caller.as_ref() {
            return Err(format!("{:?} is told to have asked for {id:?}, which did {caller:?}", entry.caller));
        }
        let (done, failed) = told.entry(id).or_default();
        *(if outcome.is_ok() { done } else { failed }) += 1;
    }
    for (id, asked) in oracle.asked.iter().filter(|(_, asked)| asked.to == key) {
        let (done, failed) = told.remove(id).unwrap_or_default();
        let applied = rest.places.get(id).map_or(0, Vec::len);
        let failures = failures(oracle, rest, (*id, asked), leeway);
        if done != applied || !failures.contains(&failed) {
            return Err(format!(
                "{id:?} is told to have been done {done} times and to have failed {failed} times, and not {applied} \
                 and {failures:?}: {asked:?}"
            ));
        }
    }
    match told.keys().next() {
        Some(id) => Err(format!("{key} tells of {id:?}, which was asked of another")),
        None => Ok(()),
    }
}

/// How often an operation has failed: a call at most once, as its callers were told; another one once for each dead
/// letter that it has become.
fn failures(
    oracle: &Oracle,
    rest: &Rest,
    (id, asked): (OperationId, &Asked),
    leeway: Leeway,
) -> RangeInclusive<usize> {
    if asked.form.is_call() {
        return match asked.promise() {
            Promise::Failed => 1..=1,
            Promise::Applied | Promise::Never => 0..=0,
            Promise::Accepted | Promise::AtMostOnce => 0..=usize::from(!rest.places.contains_key(&id)),
        };
    }
    let lies = |letter: &LetterId| {
        let row = LetterLookup::new(*letter).read().from;
        rest.dead.iter().any(|dead| dead.key == row)
    };
    let gone = oracle.failures.get(&id).into_iter().flatten().filter(|letter| !lies(letter)).count();
    let dead = rest.dead.iter().filter(|dead| dead.id == Some(id) && has_run(dead.kind)).count();
    gone + dead..=gone + dead + usize::from(leeway.dead_letters_go)
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
