//! What is read page by page.

use super::{Asker, listing::refused};
use crate::gate::Coming;
use sarsen_engine::{
    AuditEntry, AuditListing, LetterListing, ListedLetter, ListedRow, ListedRun, RunListing,
};
use sarsen_protocol::{CallError, Page, Read, record::RecordError};
use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

/// Finds something in durable records, and says what it reads next.
pub(super) trait Walk {
    /// What it finds.
    type Found;

    /// What to read next, from one state of the store; `None` at the end.
    fn next_read(&self) -> Option<Vec<Read>>;

    /// Takes in what was read and moves on.
    fn take(&mut self, pages: &[Page]) -> Result<Vec<Self::Found>, RecordError>;
}

/// What a walk finds, one by one: no more than a page is in memory, and nothing is read before it is polled. After an error
/// there is nothing.
pub(super) struct Pages<W: Walk> {
    page: VecDeque<W::Found>,
    phase: Phase<W>,
}

enum Phase<W> {
    New,
    Between(Asker, W),
    Reading(Asker, W, Coming<Result<Vec<Page>, CallError>>),
    Done,
}

impl<W: Walk> Pages<W> {
    /// Nothing read yet.
    pub(super) fn new() -> Self {
        Self { page: VecDeque::new(), phase: Phase::New }
    }

    /// There is nothing more, after an error.
    pub(super) fn end(&mut self) {
        (self.page, self.phase) = (VecDeque::new(), Phase::Done);
    }

    /// The next that is found. `begin` gives the walk, and who asks, when it is first polled.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        begin: impl Fn() -> Result<(Asker, W), CallError>,
    ) -> Poll<Option<Result<W::Found, CallError>>> {
        loop {
            if let Some(found) = self.page.pop_front() {
                return Poll::Ready(Some(Ok(found)));
            }
            // An error leaves `Done` behind.
            self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
                Phase::New => {
                    let (asker, walk) = begin()?;
                    Phase::Between(asker, walk)
                }
                Phase::Between(asker, walk) => match walk.next_read() {
                    Some(reads) => {
                        let pages = asker.gate().read(reads);
                        Phase::Reading(asker, walk, pages)
                    }
                    None => return Poll::Ready(None),
                },
                Phase::Reading(asker, mut walk, mut pages) => {
                    let Poll::Ready(read) = pages.as_mut().poll(cx) else {
                        self.phase = Phase::Reading(asker, walk, pages);
                        return Poll::Pending;
                    };
                    self.page = walk.take(&read?).map_err(refused)?.into();
                    Phase::Between(asker, walk)
                }
                Phase::Done => return Poll::Ready(None),
            };
        }
    }
}

impl Walk for AuditListing {
    type Found = AuditEntry;

    fn next_read(&self) -> Option<Vec<Read>> {
        Some(vec![self.next_read()?])
    }

    fn take(&mut self, pages: &[Page]) -> Result<Vec<AuditEntry>, RecordError> {
        let mut found = Vec::new();
        for page in pages {
            found.extend(self.take(page)?);
        }
        Ok(found)
    }
}

impl Walk for LetterListing {
    type Found = ListedLetter;

    fn next_read(&self) -> Option<Vec<Read>> {
        self.next_read()
    }

    fn take(&mut self, pages: &[Page]) -> Result<Vec<ListedLetter>, RecordError> {
        self.take(pages)
    }
}

impl Walk for sarsen_engine::Listing {
    type Found = ListedRow;

    fn next_read(&self) -> Option<Vec<Read>> {
        self.next_read()
    }

    fn take(&mut self, pages: &[Page]) -> Result<Vec<ListedRow>, RecordError> {
        self.take(pages)
    }
}

impl Walk for RunListing {
    type Found = ListedRun;

    fn next_read(&self) -> Option<Vec<Read>> {
        self.next_read()
    }

    fn take(&mut self, pages: &[Page]) -> Result<Vec<ListedRun>, RecordError> {
        self.take(pages)
    }
}
