//! What is purged is gone: with its record, its history, its messages, timers and activities.

use crate::{
    invariants::Checked,
    runs::{Armed, record::GROWN},
};
use sarsen_protocol::{Body, Keyspace, Message, Row, record::decode};
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "none_left";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::LoseRows(Keyspace::Instances))];

/// Behind the purge of every run, accounts, keys, dead letters and what operators did are all there is.
pub(crate) fn check(rows: &[(Keyspace, Vec<Row>)]) -> Checked {
    for (keyspace, rows) in rows {
        let left = match keyspace {
            Keyspace::Keys | Keyspace::Dead | Keyspace::Audit => None,
            // Each slot keeps when its runs have last changed.
            Keyspace::Meta => rows.iter().find(|row| row.key.get(2) != Some(&0)),
            // Behind the slot an account's key begins with its name, a run's with a zero.
            Keyspace::Instances => rows.iter().find(|row| row.key.get(2) == Some(&0)),
            // What an operator did to a lock is kept for a time, and something tells when that is over.
            Keyspace::Timers => rows.iter().find(|row| !is_alarm(row)),
            _ => rows.first(),
        };
        if let Some(row) = left {
            return Err(format!("a row is left in {keyspace:?}: {row:?}"));
        }
    }
    Ok(())
}

fn is_alarm(row: &Row) -> bool {
    let message = decode::<Message>(GROWN, &row.value);
    message.is_ok_and(|(message, _)| matches!(message.body, Body::Expire { .. }))
}
