//! Sarsen in real processes: the examples, driven as a user drives them and killed as no user should.
//!
//! ```text
//! cargo test --test crash                                   # 20 kills, on a text of 100,000 words
//! SARSEN_KILLS=300 cargo test --release --test crash        # 300 kills, on a text of 1,000,000 words
//! ```
//!
//! `SARSEN_SEED`, `SARSEN_KILLS` and `SARSEN_WORDS` choose; kills and words are those of `counter`. What a power cut does to a disk is not shown here but
//! in the simulation, over a disk that loses what was not synced.

mod command_line;
mod events;
mod example;
mod kills;
mod orchestrations;
mod patterns;
mod random;
mod text;
