//! Listing the entities of a type.

use super::{
    Asker,
    exchange::{check_name, refuse_inside},
    pages::Pages,
};
use futures::Stream;
use sarsen_engine::{self as engine, ListedRow};
use sarsen_entities::Entity;
use sarsen_protocol::{CallError, json, record::RecordError};
use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// How many entities a page holds unless told otherwise.
const PAGE_ROWS: usize = 256;

/// An entity of a [`Listing`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its key.
    pub key: String,
}

/// An entity of a [`StateListing`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedState<E> {
    /// Its key.
    pub key: String,
    /// Its state.
    pub state: E,
}

/// The entities of a type that exist, read page by page: a [`Stream`] of [`Listed`].
///
/// It shows what is durable. Each page is read from one state of the store, and a later page from a later one: an
/// entity that is there all the time is listed once; one that comes or goes meanwhile may or may not be. The order
/// of the keys is fixed but has no meaning. No more than a page is in memory. After an error the stream ends.
///
/// # Cancel safety
/// It may be dropped at any time, and so may each future of its next item; reading changes nothing.
#[must_use = "a listing reads nothing until it is polled"]
pub struct Listing<E> {
    rows: Rows,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> Listing<E> {
    pub(super) fn new(asker: Asker) -> Self {
        Self { rows: Rows::new(asker, E::NAME), entity: PhantomData }
    }

    /// Only entities whose key begins with `prefix`. The listing begins anew.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.rows = Rows { prefix: prefix.into(), ..self.rows.anew() };
        self
    }

    /// The states too. The listing begins anew.
    pub fn with_state(self) -> StateListing<E> {
        StateListing { rows: Rows { with_state: true, ..self.rows.anew() }, entity: PhantomData }
    }

    /// Reads about `rows` entities at a time instead of 256; at least one. The listing begins anew.
    pub fn page_size(mut self, rows: usize) -> Self {
        self.rows = Rows { page_size: rows.max(1), ..self.rows.anew() };
        self
    }

    /// The next entity; `None` at the end. As `next` of the stream, for those who import no extension trait.
    ///
    /// # Errors
    /// [`CallError::UnknownEntity`], [`CallError::Unreadable`], [`CallError::Damaged`],
    /// [`CallError::Newer`], [`CallError::Stopped`] and [`CallError::InsideOperation`].
    pub async fn next(&mut self) -> Option<Result<Listed, CallError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<E: Entity> Stream for Listing<E> {
    type Item = Result<Listed, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let row = ready!(self.rows.poll_next(cx));
        Poll::Ready(row.map(|row| Ok(Listed { key: row?.address.key().to_owned() })))
    }
}

impl<E> fmt::Debug for Listing<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listing").field(&self.rows).finish()
    }
}

/// The entities of a type that exist, with their states: a [`Stream`] of [`ListedState`]. See [`Listing`].
#[must_use = "a listing reads nothing until it is polled"]
pub struct StateListing<E> {
    rows: Rows,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> StateListing<E> {
    /// As [`Listing::prefix`].
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.rows = Rows { prefix: prefix.into(), ..self.rows.anew() };
        self
    }

    /// As [`Listing::page_size`].
    pub fn page_size(mut self, rows: usize) -> Self {
        self.rows = Rows { page_size: rows.max(1), ..self.rows.anew() };
        self
    }

    /// The next entity; `None` at the end. As `next` of the stream, for those who import no extension trait.
    ///
    /// # Errors
    /// As [`Listing::next`], and [`CallError::Parked`] when a state does not fit its type.
    pub async fn next(&mut self) -> Option<Result<ListedState<E>, CallError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<E: Entity> Stream for StateListing<E> {
    type Item = Result<ListedState<E>, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let row = ready!(self.rows.poll_next(cx));
        let item = row.map(|row| listed_state(row?));
        if matches!(item, Some(Err(_))) {
            self.rows.pages.end();
        }
        Poll::Ready(item)
    }
}

fn listed_state<E: Entity>(row: ListedRow) -> Result<ListedState<E>, CallError> {
    let ListedRow { address, state } = row;
    let state = state.ok_or_else(|| "it is missing".to_owned());
    let state = state.and_then(|state| json::decode(&state).map_err(|failure| failure.message));
    match state {
        Ok(state) => Ok(ListedState { key: address.key().to_owned(), state }),
        Err(reason) => Err(CallError::Parked { address, reason: engine::misfit(&reason) }),
    }
}

impl<E> fmt::Debug for StateListing<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StateListing").field(&self.rows).finish()
    }
}

/// The rows of a listing, whatever becomes of them.
struct Rows {
    asker: Asker,
    name: &'static str,
    prefix: String,
    with_state: bool,
    page_size: usize,
    pages: Pages<engine::Listing>,
}

impl Rows {
    fn new(asker: Asker, name: &'static str) -> Self {
        let (prefix, pages) = (String::new(), Pages::new());
        Self { asker, name, prefix, with_state: false, page_size: PAGE_ROWS, pages }
    }

    /// The same listing, from its beginning.
    fn anew(self) -> Self {
        Self { pages: Pages::new(), ..self }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ListedRow, CallError>>> {
        let Self { asker, name, prefix, with_state, page_size, pages } = self;
        pages.poll_next(cx, || {
            refuse_inside()?;
            check_name(asker.gate(), name)?;
            Ok((asker.clone(), engine::Listing::new(name, prefix, *with_state, *page_size)))
        })
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("name", &self.name)
            .field("prefix", &self.prefix)
            .field("with_state", &self.with_state)
            .field("page_size", &self.page_size)
            .finish_non_exhaustive()
    }
}

pub(super) fn refused(error: RecordError) -> CallError {
    match error {
        RecordError::Newer { found, known } => CallError::Newer { found, known },
        RecordError::Damaged { reason } => CallError::Damaged { reason },
        other => CallError::Damaged { reason: other.to_string() },
    }
}
