//! Faults on purpose, to show that the simulation notices each of them. Without the feature `faults` there are none.

/// Something that an execution does wrong on purpose, always while it is armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "faults", non_exhaustive)]
#[cfg_attr(not(feature = "faults"), expect(unreachable_pub, reason = "it is public with the feature alone"))]
pub enum Fault {
    /// The inputs of a turn are all applied before the code is polled; a replay polls behind each.
    OnePollForAll,
    /// The code is told another time when it is replayed.
    ReplayedTime,
}

#[cfg(feature = "faults")]
mod seam {
    use super::Fault;
    use std::cell::Cell;

    thread_local! {
        static ARMED: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// Arms a fault on this thread until this is dropped.
    #[derive(Debug)]
    #[must_use = "dropped, it disarms the fault"]
    pub struct Armed(());

    /// Arms a fault on this thread; one at a time.
    pub fn arm(fault: Fault) -> Armed {
        ARMED.set(Some(fault));
        Armed(())
    }

    impl Drop for Armed {
        fn drop(&mut self) {
            ARMED.set(None);
        }
    }

    pub(crate) fn armed(fault: Fault) -> bool {
        ARMED.get() == Some(fault)
    }
}

#[cfg(feature = "faults")]
pub(crate) use seam::armed;
#[cfg(feature = "faults")]
pub use seam::{Armed, arm};

/// Whether a fault is armed: never.
#[cfg(not(feature = "faults"))]
pub(crate) const fn armed(_fault: Fault) -> bool {
    false
}
