//! What must hold in every run, whatever happens. Each invariant names the faults of the host that break it.

pub(crate) mod audited;
pub(crate) mod durable_before_visible;
pub(crate) mod exactly_once;
pub(crate) mod expires;
pub(crate) mod not_early;
pub(crate) mod nothing_left;
pub(crate) mod order;
pub(crate) mod rollback;
pub(crate) mod scheduled;
pub(crate) mod serial;

use crate::{oracle::Oracle, plan::Leeway, rest::Rest};
use std::fmt;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The invariant's name.
    pub(crate) invariant: &'static str,
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// What an invariant finds: the first violation, in words.
pub(crate) type Checked = Result<(), String>;

/// Compares the end of a run with what was promised.
pub(crate) fn check_all(oracle: &Oracle, rest: &Rest, leeway: Leeway) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut note = |invariant, checked: Checked| {
        violations.extend(checked.err().map(|what| Violation { invariant, what }));
    };
    note(nothing_left::NAME, nothing_left::check(rest));
    if rest.futures == 0 && rest.idle {
        note(exactly_once::NAME, exactly_once::check(oracle, rest, leeway));
        note(order::NAME, order::check(oracle, rest));
        note(serial::NAME, serial::check(oracle, rest));
        note(rollback::NAME, rollback::check(oracle, rest));
        note(audited::NAME, audited::check(oracle, rest, leeway));
        note(expires::NAME, expires::check(rest, leeway));
    }
    violations
}
