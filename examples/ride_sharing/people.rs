//! Riders and drivers: each keeps in which rides it was.

use sarsen::{Entity, EntityContext, Timestamp, operations};
use serde::{Deserialize, Serialize};

/// That somebody was in a ride, with whom, and how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    pub ride: u64,
    pub with: String,
    pub from: Timestamp,
    pub to: Option<Timestamp>,
}

/// Somebody who wants to be driven.
#[derive(Entity, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rider {
    pub stays: Vec<Stay>,
}

/// Somebody who drives.
#[derive(Entity, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driver {
    pub stays: Vec<Stay>,
}

#[operations]
impl Rider {
    /// Whether the rider is in no ride.
    pub fn is_free(&self) -> bool {
        self.stays.iter().all(|stay| stay.to.is_some())
    }

    /// Gets into a car.
    pub fn board(&mut self, cx: &mut EntityContext<'_>, ride: u64, driver: String) {
        self.stays.push(Stay { ride, with: driver, from: cx.now(), to: None });
    }

    /// Gets out.
    pub fn leave(&mut self, cx: &mut EntityContext<'_>, ride: u64) {
        end(&mut self.stays, ride, cx.now());
    }
}

#[operations]
impl Driver {
    /// Whether nobody is driven.
    pub fn is_free(&self) -> bool {
        self.stays.iter().all(|stay| stay.to.is_some())
    }

    /// Takes a rider in.
    pub fn pick_up(&mut self, cx: &mut EntityContext<'_>, ride: u64, rider: String) {
        self.stays.push(Stay { ride, with: rider, from: cx.now(), to: None });
    }

    /// Lets the rider out.
    pub fn drop_off(&mut self, cx: &mut EntityContext<'_>, ride: u64) {
        end(&mut self.stays, ride, cx.now());
    }
}

fn end(stays: &mut [Stay], ride: u64, now: Timestamp) {
    for stay in stays.iter_mut().filter(|stay| stay.ride == ride && stay.to.is_none()) {
        stay.to = Some(now);
    }
}

impl Rider {
    pub fn key(number: u64) -> String {
        format!("rider-{number:03}")
    }
}

impl Driver {
    pub fn key(number: u64) -> String {
        format!("driver-{number:03}")
    }
}
