//! The runtime from outside: clients, opening, ending, failing.

mod activities;
mod client;
mod ending;
mod failing;
mod histories;
mod listing;
mod locks;
mod managing;
mod opening;
mod runs;
mod support;
mod watching;
mod why;
