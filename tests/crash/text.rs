//! Texts whose words are known.

use crate::random::Random;
use std::{collections::BTreeMap, io::Write};

/// How many different words there are.
const VOCABULARY: u64 = 20_000;

/// A text and how often each of its words is in it.
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Text {
    /// A text of so many words, a few of them as frequent as in a natural language, written in several ways.
    pub(crate) fn generate(random: &mut Random, words: u64) -> Self {
        let mut text = Self { bytes: Vec::new(), counts: BTreeMap::new() };
        for _ in 0..words {
            // The chance of a rank falls with the rank, as in Zipf's law.
            let ranks = VOCABULARY >> random.below(15);
            let word = word(random.below(ranks));
            text.write(random, &word);
            *text.counts.entry(word).or_insert(0) += 1;
        }
        text
    }

    fn write(&mut self, random: &mut Random, word: &str) {
        let written = match random.below(16) {
            0 => word.to_uppercase(),
            1 => word.replace('\'', "’"),
            _ => word.to_owned(),
        };
        let separator = match random.below(64) {
            0 => b"\xff\xfe",
            1 => b"' ",
            2..8 => b", ",
            8..14 => b".\n",
            _ => b"  ",
        };
        self.bytes.extend_from_slice(written.as_bytes());
        self.bytes.extend_from_slice(separator);
    }

    /// Writes the text to a file.
    pub(crate) fn save(&self, path: &std::path::Path) {
        let mut file = std::fs::File::create(path).expect("the file can be created");
        file.write_all(&self.bytes).expect("the file can be written");
    }
}

/// The word of this rank: as many syllables as it takes to tell it from the others, some with an apostrophe.
fn word(rank: u64) -> String {
    const CONSONANTS: &[u8] = b"bdfghklmnprstvwz";
    const VOWELS: [char; 5] = ['a', 'e', 'i', 'o', 'ü'];
    let mut word = String::new();
    let mut rest = rank;
    loop {
        let (consonant, vowel) = (rest % 16, rest / 16 % 5);
        word.push(char::from(CONSONANTS[usize::try_from(consonant).expect("it is below 16")]));
        word.push(VOWELS[usize::try_from(vowel).expect("it is below 5")]);
        rest /= 80;
        if rest == 0 {
            break;
        }
        if rank.is_multiple_of(7) {
            word.push('\'');
        }
    }
    word
}

#[test]
fn a_word_stands_for_each_rank() {
    let words: std::collections::BTreeSet<String> = (0..VOCABULARY).map(word).collect();
    assert_eq!(words.len() as u64, VOCABULARY);
}
