//! The counts, read back from the counters.

use crate::{Error, entities::Counter};
use futures::TryStreamExt;
use sarsen::{CallError, Client};
use std::{cmp::Reverse, ops::RangeInclusive};

/// How many of the most frequent words are kept.
const TOP: usize = 10;

/// What the listing of all counters shows.
#[derive(Default)]
pub struct Counts {
    /// The most frequent words with their counts, by count descending, then by word.
    pub top: Vec<(String, u64)>,
    sum: u64,
}

impl Counts {
    /// Lists all counters there are.
    pub async fn read_back(client: &Client) -> Result<Self, CallError> {
        let mut counts = Self::default();
        let mut counters = client.entities::<Counter>().with_state();
        while let Some(counter) = counters.try_next().await? {
            counts.add(counter.key, counter.state.count);
        }
        Ok(counts)
    }

    fn add(&mut self, word: String, count: u64) {
        self.sum += count;
        let entry = (word, count);
        let place = self.top.partition_point(|other| rank(other) < rank(&entry));
        if place < TOP {
            self.top.insert(place, entry);
            self.top.truncate(TOP);
        }
    }

    /// Requires that no word is lost or counted twice.
    pub fn check(&self, expected: RangeInclusive<u64>) -> Result<(), Error> {
        if expected.contains(&self.sum) {
            Ok(())
        } else {
            Err(Error::Miscounted { counted: self.sum, expected })
        }
    }
}

fn rank((word, count): &(String, u64)) -> (Reverse<u64>, &str) {
    (Reverse(*count), word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_is_sorted_by_count_then_word() {
        let mut counts = Counts::default();
        for (word, count) in [("b", 2), ("c", 3), ("a", 2)] {
            counts.add(word.to_owned(), count);
        }
        let top: Vec<&str> = counts.top.iter().map(|(word, _)| word.as_str()).collect();
        assert_eq!(top, ["c", "a", "b"]);
        assert!(counts.check(7..=7).is_ok() && counts.check(8..=9).is_err());
    }

    #[test]
    fn the_top_keeps_the_ten_most_frequent() {
        let mut counts = Counts::default();
        for count in (1..=20).chain(1..=20) {
            counts.add(format!("word{count:02}"), count);
        }
        let top: Vec<u64> = counts.top.iter().map(|(_, count)| *count).collect();
        assert_eq!(top, [20, 20, 19, 19, 18, 18, 17, 17, 16, 16]);
    }
}
