//! Messages that were accepted without a delay keep their order: those of one client handle to one ledger by the first
//! poll of each request, those of one ledger to another by the order in which they were sent, those of a producer by
//! their numbers. And whoever was acknowledged before another one asked comes before it: that is promised to nobody,
//! but it is how a mailbox works. A dead letter that was sent again has left its place.

use super::Checked;
use crate::{
    armed::Armed,
    ledger::OperationId,
    oracle::{Asker, Form, HandleId, Moment, Oracle, Outcome},
    rest::{Place, Rest},
};
use sarsen_testing::Fault;
use std::collections::BTreeMap;

pub(crate) const NAME: &str = "order";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::SwapRequests)];

pub(crate) fn check(oracle: &Oracle, rest: &Rest) -> Checked {
    by_handle(oracle, rest)?;
    by_producer(oracle, rest)?;
    by_acknowledgement(oracle, rest)?;
    by_sender(oracle, rest)
}

/// Says which two are out of order, if any are; `places` stand in the order in which they were asked for.
fn ascending(what: &str, places: &[(OperationId, Place)]) -> Checked {
    match places.windows(2).find(|pair| pair[0].1 >= pair[1].1) {
        None => Ok(()),
        Some(pair) => Err(format!("{what}: {:?} was to come before {:?}", pair[0], pair[1])),
    }
}

/// Messages with the places at which they came, from each sender to each receiver, by what orders them.
type Sent<'a, From, Order> = BTreeMap<(From, &'a str), Vec<(Order, OperationId, Place)>>;

/// Where an operation stands, if it stands where its first acceptance has put it.
fn place(oracle: &Oracle, rest: &Rest, id: OperationId, of: &str) -> Option<Place> {
    rest.place(id, of).filter(|_| !oracle.resent.contains(&id))
}

fn by_handle(oracle: &Oracle, rest: &Rest) -> Checked {
    let mut sent: Sent<'_, HandleId, Moment> = BTreeMap::new();
    for (id, asked) in &oracle.asked {
        let Some((handle, begun)) = asked.in_order() else { continue };
        let Some(place) = place(oracle, rest, *id, &asked.to) else { continue };
        sent.entry((handle, &asked.to)).or_default().push((begun, *id, place));
    }
    for ((handle, to), mut messages) in sent {
        messages.sort_unstable();
        let places: Vec<_> = messages.into_iter().map(|(_, id, place)| (id, place)).collect();
        ascending(&format!("from {handle:?} to {to}"), &places)?;
    }
    Ok(())
}

fn by_producer(oracle: &Oracle, rest: &Rest) -> Checked {
    let mut sent: Sent<'_, &str, u64> = BTreeMap::new();
    for (id, asked) in &oracle.asked {
        let Form::Produced { producer, number } = &asked.form else { continue };
        let Some(place) = place(oracle, rest, *id, &asked.to) else { continue };
        sent.entry((producer, &asked.to)).or_default().push((*number, *id, place));
    }
    for ((producer, to), mut messages) in sent {
        messages.sort_unstable();
        let places: Vec<_> = messages.into_iter().map(|(_, id, place)| (id, place)).collect();
        ascending(&format!("from {producer} to {to}"), &places)?;
    }
    Ok(())
}

fn by_acknowledgement(oracle: &Oracle, rest: &Rest) -> Checked {
    for to in rest.lives.keys() {
        let mut earliest: Option<(Moment, OperationId)> = None;
        let applied: Vec<_> = rest.applied(to).collect();
        // From the last to the first: none that comes later may have been known before this one was asked for.
        for id in applied.into_iter().rev() {
            let Some(asked) = oracle.get(id).filter(|asked| !asked.delayed) else { continue };
            if oracle.resent.contains(&id) {
                continue;
            }
            let begun = asked.attempts.iter().filter_map(|attempt| attempt.begun).min();
            if let (Some(begun), Some((end, later))) = (begun, earliest)
                && end < begun
            {
                return Err(format!(
                    "{later:?} was acknowledged before {id:?} was asked for, and comes later in {to}"
                ));
            }
            let known = asked.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Acknowledged);
            let known = known.filter_map(|attempt| attempt.ended).min().map(|end| (end, id));
            earliest = earliest.into_iter().chain(known).min();
        }
    }
    Ok(())
}

fn by_sender(oracle: &Oracle, rest: &Rest) -> Checked {
    for from in rest.lives.keys() {
        let mut sent: BTreeMap<&str, Vec<(OperationId, Place)>> = BTreeMap::new();
        for parent in rest.applied(from) {
            let Some(parent) = oracle.get(parent) else { continue };
            for child in parent.children.iter().filter(|child| child.delay_ms == 0) {
                let by_sender = oracle.get(child.id).is_some_and(|child| child.by != Asker::Client);
                if let Some(place) = place(oracle, rest, child.id, &child.to).filter(|_| by_sender) {
                    sent.entry(&child.to).or_default().push((child.id, place));
                }
            }
        }
        for (to, places) in sent {
            ascending(&format!("from {from} to {to}"), &places)?;
        }
    }
    Ok(())
}
