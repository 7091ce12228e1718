//! The notifications: repeated, and in a disorder that is always the same.

use super::collecting::PARTS;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Where the disorder comes from.
const SEED: u64 = 20_260_201;

/// Tells that a part of an order was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notification {
    pub order: u64,
    pub part: u64,
}

/// The key of the order of this number.
pub fn order(number: u64) -> String {
    format!("order-{number:05}")
}

/// All notifications of so many orders, each one to three times.
pub fn notifications(orders: u64) -> Vec<Notification> {
    let mut shuffled = Vec::new();
    for number in 0..orders * PARTS {
        let notification = Notification { order: number / PARTS, part: number % PARTS };
        for time in 0..=draw("times", number, 0) % 3 {
            shuffled.push((draw("place", number, time), notification));
        }
    }
    shuffled.sort_unstable();
    shuffled.into_iter().map(|(_, notification)| notification).collect()
}

fn draw(what: &str, number: u64, time: u64) -> u64 {
    xxh3_64_with_seed(format!("{what} {number} {time}").as_bytes(), SEED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_part_is_told_of_some_more_often_and_out_of_order() {
        let told = notifications(20);
        let different: BTreeSet<_> = told.iter().copied().collect();
        assert_eq!(different.len() as u64, 20 * PARTS);
        assert!(told.len() > different.len() && !told.is_sorted());
        assert_eq!(told, notifications(20));
    }
}
