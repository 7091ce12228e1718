//! What a word is, and the key of its counter.

use xxhash_rust::xxh3::xxh3_128;

/// The longest key that an entity may have, in bytes.
const KEY_BYTES_MAX: usize = 512;

/// How much of a word that is too long for a key stays readable in it, in characters.
const LEGIBLE_CHARS: usize = 64;

/// The words of a text, in order: maximal runs of alphanumeric characters and inner apostrophes.
///
/// An apostrophe is `'` or `’`; it is an inner one when an alphanumeric character stands on either side.
pub fn words(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let word = &text[text.find(char::is_alphanumeric)?..];
        let (word, rest) = word.split_at(end_of_word(word));
        text = rest;
        Some(word)
    })
}

/// Where the word ends that `text` begins with.
fn end_of_word(text: &str) -> usize {
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let before_alphanumeric = characters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        if !(character.is_alphanumeric() || is_apostrophe(character) && before_alphanumeric) {
            return at;
        }
    }
    text.len()
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '’')
}

/// The key under which a word is counted: the word in lower case, with `'` for every apostrophe.
///
/// A word that is too long for a key is neither cut, since it would be taken for another, nor left out: its
/// beginning stands for it, with a hash of the whole. The `…` between them is in no other key.
pub fn key(word: &str) -> String {
    let mut key = word.to_lowercase();
    if key.contains('’') {
        key = key.replace('’', "'");
    }
    if key.len() > KEY_BYTES_MAX {
        let beginning: String = key.chars().take(LEGIBLE_CHARS).collect();
        key = format!("{beginning}…{:032x}", xxh3_128(key.as_bytes()));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        words(text).map(key).collect()
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(keys(text), expected, "{text:?}");
    }

    #[test]
    fn a_word_is_a_maximal_run_of_alphanumeric_characters() {
        check("", &[]);
        check(" -- !? ", &[]);
        check("Stone by stone,by 2_stones\r\n(4x4)", &["stone", "by", "stone", "by", "2", "stones", "4x4"]);
    }

    #[test]
    fn an_apostrophe_belongs_to_a_word_only_within_it() {
        check("don't 'quoted' rock'n'roll", &["don't", "quoted", "rock'n'roll"]);
        check("the stones' edge ' '' a''b", &["the", "stones", "edge", "a", "b"]);
        check("don’t ‘quoted’", &["don't", "quoted"]);
    }

    #[test]
    fn words_are_compared_in_lower_case() {
        check("The THE the", &["the", "the", "the"]);
        check("ÉCOLE Straße ΛΌΓΟΣ 石 Дом", &["école", "straße", "λόγος", "石", "дом"]);
    }

    #[test]
    fn a_word_too_long_for_a_key_keeps_a_key_of_its_own() {
        let long = "ab".repeat(KEY_BYTES_MAX);
        let (first, second) = (key(&format!("{long}x")), key(&format!("{long}y")));
        assert_ne!(first, second);
        assert_eq!(first, key(&format!("{long}X")));
        assert!(first.starts_with("abab") && first.len() < KEY_BYTES_MAX, "{first}");
        assert_eq!(key(&"a".repeat(KEY_BYTES_MAX)).len(), KEY_BYTES_MAX);
    }
}
