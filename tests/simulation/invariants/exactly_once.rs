//! What was acknowledged is applied exactly once or is exactly one dead letter, also when letters are sent again, unless
//! somebody has discarded it; what was refused never was; what nobody knows is so at most once. Under keys and by
//! producers also when clients repeat themselves, and then with the same answer. Messages of applied operations likewise;
//! messages of others never were sent.

use super::Checked;
use crate::{
    armed::Armed,
    ledger::OperationId,
    oracle::{Asked, Asker, Oracle, Outcome, Promise},
    plan::Leeway,
    rest::Rest,
};
use sarsen_protocol::{FailureKind, Keyspace};
use sarsen_testing::Fault;
use std::collections::HashMap;

pub(crate) const NAME: &str = "exactly_once";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[
    Armed::Host(Fault::RepeatDelivery),
    Armed::Host(Fault::LoseRows(Keyspace::Mailbox)),
    Armed::Host(Fault::LoseRows(Keyspace::Inbox)),
    Armed::Host(Fault::LoseRows(Keyspace::Timers)),
    Armed::Host(Fault::LoseRows(Keyspace::Keys)),
    Armed::Host(Fault::LoseRows(Keyspace::Instances)),
    Armed::Host(Fault::LoseRows(Keyspace::Dead)),
    Armed::Host(Fault::KeepRows(Keyspace::Dead)),
    Armed::Engine(sarsen_engine::Fault::AcceptOldOutcome),
    Armed::Engine(sarsen_engine::Fault::BusyIgnored),
];

pub(crate) fn check(oracle: &Oracle, rest: &Rest, leeway: Leeway) -> Checked {
    let mut dead: HashMap<OperationId, Vec<FailureKind>> = HashMap::new();
    for letter in &rest.dead {
        let Some(id) = letter.id.filter(|_| letter.operation != "keep") else {
            return Err(format!("a list on its way to the witness was given up: {letter:?}"));
        };
        dead.entry(id).or_default().push(letter.kind);
    }
    if let Some(id) = rest.places.keys().find(|id| oracle.get(**id).is_none()) {
        return Err(format!("nobody asked for {id:?}"));
    }
    for (id, asked) in &oracle.asked {
        let applied = rest.places.get(id).map_or(0, Vec::len);
        let letters = dead.get(id).map_or(&[][..], Vec::as_slice);
        one(oracle, rest, (*id, asked), (applied, letters), leeway).map_err(|what| {
            format!("{id:?} {what} (applied {applied} times, dead letters {letters:?}): {asked:?}")
        })?;
    }
    Ok(())
}

/// Checks one operation.
fn one(
    oracle: &Oracle,
    rest: &Rest,
    (id, asked): (OperationId, &Asked),
    (applied, letters): (usize, &[FailureKind]),
    leeway: Leeway,
) -> Checked {
    let times = applied + letters.len();
    let discarded = oracle.discarded.get(&id);
    if times > 1 {
        return Err("came more than once".to_owned());
    }
    if times > 0 && discarded == Some(&true) {
        return Err("was discarded".to_owned());
    }
    if applied > 0 && rest.places[&id].iter().any(|(key, _)| *key != asked.to) {
        return Err("came to another ledger".to_owned());
    }
    for kind in letters {
        letter(asked, *kind, oracle.resent.contains(&id), leeway)?;
    }
    let promise = match asked.by {
        Asker::Client => asked.promise(),
        Asker::Operation(parent) if rest.places.contains_key(&parent) => Promise::Accepted,
        Asker::Operation(_) => Promise::Never,
    };
    same_answer(asked)?;
    let kept = match promise {
        Promise::Accepted => {
            times == 1 || (leeway.dead_letters_go && applied == 0) || (discarded.is_some() && times == 0)
        }
        Promise::Applied => applied == 1,
        Promise::Failed => {
            let may_fail = leeway.limits_fail || !asked.deed.succeeds() || asked.deed.may_be_late();
            times == 0 && may_fail
        }
        Promise::Never => times == 0,
        Promise::AtMostOnce => true,
    };
    if kept { Ok(()) } else { Err(format!("was promised to be {promise:?}")) }
}

/// Whether an operation may have become this dead letter. One that is sent again meets a full mailbox as those of
/// instances do.
fn letter(asked: &Asked, kind: FailureKind, resent: bool, leeway: Leeway) -> Checked {
    let by_client = asked.by == Asker::Client && !asked.delayed && !resent;
    let fits = match kind {
        FailureKind::MailboxFull => !by_client,
        FailureKind::Returned | FailureKind::Panicked | FailureKind::Unencodable => !asked.deed.succeeds(),
        FailureKind::TooLarge => leeway.limits_fail,
        FailureKind::TimedOut => asked.deed.may_be_late(),
        _ => false,
    };
    if fits && !asked.form.is_call() {
        Ok(())
    } else {
        Err(format!("cannot be a dead letter because of {kind:?}"))
    }
}

/// Whether all attempts were told the same.
fn same_answer(asked: &Asked) -> Checked {
    let told = asked.attempts.iter().map(|attempt| &attempt.outcome);
    let mut answers = told.filter(|outcome| matches!(outcome, Outcome::Returned(_) | Outcome::Failed));
    let Some(first) = answers.next() else { return Ok(()) };
    if answers.all(|other| other == first) { Ok(()) } else { Err("was answered in two ways".to_owned()) }
}
