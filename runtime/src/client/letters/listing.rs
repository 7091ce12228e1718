//! Listing dead letters.

use super::DeadLetter;
use crate::client::{Asker, exchange::refuse_inside, pages::Pages};
use futures::Stream;
use sarsen_engine::{LetterFilter, LetterListing};
use sarsen_entities::Entity;
use sarsen_protocol::{CallError, FailureKind};
use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// How many letters a page holds unless told otherwise.
const PAGE_ROWS: usize = 256;

/// Dead letters, read page by page: a [`Stream`] of [`DeadLetter`].
///
/// It shows what is durable. Each page is read from one state of the store, and a later page from a later one: a letter
/// that is there all the time is listed once; one that comes or goes meanwhile may or may not be. So a message that is
/// sent again and fails again may be listed once more, as another letter: who sends everything again collects the
/// letters first. Those for one receiver are mostly in the order in which they were given up; else the order has no
/// meaning. No more than a page is in memory. After an error the stream ends.
///
/// # Cancel safety
/// It may be dropped at any time, and so may each future of its next item; reading changes nothing.
#[must_use = "a listing reads nothing until it is polled"]
pub struct DeadLetters {
    asker: Asker,
    filter: LetterFilter,
    page_size: usize,
    pages: Pages<LetterListing>,
}

impl DeadLetters {
    pub(in crate::client) fn new(asker: Asker) -> Self {
        Self { asker, filter: LetterFilter::default(), page_size: PAGE_ROWS, pages: Pages::new() }
    }

    /// Only letters for entities of this type. The listing begins anew.
    pub fn entity<E: Entity>(self) -> Self {
        self.entity_named(E::NAME)
    }

    /// Only letters for entities of the type of this name, which may be one that is not registered. The listing begins
    /// anew.
    pub fn entity_named(self, name: impl Into<String>) -> Self {
        self.anew(|filter| filter.entity = Some(name.into()))
    }

    /// Only letters for entities with this key. The listing begins anew.
    pub fn key(self, key: impl Into<String>) -> Self {
        self.anew(|filter| filter.key = Some(key.into()))
    }

    /// Only letters for the run with this id. The listing begins anew.
    pub fn run(self, id: impl Into<String>) -> Self {
        self.anew(|filter| filter.run = Some(id.into()))
    }

    /// Only letters that were given up because of such a failure; asked for again, also those because of that one. The
    /// listing begins anew.
    pub fn kind(self, kind: FailureKind) -> Self {
        self.anew(|filter| filter.kinds.push(kind))
    }

    /// Reads about `rows` letters at a time instead of 256; at least one. The listing begins anew.
    pub fn page_size(self, rows: usize) -> Self {
        Self { page_size: rows.max(1), ..self.anew(|_| {}) }
    }

    /// Counts the letters, and keeps none of them in memory.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    /// It may be dropped at any time.
    pub async fn count(self) -> Result<u64, CallError> {
        let (mut letters, mut count) = (self.anew(|_| {}), 0);
        while let Some(letter) = letters.next().await {
            letter?;
            count += 1;
        }
        Ok(count)
    }

    /// The next letter; `None` at the end. As `next` of the stream, for those who import no extension trait.
    ///
    /// # Errors
    /// [`CallError::Unreadable`], [`CallError::Damaged`], [`CallError::Newer`], [`CallError::Stopped`] and
    /// [`CallError::InsideOperation`].
    pub async fn next(&mut self) -> Option<Result<DeadLetter, CallError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The listing with another filter, from its beginning.
    fn anew(mut self, change: impl FnOnce(&mut LetterFilter)) -> Self {
        change(&mut self.filter);
        self.pages = Pages::new();
        self
    }
}

impl Stream for DeadLetters {
    type Item = Result<DeadLetter, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { asker, filter, page_size, pages } = &mut *self;
        let found = ready!(pages.poll_next(cx, || {
            refuse_inside()?;
            Ok((asker.clone(), LetterListing::new(filter.clone(), *page_size)))
        }));
        let letter = found.map(|found| DeadLetter::new(asker.clone(), found?));
        if matches!(letter, Some(Err(_))) {
            pages.end();
        }
        Poll::Ready(letter)
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters")
            .field("filter", &self.filter)
            .field("page_size", &self.page_size)
            .finish_non_exhaustive()
    }
}
