//! What must hold of runs and locks, whatever happens. Each invariant names the faults that break it.

pub(crate) mod ended_clean;
pub(crate) mod ends_stand;
pub(crate) mod events;
pub(crate) mod exclusion;
pub(crate) mod first_come;
pub(crate) mod goes_on;
pub(crate) mod in_line;
pub(crate) mod kept;
pub(crate) mod money;
pub(crate) mod no_circle;
pub(crate) mod none_left;
pub(crate) mod nothing_lost;
pub(crate) mod pending;
pub(crate) mod progress_kept;
pub(crate) mod promises;
pub(crate) mod same_commands;
pub(crate) mod sections_alive;
pub(crate) mod sent_once;
pub(crate) mod taken_once;
pub(crate) mod well_formed;

use super::{
    Armed,
    memory::Memory,
    record::{Durable, Histories},
};
use crate::invariants::{Checked, Violation};

/// Each invariant with the faults that break it.
pub(crate) const FAULTS: &[(&str, &[Armed])] = &[
    (ended_clean::NAME, ended_clean::ARMED),
    (ends_stand::NAME, ends_stand::ARMED),
    (events::NAME, events::ARMED),
    (exclusion::NAME, exclusion::ARMED),
    (goes_on::NAME, goes_on::ARMED),
    (money::NAME, money::ARMED),
    (none_left::NAME, none_left::ARMED),
    (nothing_lost::NAME, nothing_lost::ARMED),
    (pending::NAME, pending::ARMED),
    (progress_kept::NAME, progress_kept::ARMED),
    (promises::NAME, promises::ARMED),
    (same_commands::NAME, same_commands::ARMED),
    (sections_alive::NAME, sections_alive::ARMED),
    (sent_once::NAME, sent_once::ARMED),
    (taken_once::NAME, taken_once::ARMED),
    (well_formed::NAME, well_formed::ARMED),
];

/// Of seeds of sections: each invariant with the faults in locks and mailboxes that break it.
pub(crate) const FAULTS_OF_SECTIONS: &[(&str, &[Armed])] = &[
    (exclusion::NAME, exclusion::ARMED_IN_SECTIONS),
    (first_come::NAME, first_come::ARMED),
    (goes_on::NAME, goes_on::ARMED_IN_SECTIONS),
    (in_line::NAME, in_line::ARMED),
    (kept::NAME, kept::ARMED),
    (no_circle::NAME, no_circle::ARMED),
    (sections_alive::NAME, sections_alive::ARMED_IN_SECTIONS),
];

/// Compares what is durable at a moment with itself, and with what was durable before.
pub(crate) fn check_durable(
    durable: &Durable,
    histories: &Histories,
    memory: &mut Memory,
    violations: &mut Vec<Violation>,
) {
    let mut note = |invariant, checked: Checked| {
        violations.extend(checked.err().map(|what| Violation { invariant, what }));
    };
    note(sections_alive::NAME, sections_alive::check(durable, histories, memory));
    note(kept::NAME, kept::check(durable, histories, memory));
    note(no_circle::NAME, no_circle::check(durable, histories));
    note(nothing_lost::NAME, nothing_lost::check(durable, histories));
    note(pending::NAME, pending::check(durable, histories));
    note(ended_clean::NAME, ended_clean::check(durable, histories));
    note(first_come::NAME, first_come::check(durable, histories, memory));
    note(ends_stand::NAME, ends_stand::check(durable, histories, memory));
    note(progress_kept::NAME, progress_kept::check(histories));
    note(taken_once::NAME, taken_once::check(durable, histories, memory));
}
