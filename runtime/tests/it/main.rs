//! The runtime from outside: clients, opening, ending, failing.

mod client;
mod ending;
mod failing;
mod listing;
mod opening;
mod support;
mod watching;
