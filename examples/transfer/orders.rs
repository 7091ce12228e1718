//! The orders: the same in every process, so that an interrupted one is gone on with and not begun again.

use crate::bank::{Account, OPENED_WITH, Order};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Where the orders come from.
const SEED: u64 = 20_260_101;

/// The order of this number, between two of so many accounts. Some ask for more than there is.
pub fn order(number: u64, accounts: u64) -> Order {
    let below = |what: &str, end: u64| {
        let text = format!("{what} {number}");
        xxh3_64_with_seed(text.as_bytes(), SEED) % end
    };
    let from = below("from", accounts);
    let to = (from + 1 + below("to", accounts - 1)) % accounts;
    let amount = 1 + below("amount", OPENED_WITH.unsigned_abs());
    let amount = i64::try_from(amount).expect("it is below what an account has");
    Order { from: Account::key(from), to: Account::key(to), amount }
}

/// The id of the run of an order.
pub fn run_id(number: u64) -> String {
    format!("t-{number:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_moves_money_between_two_accounts_and_is_always_the_same() {
        for accounts in [2, 3, 100] {
            for number in 1..1_000 {
                let order = order(number, accounts);
                assert_ne!(order.from, order.to);
                assert!((1..=OPENED_WITH).contains(&order.amount));
                assert_eq!(order, super::order(number, accounts));
            }
        }
    }
}
