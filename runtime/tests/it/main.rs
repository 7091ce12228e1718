//! The runtime from outside: clients, opening, ending, failing.

mod activities;
mod audits;
mod client;
mod ending;
mod failing;
mod histories;
mod letters;
mod limits;
mod listing;
mod locks;
mod managing;
mod named;
mod opening;
mod operating;
mod querying;
mod runs;
mod schedules;
mod scheduling;
mod support;
mod watching;
mod why;
