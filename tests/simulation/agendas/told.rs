//! What the audit of an agenda tells is what its lives have written down, one for one: what was scheduled as what was
//! called, with who scheduled it.

use super::{
    entity::{Agenda, Entry, Moment, Plan},
    promised::{Caused, Promised},
};
use crate::invariants::Checked;
use sarsen_engine::{Act, AuditEntry, Caller};
use sarsen_entities::EntityType;
use sarsen_protocol::{Address, Payload, json};
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, time::Duration};

/// Compares the whole audit of an agenda with the logs of its lives.
pub(super) fn check(known: &Promised, key: &str, lives: &[Vec<Entry>], entries: &[AuditEntry]) -> Checked {
    let mut told = vec![Vec::new()];
    let mut failed: BTreeMap<u64, usize> = BTreeMap::new();
    for (place, entry) in (1..).zip(entries) {
        let what = |why: String| format!("{place} in the audit of {key} {why}: {entry:?}");
        if entry.sequence != place {
            return Err(what("has another place".to_owned()));
        }
        let Act::Operation { name, input, outcome } = &entry.act else {
            return Err(what("was asked for by nobody".to_owned()));
        };
        let by = caller(known, key, name.as_str(), input).map_err(what)?;
        if entry.caller != by {
            return Err(what(format!("was caused by {by:?}")));
        }
        match (name.as_str(), outcome) {
            ("erase", Ok(_)) => told.push(Vec::new()),
            ("tell", Ok(_)) => {}
            ("plan", Err(_)) => *failed.entry(decode::<Plan>(input).map_err(what)?.1).or_default() += 1,
            (_, Ok(_)) => {
                let life = told.last_mut().ok_or("an agenda has a life")?;
                life.push(written(entry, name.as_str(), input).map_err(what)?);
            }
            (_, Err(_)) => return Err(what("does not fail".to_owned())),
        }
    }
    if told != lives {
        return Err(format!("the audit of {key} tells {told:?}, and it has written {lives:?}"));
    }
    known.failed(key).try_for_each(|(id, possible)| {
        let times = failed.get(&id).copied().unwrap_or_default();
        let fits = possible.contains(&times);
        if fits {
            Ok(())
        } else {
            Err(format!("plan {id} of {key} is told to have failed {times} times, not {possible:?}"))
        }
    })
}

fn decode<T: DeserializeOwned>(input: &Payload) -> Result<T, String> {
    json::decode(input).map_err(|failure| failure.message)
}

/// What an operation that has succeeded has written.
fn written(entry: &AuditEntry, operation: &str, input: &Payload) -> Result<Entry, String> {
    Ok(match operation {
        "plan" => {
            let (name, id, delay_ms, every_ms, _) = decode::<Plan>(input)?;
            let due = Moment::of(entry.at.after(Duration::from_millis(delay_ms)));
            Entry::Planned { name, id, due, every_ms }
        }
        "cancel" => Entry::Dropped { name: decode(input)? },
        "come" => Entry::Came { id: decode(input)?, at: Moment::of(entry.at) },
        other => return Err(format!("is `{other}`, which nobody asks for")),
    })
}

/// Who has asked for an operation.
fn caller(known: &Promised, key: &str, operation: &str, input: &Payload) -> Result<Caller, String> {
    let client = Caller::Client { within: None };
    if operation != "come" {
        return Ok(client);
    }
    let id = decode(input)?;
    match known.caused(id).ok_or_else(|| format!("was scheduled by nobody at {key}"))? {
        Caused::ByClient => Ok(client),
        Caused::ByAgenda(agenda) => {
            Address::entity(Agenda::NAME, agenda).map(Caller::Entity).map_err(|error| error.to_string())
        }
    }
}
