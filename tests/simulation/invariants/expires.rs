//! A ledger whose time to live is over behind its last change is gone, and not a moment before; the next operation finds
//! it as it was in the beginning.

use super::{
    Checked,
    audited::{End, Life, retell},
};
use crate::{armed::Armed, plan::Leeway, rest::Rest};
use sarsen_engine::{Act, AuditEntry, Fault};
use sarsen_protocol::Keyspace;
use std::time::Duration;

pub(crate) const NAME: &str = "expires";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] =
    &[Armed::Engine(Fault::AlarmEndsAll), Armed::Host(sarsen_testing::Fault::LoseRows(Keyspace::Timers))];

/// Checked when the longest time to live has passed since the last operation.
pub(crate) fn check(rest: &Rest, leeway: Leeway) -> Checked {
    let Some(time) = leeway.time_to_live else { return Ok(()) };
    if let Some((key, list)) = rest.states.iter().next() {
        return Err(format!("the time of {key} is over, and it still has {list:?}"));
    }
    for (key, entries) in &rest.audits {
        not_early(entries, time).map_err(|what| format!("{key} {what}"))?;
    }
    Ok(())
}

fn not_early(entries: &[AuditEntry], time: Duration) -> Checked {
    let mut changed = None;
    for entry in entries {
        match (&entry.act, changed) {
            (Act::Operation { outcome: Ok(_), .. }, _) => changed = Some(entry.at),
            (Act::Expired, None) => return Err(format!("has expired at {}, and there was none", entry.at)),
            (Act::Expired, Some(last)) if entry.at < last.after(time) => {
                return Err(format!("has expired at {}, and was changed at {last}", entry.at));
            }
            (Act::Expired, Some(_)) => changed = None,
            _ => {}
        }
    }
    Ok(())
}

/// How many ledgers were used again after their time was over.
pub(crate) fn reborn(rest: &Rest) -> usize {
    let lives = rest.audits.values().map(|entries| retell(entries, u64::MAX).unwrap_or_default());
    let again = |lives: &Vec<Life>| {
        lives.windows(2).any(|pair| pair[0].end == Some(End::Expired) && !pair[1].list.is_empty())
    };
    lives.filter(again).count()
}
