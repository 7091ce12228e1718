//! A ledger does one operation at a time: what each caller was told of its place is true, each list that was seen is
//! the beginning of the true one, and what was known before a request began comes before it.

use super::Checked;
use crate::{
    armed::Armed,
    oracle::{Asked, Moment, Oracle, Outcome, Seen},
    rest::{Place, Rest},
};
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "serial";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::StaleLoad)];

pub(crate) fn check(oracle: &Oracle, rest: &Rest) -> Checked {
    for (id, asked) in &oracle.asked {
        let Some(told) = told(asked) else { continue };
        match rest.place(*id, &asked.to) {
            Some(place) if place.index + 1 == told => {}
            place => return Err(format!("{id:?} was told place {told} and stands at {place:?}: {asked:?}")),
        }
    }
    for seen in &oracle.seen {
        let place = place_of(seen, rest)?;
        known_before(oracle, rest, seen, place)?;
    }
    in_time(oracle, rest)
}

/// The place that the caller was told.
fn told(asked: &Asked) -> Option<usize> {
    asked.attempts.iter().find_map(|attempt| match attempt.outcome {
        Outcome::Returned(place) => Some(place),
        _ => None,
    })
}

/// When the caller first learned the operation's answer.
fn answered(asked: &Asked) -> Option<Moment> {
    let answered = asked.attempts.iter().filter(|attempt| matches!(attempt.outcome, Outcome::Returned(_)));
    answered.filter_map(|attempt| attempt.ended).min()
}

/// Where a list that was seen ends; `None` when it is empty, which any life's is at its beginning.
fn place_of(seen: &Seen, rest: &Rest) -> Result<Option<Place>, String> {
    let list = seen.list.as_deref().unwrap_or_default();
    let Some(first) = list.first() else { return Ok(None) };
    let Some(place) = rest.place(*first, &seen.of) else {
        return Err(format!("{first:?} was seen and is nowhere: {seen:?}"));
    };
    if rest.lives[&seen.of][place.life].starts_with(list) {
        Ok(Some(Place { life: place.life, index: list.len() - 1 }))
    } else {
        Err(format!("no list began like the one that was seen: {seen:?}, but {:?}", rest.lives[&seen.of]))
    }
}

/// A list holds what its reader could know before it asked.
fn known_before(oracle: &Oracle, rest: &Rest, seen: &Seen, place: Option<Place>) -> Checked {
    // Behind the end of a life there is none.
    let ended =
        rest.erased.contains_key(&seen.of) || rest.lives.get(&seen.of).is_some_and(|all| all.len() > 1);
    if place.is_none() && ended {
        return Ok(());
    }
    for (id, asked) in oracle.asked.iter().filter(|(_, asked)| asked.to == seen.of) {
        let known = answered(asked).is_some_and(|answered| answered < seen.begun);
        let missing = rest.place(*id, &seen.of).is_some_and(|at| place.is_none_or(|place| place < at));
        if known && missing {
            return Err(format!("{id:?} was answered before and is missing in {seen:?}"));
        }
    }
    Ok(())
}

/// What was answered before a request began comes before it.
fn in_time(oracle: &Oracle, rest: &Rest) -> Checked {
    for to in rest.lives.keys() {
        let mut earliest_end: Option<Moment> = None;
        // From the last to the first: none that comes later may have been answered before this one began.
        let applied: Vec<_> = rest.applied(to).collect();
        for id in applied.into_iter().rev() {
            let Some(asked) = oracle.get(id) else { continue };
            let begun = asked.attempts.iter().filter_map(|attempt| attempt.begun).min();
            if let (Some(begun), Some(end)) = (begun, earliest_end)
                && end < begun
            {
                return Err(format!("{id:?} began after one behind it in {to} was answered: {asked:?}"));
            }
            earliest_end = earliest_end.into_iter().chain(answered(asked)).min();
        }
    }
    Ok(())
}
