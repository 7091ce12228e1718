//! A value that is there later.

use crate::place::{Place, here};
use std::cell::{Cell, RefCell};

/// A place in the order of a history's inputs: 0 is before the first. The winner of a race is the one that was
/// settled at the earliest moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub(crate) u64);

/// A value that somebody waits for.
pub(crate) struct Promise<T> {
    value: RefCell<Option<T>>,
    settled: Cell<Option<Moment>>,
    place: RefCell<Option<Place>>,
}

impl<T> Promise<T> {
    pub(crate) fn new() -> Self {
        Self { value: RefCell::default(), settled: Cell::new(None), place: RefCell::default() }
    }

    /// Gives the value and wakes who waits for it.
    pub(crate) fn settle(&self, at: Moment, value: T) {
        debug_assert!(self.settled.get().is_none(), "a promise is settled once");
        *self.value.borrow_mut() = Some(value);
        self.settled.set(Some(at));
        if let Some(place) = self.place.take() {
            place.wake();
        }
    }

    /// When it was settled, if it is; else notes that the future being polled waits for it.
    pub(crate) fn settled(&self) -> Option<Moment> {
        let settled = self.settled.get();
        if settled.is_none() {
            *self.place.borrow_mut() = here();
        }
        settled
    }

    /// When it was settled, if it is; nobody waits.
    pub(crate) fn moment(&self) -> Option<Moment> {
        self.settled.get()
    }

    /// Whether it is settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.get().is_some()
    }

    /// The value, once.
    pub(crate) fn take(&self) -> Option<T> {
        self.value.take()
    }
}
