//! Hashing without randomness: the slot hash, and maps whose behaviour repeats from run to run.

use std::hash::{BuildHasherDefault, Hasher};

/// A hash map that behaves alike in every run. Its order must still never be seen.
pub type HashMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<PlainHasher>>;

/// A hash set that behaves alike in every run. Its order must still never be seen.
pub type HashSet<K> = std::collections::HashSet<K, BuildHasherDefault<PlainHasher>>;

/// A map keyed by [`Address`](crate::Address), which carries its hash.
pub type AddressMap<V> = std::collections::HashMap<crate::Address, V, BuildHasherDefault<AddressHasher>>;

/// A map by hashes that are known already.
pub type HashedMap<V> = std::collections::HashMap<u64, V, BuildHasherDefault<AddressHasher>>;

/// The hasher of these maps: xxh3 for bytes, and for numbers the multiplication of Fredkin and Knuth that rustc's own
/// maps use, whose high bits are folded into the low ones at the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainHasher(u64);

impl PlainHasher {
    fn mix(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for PlainHasher {
    fn finish(&self) -> u64 {
        let folded = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        folded ^ (folded >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.mix(xxhash_rust::xxh3::xxh3_64(bytes));
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(u64::from(number));
    }

    fn write_u16(&mut self, number: u16) {
        self.mix(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }
}

/// Passes through the one `u64` that an address writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxhash_rust::xxh3::xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The hash that places an address; part of the store's format (version 1).
pub(crate) fn placement(text: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text)
}

/// Tells requests apart: the hash of an operation's name and its input; part of the store's format (version 1).
pub fn content_hash(operation: &str, input: &[u8]) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
    hasher.update(operation.as_bytes());
    hasher.update(&[0]);
    hasher.update(input);
    hasher.digest()
}
