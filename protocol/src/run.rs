//! Names of what orchestrations run as.

use crate::{Slot, Timestamp, address::shorten, hash};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};
use uuid::Uuid;

/// The longest run id, in bytes.
pub const RUN_ID_BYTES_MAX: usize = 256;

/// Names a run of an orchestration: 1 to 256 bytes without control characters, not beginning with `@`.
///
/// It is the run's whole identity: no two runs share one, also of different orchestrations.
#[derive(Clone)]
pub struct RunId {
    /// The id behind a 0x00: the text of the run's address, which is made of it and the other way without a copy.
    text: Arc<str>,
    /// The hash of the address.
    hash: u64,
}

/// The text is no run id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum RunIdError {
    /// Empty, longer than [`RUN_ID_BYTES_MAX`], with a control character, or beginning with `@`.
    #[error(
        "`{text}` is no run id: use 1 to {RUN_ID_BYTES_MAX} bytes without control characters that do not begin with `@`"
    )]
    Form {
        /// The text, cut to 80 characters.
        text: String,
    },
}

impl RunId {
    /// Checks a text.
    ///
    /// # Errors
    /// [`RunIdError::Form`] when it is empty, too long, has a control character or begins with `@`.
    pub fn new(text: &str) -> Result<Self, RunIdError> {
        let length = (1..=RUN_ID_BYTES_MAX).contains(&text.len());
        if !length || text.starts_with('@') || text.chars().any(char::is_control) {
            return Err(RunIdError::Form { text: shorten(text) });
        }
        Ok(Self::of(text))
    }

    /// Of a text that has been checked. Its place is the slot that a generated id names, else that of the id's hash.
    fn of(id: &str) -> Self {
        let mut text = String::with_capacity(1 + id.len());
        text.push('\0');
        text.push_str(id);
        // The hash is only a place: whatever leads to the slot will do.
        let spread = hash::placement(id.as_bytes());
        let hash = match named_slot(id) {
            Some(slot) => spread - spread % u64::from(Slot::COUNT) + u64::from(slot.number()),
            None => spread,
        };
        Self { text: text.into(), hash }
    }

    /// The text and the hash of the run's address.
    pub(crate) fn into_address(self) -> (Arc<str>, u64) {
        (self.text, self.hash)
    }

    /// Of the text and the hash of a run's address.
    pub(crate) fn of_address(text: Arc<str>, hash: u64) -> Self {
        Self { text, hash }
    }

    /// An id of the generated form: time-ordered, and naming the slot in which its run lives. Unique as far as
    /// `unique` is, of which the low 62 bits count.
    pub fn generated(at: Timestamp, slot: Slot, unique: u64) -> Self {
        Self::of(&ExecutionId::generated(at, slot, unique).to_string())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text[1..]
    }

    /// The slot that the id names: ids of the generated form, and those made of one by appending `-` and more.
    pub fn named_slot(&self) -> Option<Slot> {
        named_slot(self.as_str())
    }
}

fn named_slot(id: &str) -> Option<Slot> {
    let (id, rest) = id.split_at_checked(32)?;
    let form = rest.is_empty() || rest.starts_with('-');
    let lower = id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let uuid = Uuid::try_parse(id).ok().filter(|_| form && lower)?;
    ExecutionId(uuid).named_slot()
}

impl PartialEq for RunId {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && (Arc::ptr_eq(&self.text, &other.text) || self.text == other.text)
    }
}

impl Eq for RunId {}

impl PartialOrd for RunId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RunId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for RunId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Names one execution of a run: the first, or what a continue-as-new or a replacement began. What is meant for
/// another execution is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExecutionId(pub Uuid);

impl ExecutionId {
    /// An id in the form of RFC 9562's UUID version 7: 48 bits of the time in milliseconds, the slot in the 12 bits
    /// behind the version, and the low 62 bits of `unique`.
    pub fn generated(at: Timestamp, slot: Slot, unique: u64) -> Self {
        let millis = u128::from(at.as_micros() / 1_000) & 0xffff_ffff_ffff;
        let (version, variant) = (7_u128 << 76, 2_u128 << 62);
        let slot = u128::from(slot.number()) << 64;
        let unique = u128::from(unique & (u64::MAX >> 2));
        Self(Uuid::from_u128(millis << 80 | version | slot | variant | unique))
    }

    /// The slot that an id of the generated form names.
    pub fn named_slot(self) -> Option<Slot> {
        let bits = self.0.as_u128();
        let form = (bits >> 76) & 0xf == 7 && (bits >> 62) & 3 == 2;
        Slot::new(u16::try_from((bits >> 64) & 0xfff).ok()?).filter(|_| form)
    }

    /// What tells it from all others of its store: the low 62 bits.
    pub fn unique(self) -> u64 {
        let (_, low) = self.0.as_u64_pair();
        low & (u64::MAX >> 2)
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.simple(), f)
    }
}

/// A command's place among the commands of its execution, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId(pub u32);

impl CommandId {
    /// The id that follows.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_id_names_its_slot_and_so_do_those_made_of_it() {
        let slot = Slot::new(0xabc).expect("a slot");
        let at = Timestamp::from_micros(1_700_000_000_000_000);
        let id = RunId::generated(at, slot, 5);
        assert_eq!(id.as_str(), "018bcfe568007abc8000000000000005");
        let child = RunId::new(&format!("{id}-7")).expect("valid");
        for run in [&id, &child] {
            assert_eq!(run.named_slot(), Some(slot));
            assert_eq!(crate::Address::run(run).slot(), slot);
        }
        assert_eq!(ExecutionId::generated(at, slot, u64::MAX).unique(), u64::MAX >> 2);
        for other in [
            "018bcfe568007abc800000000000000",
            "018BCFE568007ABC8000000000000005",
            "018bcfe568004abc8000000000000005",
            "018bcfe568007abc8000000000000005x",
        ] {
            assert_eq!(RunId::new(other).expect("valid").named_slot(), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_run_id_is_refused() {
        for text in ["", "@a", "a\n", &"a".repeat(257)] {
            assert!(matches!(RunId::new(text), Err(RunIdError::Form { .. })), "{text}");
        }
        for text in ["a", "a@b", "\u{e4} b/c", &"a".repeat(256)] {
            assert_eq!(RunId::new(text).expect("valid").as_str(), text);
        }
    }
}
