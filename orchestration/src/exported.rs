//! Histories outside of a store.

use crate::{End, Event, HistoryEvent, Start, convert::Converter};
use sarsen_protocol::{Failure, FailureKind, OrchestrationName, Payload, RunId, json};
use serde::{Deserialize, Serialize};

/// The form that is written.
const FORMAT: u32 = 1;

/// The history of one execution, whole, to be kept outside of its store: as JSON, to be looked at, archived, replayed.
///
/// Its JSON is an object with the `format`, 1, and the `events` as sarsen records them. Inputs and results are JSON texts in
/// it. What another system knows is told by [`converted`](Self::converted).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedHistory {
    format: u32,
    events: Vec<Event>,
}

/// Why something is no exported history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The text is no JSON of a history.
    #[error("this is no exported history: {reason}")]
    Misfit {
        /// What does not fit.
        reason: String,
    },
    /// It was written by a later version of sarsen.
    #[error("the history has format {found}, this build knows up to {known}: use the sarsen that wrote it")]
    Newer {
        /// Its format.
        found: u32,
        /// The newest format that this build reads.
        known: u32,
    },
    /// Its events are no history.
    #[error("the exported history does not begin with a turn and a start")]
    Headless,
}

impl ExportedHistory {
    /// Of these events.
    ///
    /// # Errors
    /// [`ImportError::Headless`] when they do not begin as a history does.
    pub fn new(events: Vec<Event>) -> Result<Self, ImportError> {
        match &events[..] {
            [Event::TurnStarted { .. }, Event::Started(_), ..] => Ok(Self { format: FORMAT, events }),
            _ => Err(ImportError::Headless),
        }
    }

    /// As JSON.
    ///
    /// # Errors
    /// A failure of kind [`Unencodable`](FailureKind::Unencodable) when something in it has no JSON, which is so of no
    /// history that sarsen has written.
    pub fn to_json(&self) -> Result<String, Failure> {
        let text = json::encode(self)?;
        String::from_utf8(text.into_bytes().into())
            .map_err(|error| Failure::new(FailureKind::Unencodable, error.to_string()))
    }

    /// From JSON.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn from_json(text: &str) -> Result<Self, ImportError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let payload = Payload::copy_of(text.as_bytes());
        let misfit = |failure: Failure| ImportError::Misfit { reason: failure.message };
        let Head { format: found } = json::decode(&payload).map_err(misfit)?;
        if found > FORMAT {
            return Err(ImportError::Newer { found, known: FORMAT });
        }
        let Self { events, .. } = json::decode(&payload).map_err(misfit)?;
        Self::new(events)
    }

    /// With what the execution began.
    ///
    /// # Panics
    /// Never: a history has a start, which is looked for when this is made.
    pub fn start(&self) -> &Start {
        match self.events.get(1) {
            Some(Event::Started(start)) => start,
            _ => unreachable!("a history's second event is its start"),
        }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.start().run
    }

    /// The orchestration.
    pub fn orchestration(&self) -> &OrchestrationName {
        &self.start().name
    }

    /// What happened, from the beginning.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How the execution ended, if it did.
    pub fn end(&self) -> Option<&End> {
        match self.events.last() {
            Some(Event::Ended(end)) => Some(end),
            _ => None,
        }
    }

    /// The same in the words of the Durable Task Framework.
    pub fn converted(&self) -> Vec<HistoryEvent> {
        let mut converter = Converter::new();
        self.events.iter().flat_map(|event| converter.convert(event)).collect()
    }
}

#[cfg(test)]
mod tests;
