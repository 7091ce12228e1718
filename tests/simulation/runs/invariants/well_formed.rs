//! Histories are well-formed at every durable state: their chunks are numbered without gaps, every completion answers
//! a command that was issued and not answered, nothing follows the end, and what was written is never changed. The
//! check is made while the store is read.
use crate::runs::Armed;
use sarsen_protocol::Keyspace;
use sarsen_testing::Fault;

pub(crate) const NAME: &str = "well_formed";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] = &[Armed::Host(Fault::LoseRows(Keyspace::History))];
