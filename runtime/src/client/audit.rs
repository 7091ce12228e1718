//! Reading what was done to an entity.

use super::{
    Asker,
    exchange::{Route, refuse_inside},
    pages::Pages,
};
use futures::Stream;
use sarsen_engine::{AuditEntry, AuditListing};
use sarsen_protocol::{Address, CallError};
use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// How many entries a page holds unless told otherwise.
const PAGE_ROWS: usize = 64;

/// What was done to an entity, the newest first, read page by page: a [`Stream`] of [`AuditEntry`].
///
/// There is something to read when the entity's type is audited, as by `#[entity(audit)]`, or was at the time; of any
/// entity what operators did to its lock is kept. It shows what is durable: an entry is there as soon as what came of it
/// is. The audit is read as it was when the stream is first polled; what is forgotten meanwhile, since it is too old or
/// too much has come after it, is left out. No more than a page is in memory, and of large entries no more than a mebibyte
/// and one. After an error the stream ends.
///
/// ```
/// # use sarsen_runtime::{CallError, Client};
/// # async fn explain(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
/// let alice = sarsen_protocol::Address::parse("@account@alice")?;
/// let mut audit = client.audit(&alice);
/// while let Some(entry) = audit.next().await {
///     let entry = entry?;
///     if entry.operation() == Some("withdraw") {
///         println!("{}: {:?} took {:?}", entry.at, entry.caller, entry.input::<i64>()?);
///     }
/// }
/// # Ok(()) }
/// ```
///
/// # Cancel safety
/// It may be dropped at any time, and so may each future of its next item; reading changes nothing.
#[must_use = "an audit reads nothing until it is polled"]
pub struct AuditTrail {
    entity: Result<(Asker, Address), Box<CallError>>,
    newest_first: bool,
    page_size: usize,
    pages: Pages<AuditListing>,
}

impl AuditTrail {
    pub(super) fn new(asker: Asker, entity: Address) -> Self {
        Self::of(Ok((asker, entity)))
    }

    pub(super) fn by_route(route: &Result<Arc<Route>, Box<CallError>>) -> Self {
        match route {
            Ok(route) => Self::new(route.asker().clone(), route.to().clone()),
            Err(error) => Self::of(Err(error.clone())),
        }
    }

    fn of(entity: Result<(Asker, Address), Box<CallError>>) -> Self {
        Self { entity, newest_first: true, page_size: PAGE_ROWS, pages: Pages::new() }
    }

    /// From the oldest entry on. The audit begins anew.
    pub fn oldest_first(self) -> Self {
        Self { newest_first: false, pages: Pages::new(), ..self }
    }

    /// Reads `rows` entries at a time instead of 64, at least one, and fewer where they are large. The audit begins anew.
    pub fn page_size(self, rows: usize) -> Self {
        Self { page_size: rows.max(1), pages: Pages::new(), ..self }
    }

    /// The next entry; `None` at the end. As `next` of the stream, for those who import no extension trait.
    ///
    /// # Errors
    /// [`CallError::InvalidAddress`], [`CallError::Unreadable`], [`CallError::Damaged`], [`CallError::Newer`],
    /// [`CallError::Stopped`] and [`CallError::InsideOperation`].
    pub async fn next(&mut self) -> Option<Result<AuditEntry, CallError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for AuditTrail {
    type Item = Result<AuditEntry, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { entity, newest_first, page_size, pages } = &mut *self;
        pages.poll_next(cx, || {
            refuse_inside()?;
            let (asker, entity) = entity.clone().map_err(|error| *error)?;
            Ok((asker, AuditListing::new(entity, *newest_first, *page_size)))
        })
    }
}

impl fmt::Debug for AuditTrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditTrail")
            .field("entity", &self.entity.as_ref().map(|(_, entity)| entity))
            .field("newest_first", &self.newest_first)
            .finish_non_exhaustive()
    }
}
