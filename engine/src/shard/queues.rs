//! What waits for an instance: its queues, which most instances do not have, since nothing waits for them.

use super::mailbox::Mailbox;
use bytes::Bytes;
use sarsen_protocol::{Message, RequestId, Section, SessionId};
use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
};

/// What waits for an instance.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    /// Messages of clients that are not accepted yet; nothing of them is stored.
    pub(crate) arrivals: VecDeque<Box<Message>>,
    /// Messages of other shards that are not accepted yet, with the inbox rows that hold them.
    pub(crate) deliveries: VecDeque<(Box<Message>, Bytes)>,
    /// What goes before the mailbox; see [`Queue::Front`].
    pub(crate) front: Mailbox,
    pub(crate) mailbox: Mailbox,
    pub(crate) reads: Vec<(SessionId, RequestId)>,
    /// Of an entity: sections that were given up while their request is in a row that has not been read. Their cancels
    /// stay in the front queue until it is.
    pub(crate) cancelled: Vec<Section>,
}

/// The queues of an instance for which nothing waits.
static NOTHING: Queues = Queues {
    arrivals: VecDeque::new(),
    deliveries: VecDeque::new(),
    front: Mailbox::new(),
    mailbox: Mailbox::new(),
    reads: Vec::new(),
    cancelled: Vec::new(),
};

impl Queues {
    /// Whether nothing waits and no row that might is unknown.
    pub(super) fn is_idle(&self) -> bool {
        self.arrivals.is_empty()
            && self.deliveries.is_empty()
            && self.reads.is_empty()
            && self.cancelled.is_empty()
            && self.front.is_idle()
            && self.mailbox.is_idle()
    }
}

/// The queues of an instance, which it has only while something waits for it: most instances rest.
#[derive(Debug, Default)]
pub(crate) struct Waiting(pub(super) Option<Box<Queues>>);

impl Waiting {
    /// Of an instance that is being loaded: rows may lie before everything that comes.
    pub(super) fn unknown() -> Self {
        let (front, mailbox) = (Mailbox::unknown(), Mailbox::unknown());
        Self(Some(Box::new(Queues { front, mailbox, ..Queues::default() })))
    }

    /// The queues, if there are any.
    pub(crate) fn as_mut(&mut self) -> Option<&mut Queues> {
        self.0.as_deref_mut()
    }
}

impl Deref for Waiting {
    type Target = Queues;

    fn deref(&self) -> &Queues {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Waiting {
    fn deref_mut(&mut self) -> &mut Queues {
        self.0.get_or_insert_default()
    }
}
