//! Executions, live and in replay.
#![expect(clippy::unwrap_used, reason = "the orchestrations and scripts of tests are tests too")]

mod attempts;
mod branches;
mod changed;
mod converted;
mod ending;
mod foreign;
mod generated;
mod linear;
mod references;
mod requests;
mod rules;
mod sections;
mod support;
