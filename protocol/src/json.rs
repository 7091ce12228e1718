//! User payloads: JSON, because a state must outlive the code that wrote it.

mod strict;

use crate::{Failure, FailureKind};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::BTreeMap, fmt};
use strict::{Strict, Trail};

/// A JSON text that a user's value became: the input or answer of an operation, or an entity's state.
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Payload(Bytes);

impl Payload {
    /// `null`: what an operation without inputs is given.
    pub const fn null() -> Self {
        Self(Bytes::from_static(b"null"))
    }

    /// Takes over bytes that [`encode`] made.
    pub fn from_encoded(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The JSON text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no text at all; no encoded value is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::address::shorten(&String::from_utf8_lossy(&self.0)))
    }
}

/// Encodes a user's value.
///
/// # Errors
/// A failure of kind [`FailureKind::Unencodable`], with the way to the culprit, when the value's `Serialize` fails,
/// a map key is no string, a float is not finite (`serde_json` alone would write `null` for it and never read it
/// back), or arrays and objects nest deeper than they are read.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Payload, Failure> {
    let mut text = Vec::with_capacity(32);
    let trail = Trail::default();
    value
        .serialize(Strict::new(&mut serde_json::Serializer::new(&mut text), &trail))
        .map_err(|error| Failure::new(FailureKind::Unencodable, trail.explain(&error)))?;
    // The most frequent answer of all is kept without memory of its own.
    Ok(if text == b"null" { Payload::null() } else { Payload(text.into()) })
}

/// Decodes a user's value.
///
/// # Errors
/// A failure of kind [`FailureKind::Undecodable`] when the text does not fit the type.
pub fn decode<T: DeserializeOwned>(payload: &Payload) -> Result<T, Failure> {
    serde_json::from_slice(&payload.0)
        .map_err(|error| Failure::new(FailureKind::Undecodable, error.to_string()))
}

/// Whether two texts are the same value but for the order of keys and of elements.
///
/// Order is left out because hash maps and hash sets, which become objects and arrays, have none.
pub fn same(a: &Payload, b: &Payload) -> bool {
    let value = |payload: &Payload| serde_json::from_slice(&payload.0).ok().map(sorted);
    a == b || value(a).is_some_and(|a| Some(a) == value(b))
}

/// Whether two texts are the same value: the order of keys is left out, the order of elements is not.
///
/// This is how a command of an orchestration is compared with the recorded one.
pub fn equal(a: &Payload, b: &Payload) -> bool {
    let value = |payload: &Payload| serde_json::from_slice::<Value>(&payload.0).ok();
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
