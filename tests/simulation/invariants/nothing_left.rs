//! At rest nothing is left: no row of a message, no client that waits, no delayed signal that is due. The listing, the
//! entities themselves and the figures agree.

use super::Checked;
use crate::{armed::Armed, rest::Rest};
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "nothing_left";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::LoseDelivery), Armed::Host(Fault::LoseLoad)];

pub(crate) fn check(rest: &Rest) -> Checked {
    if let Some((keyspace, rows)) = rest.waiting.iter().find(|(_, rows)| *rows > 0) {
        return Err(format!("{rows} rows are left in {keyspace:?}"));
    }
    if rest.futures > 0 || rest.callers > 0 {
        let Rest { futures, callers, in_lanes, shards, .. } = rest;
        return Err(format!(
            "{futures} futures wait for ever: {callers} for a shard, {in_lanes} in lanes; {shards:?}"
        ));
    }
    if !rest.idle {
        return Err(format!("a shard is not idle: {:?}", rest.shards));
    }
    if rest.listed != rest.states {
        return Err(format!("the listing shows {:?}, the ledgers are {:?}", rest.listed, rest.states));
    }
    if let Some((key, _)) = rest.listed.iter().find(|(_, list)| list.is_empty()) {
        return Err(format!("{key} is listed and nothing was applied to it"));
    }
    match rest.counted.iter().find(|(_, counted, rows)| counted != rows) {
        Some((what, counted, rows)) => Err(format!("{counted} {what} are counted, {rows} rows are there")),
        None => Ok(()),
    }
}
