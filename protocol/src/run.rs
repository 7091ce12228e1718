//! Names of what orchestrations run as.

use crate::address::shorten;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, sync::Arc};
use uuid::Uuid;

/// The longest run id, in bytes.
pub const RUN_ID_BYTES_MAX: usize = 256;

/// Names a run of an orchestration: 1 to 256 bytes without control characters, not beginning with `@`.
///
/// It is the run's whole identity: no two runs share one, also of different orchestrations.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Arc<str>);

/// The text is no run id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Names one execution of a run: the first, or what a continue-as-new or a replacement began. What is meant for
/// another execution is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExecutionId(pub Uuid);

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.simple(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
