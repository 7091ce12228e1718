//! What a match does to the ratings of its players.

/// What a loser of equal rating pays.
const STAKE: i64 = 16;

/// By how much the stake grows with what the winner was below the loser.
const PER_POINT: i64 = 25;

/// The ratings after a match. What a loser pays the winner gets, so that the sum stays.
pub fn after(ratings: &[i64], winner: usize) -> Vec<i64> {
    let mut after = ratings.to_vec();
    for (loser, rating) in ratings.iter().enumerate().filter(|(player, _)| *player != winner) {
        let paid = (STAKE + (rating - ratings[winner]) / PER_POINT).clamp(1, 2 * STAKE - 1);
        after[loser] -= paid;
        after[winner] += paid;
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_losers_pay_the_winner_more_the_better_they_were() {
        assert_eq!(after(&[1_500, 1_500], 0), [1_516, 1_484]);
        assert_eq!(after(&[1_600, 1_500], 1), [1_580, 1_520]);
        assert_eq!(after(&[2_500, 1_500, 1_500], 0), [2_502, 1_499, 1_499]);
    }
}
