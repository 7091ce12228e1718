//! An operation that failed leaves no trace: neither in the list nor by what it sent. Those beside it stand.

use super::Checked;
use crate::{
    armed::Armed,
    oracle::{Asker, Oracle},
    rest::Rest,
};

pub(crate) const NAME: &str = "rollback";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::SharedClone];

pub(crate) fn check(oracle: &Oracle, rest: &Rest) -> Checked {
    let letters = rest.dead.iter().filter_map(|letter| letter.id);
    for id in rest.places.keys().copied().chain(letters) {
        let Some(asked) = oracle.get(id) else { continue };
        if !asked.deed.succeeds() && rest.places.contains_key(&id) {
            return Err(format!("{id:?} failed and stands in {:?}: {asked:?}", rest.places[&id]));
        }
        if let Asker::Operation(parent) = asked.by
            && !rest.places.contains_key(&parent)
        {
            return Err(format!("{id:?} was sent by {parent:?}, which is in no list: {asked:?}"));
        }
    }
    Ok(())
}
