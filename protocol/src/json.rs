//! User payloads: JSON, because a state must outlive the code that wrote it.

mod strict;

use crate::{Failure, FailureKind};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::Value;
use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt,
    hash::{Hash, Hasher},
};
use strict::{Strict, Trail};

/// The largest text whose memory is kept for the next one.
const SCRATCH_BYTES_MAX: usize = 64 << 10;

thread_local! {
    /// Where texts are written before their length is known.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The longest text that is kept without memory of its own.
const SHORT_BYTES_MAX: usize = 23;

/// A JSON text that a user's value became: the input or answer of an operation, or an entity's state.
///
/// Most are a number, a word or `null`. So a short text stands in the payload itself, where it costs no allocation; a
/// long one is shared by its clones.
#[derive(Clone)]
pub struct Payload(Text);

#[derive(Clone)]
enum Text {
    Short { length: u8, bytes: [u8; SHORT_BYTES_MAX] },
    Long(Bytes),
}

impl Payload {
    /// `null`: what an operation without inputs is given.
    pub const fn null() -> Self {
        let mut bytes = [0; SHORT_BYTES_MAX];
        [bytes[0], bytes[1], bytes[2], bytes[3]] = *b"null";
        Self(Text::Short { length: 4, bytes })
    }

    /// Takes over bytes that [`encode`] made.
    pub fn from_encoded(bytes: Bytes) -> Self {
        Self::short(&bytes).unwrap_or(Self(Text::Long(bytes)))
    }

    /// Copies a text that [`encode`] made.
    pub fn copy_of(text: &[u8]) -> Self {
        Self::short(text).unwrap_or_else(|| Self(Text::Long(Bytes::copy_from_slice(text))))
    }

    fn short(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; SHORT_BYTES_MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self(Text::Short { length: u8::try_from(text.len()).ok()?, bytes }))
    }

    /// The JSON text.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Text::Long(bytes) => bytes,
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        match &self.0 {
            Text::Short { length, .. } => usize::from(*length),
            Text::Long(bytes) => bytes.len(),
        }
    }

    /// Whether there is no text at all; no encoded value is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes; those of a long text are not copied.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Text::Short { .. } => Bytes::copy_from_slice(self.as_bytes()),
            Text::Long(bytes) => bytes,
        }
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Payload {}

impl Hash for Payload {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// As bytes; as a text where people read. It is read back from either.
impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.as_bytes();
        if serializer.is_human_readable()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return serializer.serialize_str(text);
        }
        serializer.serialize_bytes(bytes)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Bytes::deserialize(deserializer).map(Self::from_encoded)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::address::shorten(&String::from_utf8_lossy(self.as_bytes())))
    }
}

/// Encodes a user's value.
///
/// # Errors
/// A failure of kind [`FailureKind::Unencodable`], with the way to the culprit, when the value's `Serialize` fails,
/// a map key is no string, a float is not finite (`serde_json` alone would write `null` for it and never read it
/// back), or arrays and objects nest deeper than they are read.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Payload, Failure> {
    encode_with(value, Payload::copy_of)
}

/// Encodes a user's value and hands its text to `take`; fails as [`encode`] does.
///
/// # Errors
/// As [`encode`].
pub fn encode_with<T: Serialize + ?Sized, R>(value: &T, take: impl FnOnce(&[u8]) -> R) -> Result<R, Failure> {
    // The value's own code may encode as well: it then finds no text to write to, and makes one.
    let mut text = SCRATCH.take();
    text.clear();
    let trail = Trail::default();
    value
        .serialize(Strict::new(&mut serde_json::Serializer::new(&mut text), &trail))
        .map_err(|error| Failure::new(FailureKind::Unencodable, trail.explain(&error)))?;
    let taken = take(&text);
    if text.capacity() <= SCRATCH_BYTES_MAX {
        SCRATCH.set(text);
    }
    Ok(taken)
}

/// Decodes a user's value.
///
/// # Errors
/// A failure of kind [`FailureKind::Undecodable`] when the text does not fit the type.
pub fn decode<T: DeserializeOwned>(payload: &Payload) -> Result<T, Failure> {
    serde_json::from_slice(payload.as_bytes())
        .map_err(|error| Failure::new(FailureKind::Undecodable, error.to_string()))
}

/// Whether two texts are the same value but for the order of keys and of elements.
///
/// Order is left out because hash maps and hash sets, which become objects and arrays, have none.
pub fn same(a: &Payload, b: &Payload) -> bool {
    let value = |payload: &Payload| serde_json::from_slice(payload.as_bytes()).ok().map(sorted);
    a == b || value(a).is_some_and(|a| Some(a) == value(b))
}

/// Whether two texts are the same value: the order of keys is left out, the order of elements is not.
///
/// This is how a command of an orchestration is compared with the recorded one.
pub fn equal(a: &Payload, b: &Payload) -> bool {
    let value = |payload: &Payload| serde_json::from_slice::<Value>(payload.as_bytes()).ok();
    a == b || value(a).is_some_and(|a| Some(a) == value(b))
}

/// The value with the elements of every array in the order of their text.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(elements) => {
            let mut elements: Vec<Value> = elements.into_iter().map(sorted).collect();
            elements.sort_by_cached_key(Value::to_string);
            Value::Array(elements)
        }
        Value::Object(fields) => {
            // Collected by key, whether or not a feature of `serde_json` keeps the order in which they came.
            let fields: BTreeMap<String, Value> =
                fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests;
