//! Where an instance lives: the name of its type and its key.

use crate::{RunId, Slot, hash};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, sync::Arc};

/// The longest name of an entity or operation, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// The longest key of an entity, in bytes.
pub const KEY_BYTES_MAX: usize = 512;

/// The name of an entity type: `[a-z][a-z0-9_]{0,63}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityName<'a>(&'a str);

impl<'a> EntityName<'a> {
    /// Checks a name.
    ///
    /// # Errors
    /// [`AddressError::Name`] when it is not of the form `[a-z][a-z0-9_]{0,63}`.
    pub fn new(name: &'a str) -> Result<Self, AddressError> {
        if is_name(name) { Ok(Self(name)) } else { Err(AddressError::Name { name: shorten(name) }) }
    }

    /// The name's text.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

/// Whether `name` is a name: `[a-z][a-z0-9_]{0,63}`.
pub(crate) fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    (1..=NAME_BYTES_MAX).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// Cuts a text for an error message.
pub(crate) fn shorten(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    let mut short: String = text.chars().take(CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        short.push_str("...");
    }
    short
}

/// Why a name or key is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The entity's name is not of the form `[a-z][a-z0-9_]{0,63}`.
    #[error("`{name}` is no entity name: use a lower-case letter followed by up to 63 of a-z, 0-9 and _")]
    Name {
        /// The text that was given, cut to 80 characters.
        name: String,
    },
    /// The key is longer than [`KEY_BYTES_MAX`].
    #[error(
        "the key `{key}` has {bytes} bytes, {KEY_BYTES_MAX} are allowed: use a shorter key, for example a hash"
    )]
    KeyTooLong {
        /// The key, cut to 80 characters.
        key: String,
        /// Its length in bytes.
        bytes: usize,
    },
    /// The key has a control character.
    #[error("the key `{key}` has a control character: use printable characters only")]
    KeyControl {
        /// The key with its control characters escaped, cut to 80 characters.
        key: String,
    },
    /// The text is not of the form `@name@key`.
    #[error("`{text}` is no address: write `@name@key`")]
    Form {
        /// The text that was given, cut to 80 characters.
        text: String,
    },
}

/// The address of an instance, an entity or a run; cheap to clone.
///
/// Addresses sort by (name, key) in byte order, which is the order of locks. The hash that places the address in
/// a slot is computed once, when the address is made.
///
/// The text behind an address is `name 0x00 key`. A run is found by its id alone: its name is empty, its key the id.
///
/// ```
/// # use sarsen_protocol::Address;
/// let address = Address::entity("account", "alice")?;
/// assert_eq!(address.to_string(), "@account@alice");
/// assert_eq!(Address::parse("@account@alice")?, address);
/// # Ok::<(), sarsen_protocol::AddressError>(())
/// ```
#[derive(Clone)]
pub struct Address {
    text: Arc<str>,
    hash: u64,
    name_bytes: u8,
}

impl Address {
    /// The address of the entity `name` with `key`.
    ///
    /// # Errors
    /// [`AddressError`] when the name or the key is none.
    pub fn entity(name: &str, key: &str) -> Result<Self, AddressError> {
        let name = EntityName::new(name)?;
        check_key(key)?;
        let mut text = String::with_capacity(name.0.len() + 1 + key.len());
        text.push_str(name.0);
        text.push('\0');
        text.push_str(key);
        Ok(Self::of_text(text.into(), name.0.len()))
    }

    /// Reads `@name@key`; the key may itself contain `@`.
    ///
    /// # Errors
    /// [`AddressError`] when the text has another form, or the name or key is none.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (name, key) = text
            .strip_prefix('@')
            .and_then(|rest| rest.split_once('@'))
            .ok_or_else(|| AddressError::Form { text: shorten(text) })?;
        Self::entity(name, key)
    }

    /// Reads the text of [`Address::as_bytes`]; `None` when it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (name, key) = text.split_once('\0')?;
        if name.is_empty() {
            return Some(Self::run(&RunId::new(key).ok()?));
        }
        if !is_name(name) || check_key(key).is_err() {
            return None;
        }
        Some(Self::of_text(text.into(), name.len()))
    }

    /// The address of a run. Its slot is the one that a generated id names, else that of the id's hash.
    pub fn run(run: &RunId) -> Self {
        let (text, hash) = run.clone().into_address();
        Self { text, hash, name_bytes: 0 }
    }

    /// The run that lives here, if it is one.
    pub fn as_run(&self) -> Option<RunId> {
        self.is_run().then(|| RunId::of_address(Arc::clone(&self.text), self.hash))
    }

    /// Whether a run lives here.
    pub fn is_run(&self) -> bool {
        self.name_bytes == 0
    }

    fn of_text(text: Arc<str>, name_bytes: usize) -> Self {
        let hash = hash::placement(text.as_bytes());
        Self { text, hash, name_bytes: u8::try_from(name_bytes).expect("a name has at most 64 bytes") }
    }

    /// The name of the entity's type; empty for a run.
    pub fn name(&self) -> &str {
        &self.text[..usize::from(self.name_bytes)]
    }

    /// The key, or the run's id.
    pub fn key(&self) -> &str {
        &self.text[usize::from(self.name_bytes) + 1..]
    }

    /// `name 0x00 key`: the form in record keys, in byte order of (name, key).
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The slot in which the instance lives.
    pub fn slot(&self) -> Slot {
        Slot::of_hash(self.hash)
    }
}

fn check_key(key: &str) -> Result<(), AddressError> {
    if key.len() > KEY_BYTES_MAX {
        return Err(AddressError::KeyTooLong { key: shorten(key), bytes: key.len() });
    }
    if key.chars().any(char::is_control) {
        return Err(AddressError::KeyControl { key: shorten(key) });
    }
    Ok(())
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && (Arc::ptr_eq(&self.text, &other.text) || self.text == other.text)
    }
}

impl Eq for Address {}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl std::hash::Hash for Address {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// As its text, `name 0x00 key`.
impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_bytes(text.as_bytes())
            .ok_or_else(|| D::Error::custom(format!("`{}` is no address", shorten(&text))))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_run() { f.write_str(self.key()) } else { write!(f, "@{}@{}", self.name(), self.key()) }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_sort_by_name_then_key() {
        let mut sorted = [
            Address::entity("ab", "").expect("valid"),
            Address::entity("a", "z").expect("valid"),
            Address::entity("a", "").expect("valid"),
            Address::entity("a_b", "a").expect("valid"),
        ];
        sorted.sort();
        let texts: Vec<String> = sorted.iter().map(Address::to_string).collect();
        assert_eq!(texts, ["@a@", "@a@z", "@a_b@a", "@ab@"]);
    }

    #[test]
    fn the_slot_of_an_address_is_fixed() {
        let slot = |name, key| Address::entity(name, key).expect("valid").slot().number();
        assert_eq!([slot("counter", "the"), slot("account", "alice"), slot("a", "")], SLOTS_V1);
    }

    const SLOTS_V1: [u16; 3] = [3861, 423, 3547];

    #[test]
    fn a_key_may_contain_the_separator() {
        let address = Address::parse("@mail@a@b").expect("valid");
        assert_eq!((address.name(), address.key()), ("mail", "a@b"));
        assert_eq!(Address::from_bytes(address.as_bytes()), Some(address));
    }

    #[test]
    fn what_is_no_name_or_key_is_refused() {
        for name in ["", "A", "1a", "a-b", "a b", "ä", &"a".repeat(65)] {
            assert!(matches!(Address::entity(name, ""), Err(AddressError::Name { .. })), "{name}");
        }
        assert!(Address::entity(&"a".repeat(64), &"k".repeat(512)).is_ok());
        assert!(matches!(
            Address::entity("a", &"k".repeat(513)),
            Err(AddressError::KeyTooLong { bytes: 513, .. })
        ));
        assert!(matches!(Address::entity("a", "x\n"), Err(AddressError::KeyControl { .. })));
        assert!(matches!(Address::parse("account@x"), Err(AddressError::Form { .. })));
        assert_eq!(Address::from_bytes(b"account"), None);
    }
}
