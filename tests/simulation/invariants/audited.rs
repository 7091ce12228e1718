//! An audit tells exactly what was committed, in its order and without a gap: doing it again gives the states that it
//! tells, and the last of them is the one that there is.

use super::Checked;
use crate::{
    armed::Armed,
    durable::ids_in,
    ledger::{Deed, Ledger, OperationId},
    plan::Leeway,
    rest::Rest,
};
use sarsen_engine::{Act, After, AuditEntry, AuditListing};
use sarsen_protocol::{Address, Keyspace};
use sarsen_storage::Store;
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "audited";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::LoseRows(Keyspace::Audit))];

/// The lists of a ledger, one for each time that it was erased and the last one.
type Lives = Vec<Vec<OperationId>>;

pub(crate) fn check(rest: &Rest, leeway: Leeway) -> Checked {
    let Some(keep) = leeway.audited else { return Ok(()) };
    for (key, entries) in &rest.audits {
        let retold = retell(entries, keep).map_err(|what| format!("{what} in the audit of {key}"))?;
        let whole = entries.first().is_none_or(|first| first.sequence == 1);
        let lives: Lives = rest.lives.get(key).cloned().unwrap_or_default();
        let last = |lives: &Lives| lives.last().cloned().unwrap_or_default();
        let state = rest.states.get(key).cloned().unwrap_or_default();
        if whole && last(&retold) != state {
            return Err(format!("the audit of {key} tells {:?}, and there is {state:?}", last(&retold)));
        }
        let told = |lives: &Lives| lives.iter().filter(|list| !list.is_empty()).cloned().collect::<Lives>();
        if whole && told(&retold) != told(&lives) {
            return Err(format!("the audit of {key} tells {retold:?}, and there were {lives:?}"));
        }
    }
    Ok(())
}

/// Does again what was done. Of an audit whose beginning has gone only what is told of states is compared.
fn retell(entries: &[AuditEntry], keep: u64) -> Result<Lives, String> {
    if entries.len() as u64 > keep {
        return Err(format!("there are {} entries, {keep} are kept", entries.len()));
    }
    let mut lives: Lives = vec![Vec::new()];
    let first = entries.first().map_or(1, |entry| entry.sequence);
    let mut known = first == 1;
    for (entry, place) in entries.iter().zip(first..) {
        if entry.sequence != place {
            return Err(format!("{} stands where {place} should", entry.sequence));
        }
        let Act::Operation { name, input, outcome } = &entry.act else {
            return Err(format!("nobody asked for {:?}", entry.act));
        };
        let id = ids_in(input.as_bytes()).next().ok_or_else(|| format!("`{name}` has no id"))?;
        if let (Ok(_), Some(list)) = (outcome, lives.last_mut()) {
            list.push(id);
            if [Deed::Erase, Deed::FetchErase].iter().any(|deed| deed.operation() == name.as_str()) {
                lives.push(Vec::new());
                known = true;
            }
        }
        let list = lives.last_mut().ok_or("a ledger has a life")?;
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
    let mut listing = AuditListing::new(of.clone(), false, 1_000);
    let mut entries = Vec::new();
    while let Some(read) = listing.next_read() {
        // A store that has just failed cannot be asked.
        let Ok(pages) = store.read(&[read]) else { return Ok(()) };
        for page in &pages {
            entries.extend(listing.take(page).map_err(|error| error.to_string())?);
        }
    }
    let retold = retell(&entries, keep).map_err(|what| format!("{what} in the durable audit of {of}"))?;
    let rows = sarsen_testing::rows(store, Keyspace::Instances).unwrap_or_default();
    let record = rows.iter().find(|row| row.key.get(2..) == Some(of.as_bytes()));
    let state: Vec<OperationId> = record.map(|row| ids_in(&row.value).collect()).unwrap_or_default();
    let told = retold.last().cloned().unwrap_or_default();
    let whole = entries.first().is_none_or(|first| first.sequence == 1);
    if whole && told != state {
        return Err(format!("the durable audit of {of} tells {told:?}, and there is {state:?}"));
    }
    Ok(())
}
