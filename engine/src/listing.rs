//! What is found straight in durable records: entities, runs, histories, locks, dead letters.
//!
//! Each page is read from one state of the store; different pages may be of different states. A host reads what it is
//! told to read next, hands back the pages, and so on until there is nothing more to read. Nothing here is asked of a
//! shard, and nothing here waits.

mod changed;
mod entities;
mod history;
mod letters;
mod locks;
mod lookup;
mod order;
mod runs;
mod walk;

pub use entities::{ListedRow, Listing};
pub use history::HistoryListing;
pub use letters::{LetterFilter, LetterListing, LetterLookup, ListedLetter};
pub use locks::{ListedLock, LockListing, LockStage};
pub use lookup::{InputLookup, ListedSchedule, LockLookup, RunLookup, ScheduleLookup};
pub use order::{PageToken, RunOrder, RunSorter};
pub use runs::{ListedRun, RunFilter, RunListing, TimeSpan};
