//! Names of dead letters.

use crate::{Epoch, Slot};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;

/// Names a dead letter: no two of a store share one, and none is used again. As text it is three numbers in hexadecimal
/// digits with `-` between them, and so it is in JSON.
///
/// Those of one slot are in the order in which they were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId {
    epoch: Epoch,
    counter: u64,
    slot: Slot,
}

impl LetterId {
    /// The letter that lies in `slot`, as the row `counter` of who had the slot under `epoch`.
    pub fn new(slot: Slot, epoch: Epoch, counter: u64) -> Self {
        Self { epoch, counter, slot }
    }

    /// The id of this text, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut number = || {
            let part = parts.next()?;
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            u64::from_str_radix(part, 16).ok().filter(|_| digits)
        };
        let (slot, epoch, counter) = (number()?, number()?, number()?);
        let slot = Slot::new(u16::try_from(slot).ok()?)?;
        parts.next().is_none().then_some(Self::new(slot, Epoch(epoch), counter))
    }

    /// The slot in which it lies: that of its receiver, or one of its sender's shard.
    pub fn slot(self) -> Slot {
        self.slot
    }

    /// The epoch in which it was given up.
    pub fn epoch(self) -> Epoch {
        self.epoch
    }

    /// Its place in its epoch.
    pub fn counter(self) -> u64 {
        self.counter
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{:x}", self.slot.number(), self.epoch.0, self.counter)
    }
}

impl Serialize for LetterId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LetterId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format_args!("`{text}` names no dead letter")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let id = LetterId::new(Slot::new(0xabc).expect("a slot"), Epoch(17), 255);
        assert_eq!(id.to_string(), "abc-11-ff");
        assert_eq!(LetterId::parse("abc-11-ff"), Some(id));
        assert_eq!(json::decode(&json::encode(&id).expect("it has JSON")), Ok(id));
        for text in ["", "abc-11", "abc-11-ff-0", "1000-1-1", "abc-+1-1", "abc--1", "x-1-1"] {
            assert_eq!(LetterId::parse(text), None, "{text}");
        }
    }
}
