//! How a failure is written.
//!
//! In sarsen's own records it has grown: what once was an `Option` of details may be more now, and is written as it was
//! when it is not. In JSON fields have names, and one that is not there is none.

use super::{Failure, FailureKind, FailureOrigin};
use crate::Payload;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A failure in a record. The first two variants of what it is about are written as an `Option`.
#[derive(Serialize, Deserialize)]
struct Record<M, D, O> {
    kind: FailureKind,
    message: M,
    about: About<D, O>,
}

#[derive(Serialize, Deserialize)]
enum About<D, O> {
    Nothing,
    Details(D),
    Origin(Option<D>, O),
}

/// A failure in JSON.
#[derive(Serialize, Deserialize)]
struct Named<M, D, O> {
    kind: FailureKind,
    message: M,
    details: Option<D>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    origin: Option<O>,
}

fn none<T>() -> Option<T> {
    None
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, message) = (self.kind, self.message.as_str());
        let (details, origin) = (self.details.as_deref(), self.origin.as_deref());
        if serializer.is_human_readable() {
            return Named { kind, message, details, origin }.serialize(serializer);
        }
        let about = match (details, origin) {
            (None, None) => About::Nothing,
            (Some(details), None) => About::Details(details),
            (details, Some(origin)) => About::Origin(details, origin),
        };
        Record { kind, message, about }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Failure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let Named { kind, message, details, origin } =
                Named::<String, Box<Payload>, Box<FailureOrigin>>::deserialize(deserializer)?;
            return Ok(Self { kind, message, details, origin });
        }
        let Record { kind, message, about } =
            Record::<String, Box<Payload>, Box<FailureOrigin>>::deserialize(deserializer)?;
        let (details, origin) = match about {
            About::Nothing => (None, None),
            About::Details(details) => (Some(details), None),
            About::Origin(details, origin) => (details, Some(origin)),
        };
        Ok(Self { kind, message, details, origin })
    }
}
