//! Dead letters: listing them, sending them again, discarding them.

mod listing;

pub use listing::DeadLetters;

use super::{
    Asker,
    exchange::{check, refuse_inside},
    listing::refused,
    request::{call_error, foreign},
};
use crate::gate::Replier;
use sarsen_engine::{LetterFate, LetterLookup, LetterRequest, ListedLetter, Request};
use sarsen_protocol::{
    Address, Answer, Body, CallError, Failure, LetterId, Message, Origin, Payload, RequestId, RunId,
    Timestamp, json,
};
use serde::de::DeserializeOwned;

/// A message that was accepted and then given up: a signal whose operation failed, one that met a mailbox which was far
/// too full, or found as much scheduled as may be, an event that nobody took, a start that an entity had asked for and
/// that was not to be had.
///
/// It is kept until somebody sends it again or discards it, or until it makes room: of each shard's dead letters the
/// oldest goes when there are more than [`dead_letters_max`](crate::Limits::dead_letters_max), and
/// [`Stats::dead_letters_dropped`](crate::Stats::dead_letters_dropped) counts it. Nothing else forgets it.
///
/// ```
/// # use futures::TryStreamExt;
/// # use sarsen_runtime::{CallError, Client, FailureKind};
/// # async fn clear(client: &Client) -> Result<(), CallError> {
/// let overflown = client.dead_letters().entity_named("account").kind(FailureKind::MailboxFull);
/// let overflown: Vec<_> = overflown.try_collect().await?;
/// for letter in overflown {
///     letter.send_again().await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Its id.
    pub id: LetterId,
    /// When it was given up.
    pub at: Timestamp,
    /// Why.
    pub failure: Failure,
    /// The entity or run that was to receive it.
    pub to: Address,
    /// Who sent it.
    pub from: LetterSender,
    /// What it was.
    pub content: LetterContent,
    message: Message,
    asker: Asker,
}

/// Who sent a message that has become a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LetterSender {
    /// A client.
    Client {
        /// The run for which it worked, when it was the client of an activity.
        within: Option<RunId>,
    },
    /// An entity.
    Entity(Address),
    /// A run.
    Run(RunId),
}

/// What a dead letter was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LetterContent {
    /// An operation.
    Operation {
        /// Its name.
        name: String,
        /// Its input, as JSON: `null`, one value, or an array of several.
        input: Payload,
    },
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// What it carries, as JSON.
        input: Payload,
    },
    /// The wish of an entity that nothing be scheduled under an id any longer.
    CancelScheduled {
        /// The id, as JSON.
        id: Payload,
    },
    /// The start of a run.
    Start {
        /// The orchestration.
        orchestration: String,
        /// Its input, as JSON.
        input: Payload,
    },
}

impl LetterContent {
    /// The input, as JSON; the id of what was to be cancelled.
    pub fn input(&self) -> &Payload {
        let (Self::Operation { input, .. }
        | Self::Event { input, .. }
        | Self::Start { input, .. }
        | Self::CancelScheduled { id: input }) = self;
        input
    }
}

impl DeadLetter {
    fn new(asker: Asker, found: ListedLetter) -> Result<Self, CallError> {
        let ListedLetter { id, letter } = found;
        let Some(content) = content(&letter.message.body) else {
            return Err(CallError::Damaged {
                reason: format!("dead letter {id} holds {}", letter.message.body),
            });
        };
        let message = letter.message;
        let (to, from) = (message.to.clone(), sender(&message.from));
        Ok(Self { id, at: letter.at, failure: letter.failure, to, from, content, message, asker })
    }

    /// The input as a value.
    ///
    /// # Errors
    /// [`CallError::Misfit`] when it is none of this type.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        json::decode(self.content.input()).map_err(|failure| CallError::Misfit {
            what: format!("dead letter {}", self.id),
            reason: failure.message,
        })
    }

    /// Sends the message again. Once this returns, the letter is gone and the message is accepted anew by its receiver,
    /// both in one commit: it is done once, or it is another letter, whatever crashes come between. It is a new message
    /// from the same sender, behind those that the receiver has accepted since, without its idempotency key or its
    /// producer's number; a moment before which it is not to be done still counts.
    ///
    /// # Errors
    /// [`CallError::LetterGone`] when it was sent again or discarded before, or has made room; those of sending:
    /// [`CallError::Busy`], [`CallError::Stopped`], [`CallError::OutcomeUnknown`] and [`CallError::InsideOperation`].
    ///
    /// # Cancel safety
    /// Dropped before its first poll, it has sent nothing. Dropped later, or of an unknown outcome, the letter may or may
    /// not be sent again: ask once more, and [`CallError::LetterGone`] tells that it was.
    pub async fn send_again(&self) -> Result<(), CallError> {
        self.settle(LetterFate::SentAgain).await
    }

    /// Discards the letter: it is gone, and its message is never done.
    ///
    /// # Errors
    /// As [`send_again`](Self::send_again).
    ///
    /// # Cancel safety
    /// As [`send_again`](Self::send_again).
    pub async fn discard(&self) -> Result<(), CallError> {
        self.settle(LetterFate::Discarded).await
    }

    async fn settle(&self, fate: LetterFate) -> Result<(), CallError> {
        refuse_inside()?;
        let gate = self.asker.gate();
        let (session, request) = (gate.session(), RequestId(0));
        let asked = LetterRequest { letter: self.id, message: self.message.clone(), fate, session, request };
        let request = Request::Letter(Box::new(asked));
        let (replier, answer) = Replier::new(check(gate, &request)?);
        self.asker.submit(request, replier)?;
        match answer.await {
            Ok(Answer::Acknowledged) => Ok(()),
            Ok(Answer::Refused(error)) => Err(*error),
            Ok(other) => Err(call_error(foreign(&other), self.to.clone(), "dead letter")),
            Err(_) => Err(CallError::OutcomeUnknown),
        }
    }
}

fn sender(from: &Origin) -> LetterSender {
    match from {
        Origin::Client { within, .. } => {
            LetterSender::Client { within: within.as_ref().map(|within| within.run.clone()) }
        }
        Origin::Execution { run, .. } => LetterSender::Run(run.clone()),
        Origin::Instance(address) => match address.as_run() {
            Some(run) => LetterSender::Run(run),
            None => LetterSender::Entity(address.clone()),
        },
    }
}

/// What a letter may hold.
fn content(body: &Body) -> Option<LetterContent> {
    Some(match body {
        Body::Operation(operation) => {
            LetterContent::Operation { name: operation.name.to_string(), input: operation.input.clone() }
        }
        Body::Schedule(request) => {
            LetterContent::Operation { name: request.operation.to_string(), input: request.input.clone() }
        }
        Body::Unschedule(request) => LetterContent::CancelScheduled { id: json::encode(&request.id).ok()? },
        Body::Event(event) => {
            LetterContent::Event { name: event.name.to_string(), input: event.input.clone() }
        }
        Body::Start(start) => LetterContent::Start {
            orchestration: start.launch.name.to_string(),
            input: start.launch.input.clone(),
        },
        _ => return None,
    })
}

/// Reads one dead letter.
pub(super) async fn read(asker: Asker, id: LetterId) -> Result<DeadLetter, CallError> {
    refuse_inside()?;
    let lookup = LetterLookup::new(id);
    let pages = asker.gate().read(vec![lookup.read()]).await?;
    let found = pages.first().map(|page| lookup.take(page)).transpose().map_err(refused)?.flatten();
    DeadLetter::new(asker, found.ok_or(CallError::LetterGone { letter: id })?)
}
