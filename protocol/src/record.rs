//! The codec of sarsen's own records: a version byte, then bincode.
//!
//! Plain structs only: an internally tagged enum or a `serde_json::Value` would encode and never decode.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use std::cell::Cell;

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The record was written by a later version of sarsen.
    #[error(
        "record version {found} is newer than {known}, the newest known here: use the sarsen that wrote it"
    )]
    Newer {
        /// The record's version.
        found: u8,
        /// The newest version that this build reads.
        known: u8,
    },
    /// The bytes are no record.
    #[error("the record is damaged: {reason}")]
    Damaged {
        /// What the codec found.
        reason: String,
    },
}

/// The largest record whose memory is kept for the next one.
const SCRATCH_BYTES_MAX: usize = 64 << 10;

thread_local! {
    /// Where records are written before their length is known.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

const CONFIG: bincode::config::Configuration = bincode::config::standard();

/// Encodes `record` behind its version byte.
///
/// # Panics
/// If the record holds something bincode cannot encode; records are plain structs.
pub fn encode<T: Serialize>(version: u8, record: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    encode_into(&mut bytes, version, record);
    bytes
}

/// As [`encode`], in memory of exactly its length: what is kept and shared costs one allocation.
///
/// # Panics
/// As [`encode`].
pub fn encode_exact<T: Serialize>(version: u8, record: &T) -> Vec<u8> {
    encode_exact_before(version, record, &[])
}

/// As [`encode_exact`], with `rest` behind it.
///
/// # Panics
/// As [`encode`].
pub fn encode_exact_before<T: Serialize>(version: u8, record: &T, rest: &[u8]) -> Vec<u8> {
    let mut scratch = SCRATCH.take();
    scratch.clear();
    encode_into(&mut scratch, version, record);
    let mut bytes = Vec::with_capacity(scratch.len() + rest.len());
    bytes.extend_from_slice(&scratch);
    bytes.extend_from_slice(rest);
    if scratch.capacity() <= SCRATCH_BYTES_MAX {
        SCRATCH.set(scratch);
    }
    bytes
}

/// Appends what [`encode`] returns to `bytes`.
///
/// # Panics
/// As [`encode`].
pub fn encode_into<T: Serialize>(bytes: &mut Vec<u8>, version: u8, record: &T) {
    bytes.push(version);
    append(bytes, record);
}

/// Appends a part of a record, without a version byte.
///
/// # Panics
/// As [`encode`].
pub fn append<T: Serialize>(bytes: &mut Vec<u8>, part: &T) {
    bincode::serde::encode_into_std_write(part, bytes, CONFIG).expect("a plain struct encodes into memory");
}

/// Decodes a record of `version` and returns it with the bytes behind it.
///
/// # Errors
/// [`RecordError`] when the version is newer or the bytes are damaged.
pub fn decode<T: DeserializeOwned>(version: u8, bytes: &Bytes) -> Result<(T, Bytes), RecordError> {
    decode_since(version, version, bytes)
}

/// As [`decode`], of a record whose form is the same since version `oldest`, or has only been added to: a variant at
/// the end of an enum.
///
/// # Errors
/// As [`decode`].
pub fn decode_since<T: DeserializeOwned>(
    oldest: u8,
    version: u8,
    bytes: &Bytes,
) -> Result<(T, Bytes), RecordError> {
    version_of(oldest, version, bytes)?;
    let (record, read) = bincode::serde::decode_from_slice(&bytes[1..], CONFIG)
        .map_err(|error| RecordError::Damaged { reason: damage(&error).to_owned() })?;
    Ok((record, bytes.slice(1 + read..)))
}

/// The version of a record, if it is from `oldest` to `newest`.
///
/// # Errors
/// As [`decode`].
pub fn version_of(oldest: u8, newest: u8, bytes: &[u8]) -> Result<u8, RecordError> {
    match bytes.first() {
        Some(found) if (oldest..=newest).contains(found) => Ok(*found),
        Some(found) if *found > newest => Err(RecordError::Newer { found: *found, known: newest }),
        Some(found) => Err(RecordError::Damaged { reason: format!("there is no version {found}") }),
        None => Err(RecordError::Damaged { reason: "it is empty".to_owned() }),
    }
}

/// The codec's own words are the names of its variants.
fn damage(error: &bincode::error::DecodeError) -> &'static str {
    match error {
        bincode::error::DecodeError::UnexpectedEnd { .. } => "it ends too early",
        _ => "its bytes fit no record",
    }
}

/// Decodes a record of `version` behind which nothing follows.
///
/// # Errors
/// As [`decode`], and [`RecordError::Damaged`] when something follows.
pub fn decode_all<T: DeserializeOwned>(version: u8, bytes: &[u8]) -> Result<T, RecordError> {
    decode_all_since(version, version, bytes)
}

/// As [`decode_all`], of a record as for [`decode_since`].
///
/// # Errors
/// As [`decode_all`].
pub fn decode_all_since<T: DeserializeOwned>(
    oldest: u8,
    version: u8,
    bytes: &[u8],
) -> Result<T, RecordError> {
    let (record, rest) = decode_since(oldest, version, &Bytes::copy_from_slice(bytes))?;
    if rest.is_empty() {
        return Ok(record);
    }
    Err(RecordError::Damaged { reason: format!("{} bytes follow it", rest.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    struct Sample {
        number: u64,
        text: String,
    }

    #[test]
    fn a_record_comes_back_with_what_follows_it() {
        let sample = Sample { number: 300, text: "x".to_owned() };
        let mut bytes = encode(1, &sample);
        assert_eq!(bytes, [1, 251, 44, 1, 1, b'x']);
        bytes.extend_from_slice(b"rest");
        let (read, rest) = decode::<Sample>(1, &bytes.into()).expect("it was just written");
        assert_eq!((&read, rest.as_ref()), (&sample, b"rest".as_ref()));
        assert_eq!(decode_all(1, &encode(1, &sample)), Ok(sample));
    }

    #[test]
    fn other_versions_and_damage_are_named() {
        let bytes = Bytes::from(encode(2, &Sample { number: 1, text: String::new() }));
        assert_eq!(decode::<Sample>(1, &bytes), Err(RecordError::Newer { found: 2, known: 1 }));
        assert!(matches!(decode::<Sample>(3, &bytes), Err(RecordError::Damaged { .. })));
        assert!(matches!(decode::<Sample>(2, &bytes.slice(..1)), Err(RecordError::Damaged { .. })));
        assert!(matches!(decode::<Sample>(2, &Bytes::new()), Err(RecordError::Damaged { .. })));
        let followed = [bytes.as_ref(), b"x"].concat();
        assert!(matches!(decode_all::<Sample>(2, &followed), Err(RecordError::Damaged { .. })));
    }

    #[test]
    fn an_earlier_version_is_read_where_it_is_known() {
        let sample = Sample { number: 1, text: String::new() };
        let earlier = Bytes::from(encode(2, &sample));
        assert_eq!(decode_since(2, 3, &earlier).map(|(read, _)| read), Ok(sample));
        assert_eq!(version_of(2, 3, &earlier), Ok(2));
        assert!(matches!(decode_since::<Sample>(3, 4, &earlier), Err(RecordError::Damaged { .. })));
        assert_eq!(version_of(1, 1, &earlier), Err(RecordError::Newer { found: 2, known: 1 }));
    }
}
