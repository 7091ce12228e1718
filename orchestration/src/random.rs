//! Randomness that repeats.

use sarsen_protocol::Uuid;

/// The generator of Steele, Lea and Flood ("Fast splittable pseudorandom number generators", OOPSLA 2014). What it
/// draws is part of the contract with running executions: another generator would park them all.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A UUID of version 4 (RFC 9562) from the next two numbers, the first of which is its beginning.
    pub(crate) fn uuid(&mut self) -> Uuid {
        const VERSION: u128 = 0xF << 76;
        const VARIANT: u128 = 0b11 << 62;
        let bits = u128::from(self.draw()) << 64 | u128::from(self.draw());
        Uuid::from_u128(bits & !VERSION & !VARIANT | 4 << 76 | 0b10 << 62)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // From the reference implementation's output for this seed (https://prng.di.unimi.it/splitmix64.c).
        let mut random = Random::new(1_234_567);
        let numbers = [random.draw(), random.draw(), random.draw()];
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn uuids_are_of_version_4_and_fixed() {
        let mut random = Random::new(1_234_567);
        let uuid = random.uuid();
        assert_eq!(uuid.to_string(), "599ed017-fb08-4c85-ac73-f08458540fa5");
        assert_eq!(uuid.get_version_num(), 4);
    }
}
