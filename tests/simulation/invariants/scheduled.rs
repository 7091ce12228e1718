//! What is scheduled under an id comes once, or again and again, at its time and not before, unless it is replaced or
//! cancelled, or its entity is deleted; and then it never does. What must hold of it is in `agendas`.

use crate::armed::Armed;
use sarsen_engine::Fault;

pub(crate) const NAME: &str = "scheduled";

/// The faults that break it.
pub(crate) const ARMED: &[Armed] =
    &[Armed::Engine(Fault::ReplacedFires), Armed::Engine(Fault::ReminderUnwritten)];
