//! The desks at which things are booked.

use sarsen::{Entity, operations};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What can be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    Conference,
    Flight,
    Train,
    Hotel,
}

impl Service {
    pub const ALL: [Self; 4] = [Self::Conference, Self::Flight, Self::Train, Self::Hotel];

    /// The key of its [`Desk`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Conference => "conference",
            Self::Flight => "flight",
            Self::Train => "train",
            Self::Hotel => "hotel",
        }
    }

    pub fn price(self) -> u64 {
        match self {
            Self::Conference => 400,
            Self::Flight => 220,
            Self::Train => 90,
            Self::Hotel => 310,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What became of a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Booking {
    Booked { price: u64 },
    Cancelled,
}

/// The desk of a service. It plays the world outside: who asks twice for the same trip gets the same booking.
#[derive(Entity, Clone, Debug, Default, Serialize, Deserialize)]
pub struct Desk {
    /// By trip.
    pub bookings: BTreeMap<String, Booking>,
}

#[operations]
impl Desk {
    pub fn book(&mut self, trip: String, price: u64) {
        self.bookings.entry(trip).or_insert(Booking::Booked { price });
    }

    pub fn cancel(&mut self, trip: String) {
        self.bookings.insert(trip, Booking::Cancelled);
    }
}
