//! What a client learns is durable at that moment, and so is all that it depends on: acknowledgements, answers,
//! failures, states, what a repeat is told, a key that was reused, a number that is out of sequence, that
//! a dead letter is gone. What runs off a shard begins once its cause is durable.

use super::Checked;
use crate::{
    armed::Armed,
    durable::{Durable, id_of, ids_in},
    ledger::{Deed, OperationId},
    oracle::Oracle,
    plan::Leeway,
};
use sarsen_engine::{LetterFate, LetterLookup, Request};
use sarsen_protocol::{Answer, CallError, Dispatch, LetterId, Message};
use sarsen_storage::Store;
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "durable_before_visible";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::EarlyEffects), Armed::Host(Fault::OperateEarly)];

/// Compares an answer that is about to leave with the store.
pub(crate) fn check_release<S: Store>(
    oracle: &Oracle,
    request: &Request,
    answer: &Answer,
    store: &S,
    leeway: Leeway,
) -> Checked {
    if matches!(answer, Answer::Refused(error) if !depends_on_state(error)) {
        return Ok(());
    }
    // A store that has just failed cannot be asked; what leaves then was durable before.
    let Ok(mut durable) = Durable::of(store) else { return Ok(()) };
    if leeway.time_to_live.is_some() && durable.add_audits(store).is_err() {
        return Ok(());
    }
    let checked = match (request, answer) {
        (Request::Message(message), Answer::Acknowledged) => acknowledged(oracle, message, &durable, leeway),
        (Request::Letter(asked), Answer::Acknowledged | Answer::Refused(_)) => {
            let is_sent = asked.fate == LetterFate::SentAgain && *answer == Answer::Acknowledged;
            let message = Some(&asked.message).filter(|_| is_sent);
            let accepted = message.map_or(Ok(()), |message| acknowledged(oracle, message, &durable, leeway));
            accepted.and_then(|()| gone(asked.letter, store))
        }
        (Request::Message(message), Answer::Returned(payload)) => {
            let own = id_of(message);
            own.into_iter().chain(ids_in(payload.as_bytes())).try_for_each(|id| applied(id, &durable))
        }
        (_, Answer::Failed(failure)) => {
            let seen = failure.details.iter().flat_map(|details| ids_in(details.as_bytes()));
            seen.into_iter().try_for_each(|id| applied(id, &durable))
        }
        (_, Answer::State(Some(payload))) => {
            ids_in(payload.as_bytes()).try_for_each(|id| applied(id, &durable))
        }
        (Request::Message(message), Answer::Refused(error)) => {
            refused(oracle, message, error, &durable, leeway)
        }
        (_, Answer::State(None)) | (Request::State { .. } | Request::Letter(_), _) => Ok(()),
    };
    checked.map_err(|what| format!("{what}, but {answer:?} left for {request:?}"))
}

/// An operation that runs off its shard begins once the message that asks for it is in a record. The record of one whose
/// time is over may be gone again, by a batch of the same commit.
pub(crate) fn check_operating<S: Store>(dispatch: &Dispatch, store: &S) -> Checked {
    let (Some(id), Ok(durable)) = (ids_in(dispatch.input.as_bytes()).next(), Durable::of(store)) else {
        return Ok(());
    };
    let may_be_gone =
        [Deed::Late, Deed::Hang].iter().any(|deed| dispatch.operation.as_str() == deed.operation());
    if may_be_gone || durable.knows(id) {
        return Ok(());
    }
    Err(format!("{id:?} is in no record and runs as `{}` of {}", dispatch.operation, dispatch.address))
}

fn depends_on_state(error: &CallError) -> bool {
    matches!(
        error,
        CallError::KeyReused { .. } | CallError::OutOfSequence { .. } | CallError::LetterGone { .. }
    )
}

fn acknowledged(oracle: &Oracle, message: &Message, durable: &Durable, leeway: Leeway) -> Checked {
    let Some(id) = id_of(message) else { return Ok(()) };
    known(oracle, id, durable, leeway)
}

/// What was accepted is in a record, unless that was a dead letter which may be gone since.
fn known(oracle: &Oracle, id: OperationId, durable: &Durable, leeway: Leeway) -> Checked {
    let may_be_gone = leeway.dead_letters_go || oracle.discarded.contains_key(&id);
    if durable.knows(id) || may_be_gone { Ok(()) } else { Err(format!("{id:?} is in no record")) }
}

/// Who was told that a letter is gone does not find its row.
fn gone<S: Store>(letter: LetterId, store: &S) -> Checked {
    let Ok(pages) = store.read(&[LetterLookup::new(letter).read()]) else { return Ok(()) };
    if pages.iter().all(|page| page.rows.is_empty()) {
        Ok(())
    } else {
        Err(format!("dead letter {letter} is still there"))
    }
}

fn applied(id: OperationId, durable: &Durable) -> Checked {
    if durable.has_applied(id) { Ok(()) } else { Err(format!("{id:?} is in no list that is durable")) }
}

fn refused(
    oracle: &Oracle,
    message: &Message,
    error: &CallError,
    durable: &Durable,
    leeway: Leeway,
) -> Checked {
    match error {
        CallError::KeyReused { key, .. } if !durable.remembers(key) => Err(format!("{key} is in no record")),
        CallError::OutOfSequence { producer, expected, .. } => {
            let last = (producer.clone(), message.to.key().to_owned(), expected.0 - 1);
            match oracle.produced.get(&last) {
                Some(id) => known(oracle, *id, durable, leeway),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
