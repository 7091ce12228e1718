//! Executions, live and in replay.

mod branches;
mod changed;
mod converted;
mod ending;
mod foreign;
mod generated;
mod linear;
mod requests;
mod sections;
mod support;
