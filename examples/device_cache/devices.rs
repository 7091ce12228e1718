//! The devices: each keeps what it was last read as.

use sarsen::{Entity, OperationContext, operations};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// The last reading of a device.
///
/// It leaves memory when nobody has asked for a while, and is forgotten when it has not reported for a month.
#[derive(Entity, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[entity(ttl = "30d")]
pub struct Device {
    pub reading: Option<f64>,
    /// How often it was read.
    pub reports: u64,
}

#[operations]
impl Device {
    /// Reads the device, which takes a while: nobody else waits for that.
    #[operation(timeout = "30s")]
    pub async fn refresh(&mut self, cx: OperationContext) -> Result<f64, ReadError> {
        let reading = read(cx.key()).await?;
        self.reading = Some(reading);
        self.reports += 1;
        Ok(reading)
    }

    /// The last reading, without the device.
    pub fn reading(&self) -> Option<f64> {
        self.reading
    }

    /// How often it was read, by all that it was asked before.
    pub fn reports(&self) -> u64 {
        self.reports
    }
}

impl Device {
    pub fn key(number: u64) -> String {
        format!("device-{number:07}")
    }
}

/// A device that reports once and goes. It is forgotten soon.
#[derive(Entity, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[entity(ttl = "500ms")]
pub struct Visitor {
    reading: Option<f64>,
}

#[operations]
impl Visitor {
    /// Reads it.
    pub async fn refresh(&mut self, cx: OperationContext) -> Result<f64, ReadError> {
        let reading = read(cx.key()).await?;
        self.reading = Some(reading);
        Ok(reading)
    }
}

impl Visitor {
    pub fn key(number: u64) -> String {
        format!("visitor-{number:07}")
    }
}

/// Why a device could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the device `{device}` is out of reach")]
pub struct ReadError {
    device: String,
}

/// Stands for the way to a device and back.
async fn read(device: &str) -> Result<f64, ReadError> {
    tokio::task::yield_now().await;
    if device.is_empty() {
        return Err(ReadError { device: device.to_owned() });
    }
    Ok(reading_of(device))
}

/// What a device measures: in this world always the same, from 0 to 100.
pub fn reading_of(device: &str) -> f64 {
    let drawn = u32::try_from(xxh3_64(device.as_bytes()) % 1_000).expect("it is small");
    f64::from(drawn) / 10.0
}
