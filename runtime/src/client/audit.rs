//! Reading what was done to an entity.

use super::{
    Asker,
    exchange::{Route, refuse_inside},
    listing::refused,
};
use crate::gate::Coming;
use futures::Stream;
use sarsen_engine::{AuditEntry, AuditListing};
use sarsen_protocol::{Address, CallError, Page};
use std::{
    collections::VecDeque,
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
    asker: Option<Asker>,
    entity: Result<Address, Box<CallError>>,
    newest_first: bool,
    page_size: usize,
    page: VecDeque<AuditEntry>,
    phase: Phase,
}

enum Phase {
    New,
    Between(AuditListing),
    Reading(AuditListing, Coming<Result<Vec<Page>, CallError>>),
    Done,
}

impl AuditTrail {
    pub(super) fn new(asker: Asker, entity: Address) -> Self {
        Self::of(Some(asker), Ok(entity))
    }

    pub(super) fn by_route(route: &Result<Arc<Route>, Box<CallError>>) -> Self {
        match route {
            Ok(route) => Self::new(route.asker().clone(), route.to().clone()),
            Err(error) => Self::of(None, Err(error.clone())),
        }
    }

    fn of(asker: Option<Asker>, entity: Result<Address, Box<CallError>>) -> Self {
        let (page, phase) = (VecDeque::new(), Phase::New);
        Self { asker, entity, newest_first: true, page_size: PAGE_ROWS, page, phase }
    }

    /// From the oldest entry on. The audit begins anew.
    pub fn oldest_first(self) -> Self {
        Self { newest_first: false, ..self.anew() }
    }

    /// Reads `rows` entries at a time instead of 64, at least one, and fewer where they are large. The audit begins anew.
    pub fn page_size(self, rows: usize) -> Self {
        Self { page_size: rows.max(1), ..self.anew() }
    }

    /// The next entry; `None` at the end. As `next` of the stream, for those who import no extension trait.
    ///
    /// # Errors
    /// [`CallError::InvalidAddress`], [`CallError::Unreadable`], [`CallError::Damaged`], [`CallError::Newer`],
    /// [`CallError::Stopped`] and [`CallError::InsideOperation`].
    pub async fn next(&mut self) -> Option<Result<AuditEntry, CallError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn anew(mut self) -> Self {
        self.page.clear();
        self.phase = Phase::New;
        self
    }

    fn begin(&self) -> Result<AuditListing, CallError> {
        refuse_inside()?;
        let entity = self.entity.clone().map_err(|error| *error)?;
        Ok(AuditListing::new(entity, self.newest_first, self.page_size))
    }
}

impl Stream for AuditTrail {
    type Item = Result<AuditEntry, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(entry) = self.page.pop_front() {
                return Poll::Ready(Some(Ok(entry)));
            }
            // An error leaves `Done` behind.
            self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
                Phase::New => Phase::Between(self.begin()?),
                Phase::Between(listing) => match (listing.next_read(), &self.asker) {
                    (Some(read), Some(asker)) => {
                        let pages = asker.gate().read(vec![read]);
                        Phase::Reading(listing, pages)
                    }
                    _ => return Poll::Ready(None),
                },
                Phase::Reading(mut listing, mut pages) => {
                    let Poll::Ready(read) = pages.as_mut().poll(cx) else {
                        self.phase = Phase::Reading(listing, pages);
                        return Poll::Pending;
                    };
                    for page in read? {
                        self.page.extend(listing.take(&page).map_err(refused)?);
                    }
                    Phase::Between(listing)
                }
                Phase::Done => return Poll::Ready(None),
            };
        }
    }
}

impl fmt::Debug for AuditTrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditTrail")
            .field("entity", &self.entity)
            .field("newest_first", &self.newest_first)
            .finish_non_exhaustive()
    }
}
