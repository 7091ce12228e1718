//! An entity's state: without its type, and as the text in which it rests.

use crate::{Entity, RunLimits, State};
use sarsen_protocol::{Failure, FailureKind, Payload, json};

/// Only a behaviour makes states and the engine gives each back to the one that made it.
const ONE_TYPE: &str = "a state comes back to the behaviour that made it";

impl State {
    pub(crate) fn new<E: Entity>(state: E) -> Self {
        Self(Box::new(state))
    }

    pub(crate) fn get<E: Entity>(&self) -> &E {
        self.0.downcast_ref().expect(ONE_TYPE)
    }

    pub(crate) fn get_mut<E: Entity>(&mut self) -> &mut E {
        self.0.downcast_mut().expect(ONE_TYPE)
    }

    pub(crate) fn cloned<E: Entity>(&self) -> E {
        self.get::<E>().clone()
    }

    pub(crate) fn into<E: Entity>(self) -> E {
        *self.0.downcast().expect(ONE_TYPE)
    }
}

/// Encodes the state after the operation `after` within its limit and, to verify, reads it back.
pub(crate) fn encode_state<E: Entity>(
    state: &E,
    after: &str,
    limits: &RunLimits,
) -> Result<Payload, Failure> {
    let failed = |kind, why: &str| Failure::new(kind, format!("the state after `{after}` {why}"));
    let unencodable = |why: &str| failed(FailureKind::Unencodable, why);
    let encoded = json::encode(state)
        .map_err(|failure| unencodable(&format!("cannot be encoded: {}", failure.message)))?;
    let (bytes, bytes_max) = (encoded.len(), limits.state_bytes_max);
    if bytes > bytes_max {
        let why = format!(
            "has {bytes} bytes, {bytes_max} are allowed: keep less in it, or raise `state_bytes_max` or its type's `state_bytes`"
        );
        return Err(failed(FailureKind::TooLarge, &why));
    }
    if limits.verify {
        let back = json::decode::<E>(&encoded)
            .map_err(|failure| unencodable(&format!("cannot be read back: {}", failure.message)))?;
        let again = json::encode(&back).map_err(|failure| {
            unencodable(&format!("cannot be encoded once read back: {}", failure.message))
        })?;
        if !json::same(&encoded, &again) {
            let (encoded, again) = (excerpt(&encoded), excerpt(&again));
            return Err(unencodable(&format!("changes when it is read back: {encoded} becomes {again}")));
        }
    }
    Ok(encoded)
}

/// The beginning of a state's text.
fn excerpt(state: &Payload) -> String {
    let mut text = String::from_utf8_lossy(state.as_bytes()).into_owned();
    if let Some((end, _)) = text.char_indices().nth(200) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}
