//! The limits of a read, which all stores share.

use bytes::Bytes;
use sarsen_protocol::{Page, Read, Row};

/// A page that is being read.
#[derive(Debug)]
pub(crate) struct Filling<'a> {
    read: &'a Read,
    page: Page,
    bytes: usize,
}

impl<'a> Filling<'a> {
    /// Begins the page that answers `read`; `None` when its range is empty, as stores need not cope with those.
    pub(crate) fn begin(read: &'a Read) -> Option<Self> {
        (read.from < read.to).then(|| {
            let page = Page { rows: Vec::new(), more: read.rows_max == 0 };
            Self { read, page, bytes: 0 }
        })
    }

    /// Whether a limit is reached. Check before each `push`.
    pub(crate) fn is_full(&self) -> bool {
        self.page.more
    }

    /// Adds the next record; `value` is called only when values are wanted.
    pub(crate) fn push(&mut self, key: Bytes, value: impl FnOnce() -> Bytes) {
        let value = if self.read.values { value() } else { Bytes::new() };
        self.bytes += key.len() + value.len();
        self.page.rows.push(Row { key, value });
        self.page.more = self.page.rows.len() >= self.read.rows_max || self.bytes >= self.read.bytes_max;
    }

    /// The page, once no record is left or a limit is reached.
    pub(crate) fn end(self) -> Page {
        self.page
    }
}
