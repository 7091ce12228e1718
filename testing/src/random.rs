//! Seeded choices.

use sarsen_storage::SplitMix64;

/// A source of choices that repeats: a seed gives the same ones in every run and on every machine.
#[derive(Clone, Debug)]
pub struct Random(SplitMix64);

impl Random {
    /// Begins the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds begin neighbouring sequences; a first draw moves them apart.
        let apart = SplitMix64::new(seed).draw();
        Self(SplitMix64::new(apart))
    }

    /// An independent sequence, so that choices of one kind do not move those of another.
    pub fn fork(&mut self) -> Self {
        Self::new(self.draw())
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    /// A number below `limit`.
    ///
    /// # Panics
    /// If `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let drawn = self.0.below(limit as u64);
        usize::try_from(drawn).expect("it is below a usize")
    }

    /// A number from `least` to `most`, both included.
    ///
    /// # Panics
    /// If `least` is more than `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True once in `times`, and never for 0.
    pub fn one_in(&mut self, times: usize) -> bool {
        times != 0 && self.below(times) == 0
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// The place of one of `weights`, as often as its weight says; `None` when all are 0.
    pub fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> Option<usize> {
        let weights = weights.map(u64::from);
        let total: u64 = weights.clone().sum();
        if total == 0 {
            return None;
        }
        let mut left = self.0.below(total);
        weights.into_iter().position(|weight| {
            let here = left < weight;
            left = left.saturating_sub(weight);
            here
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_neighbours_differ() {
        let first = |seed| Random::new(seed).draw();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn weights_are_kept() {
        let mut random = Random::new(1);
        let mut counts = [0; 3];
        for _ in 0..4000 {
            counts[random.weighted([1, 0, 3].into_iter()).expect("some weight is not 0")] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((800..1200).contains(&counts[0]), "{counts:?}");
        assert_eq!(random.weighted([0, 0].into_iter()), None);
    }
}
