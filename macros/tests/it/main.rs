//! What the macros write does what the hand-written form does, and is clean in a strict crate.
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::pedantic,
    unused_qualifications,
    single_use_lifetimes
)]

mod by_hand;
mod derived;
mod elsewhere;
mod forms;
mod markers;
mod references;
mod refusals;
