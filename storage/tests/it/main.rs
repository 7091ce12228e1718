//! The tests of the storage room, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broken;
mod conforming;
mod crash;
mod damage;
mod directory;
mod disks;
mod journal;
mod overlay;
