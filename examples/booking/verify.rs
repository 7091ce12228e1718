//! The check at the end: the trips are what was to be booked, and the desks know of the same.

use crate::{
    desks::{Booking, Desk, Service},
    trips::{BookError, ExpenseReport, Itinerary, Trip, TripError},
};
use sarsen::{CallError, Client};
use std::collections::BTreeMap;

/// What all desks have in their books.
pub struct Books(BTreeMap<Service, Desk>);

impl Books {
    pub async fn read(client: &Client) -> Result<Self, CallError> {
        let mut books = BTreeMap::new();
        for service in Service::ALL {
            let desk = client.entity::<Desk>(service.name()).state().await?;
            books.insert(service, desk.unwrap_or_default());
        }
        Ok(Self(books))
    }

    /// What is wrong about a tour, in one sentence.
    pub fn fault(&self, trips: &[Trip], report: &ExpenseReport) -> Option<String> {
        if trips.len() != report.trips.len() {
            return Some(format!("{} trips were asked for, {} made", trips.len(), report.trips.len()));
        }
        let paid: u64 = trips.iter().map(|trip| self.paid(trip)).sum();
        if paid != report.cost {
            return Some(format!("the report says {}, the desks were paid {paid}", report.cost));
        }
        trips.iter().zip(&report.trips).find_map(|(trip, made)| self.trip_fault(trip, made))
    }

    fn trip_fault(&self, trip: &Trip, made: &Result<Itinerary, TripError>) -> Option<String> {
        let expected = expected(trip);
        if *made != expected {
            return Some(format!("{}: {made:?}, it should be {expected:?}", trip.id));
        }
        let (booked, cancelled) = match made {
            Ok(itinerary) => (&itinerary.booked[..], &[][..]),
            Err(TripError::Cancelled { cancelled, .. }) => (&[][..], &cancelled[..]),
            Err(TripError::Call(_)) => (&[][..], &[][..]),
        };
        Service::ALL.into_iter().find_map(|service| {
            let found = self.0[&service].bookings.get(&trip.id);
            let right = match found {
                Some(Booking::Booked { .. }) => booked.contains(&service),
                Some(Booking::Cancelled) => cancelled.contains(&service),
                None => !booked.contains(&service) && !cancelled.contains(&service),
            };
            (!right).then(|| format!("{}: at the desk of the {service} it is {found:?}", trip.id))
        })
    }

    /// What the desks have got for a trip.
    fn paid(&self, trip: &Trip) -> u64 {
        let bookings = self.0.values().filter_map(|desk| desk.bookings.get(&trip.id));
        let prices = bookings.map(|booking| match booking {
            Booking::Booked { price } => *price,
            Booking::Cancelled => 0,
        });
        prices.sum()
    }
}

/// What a trip comes to when nothing goes wrong but what is to fail.
fn expected(trip: &Trip) -> Result<Itinerary, TripError> {
    let fails = |service| trip.failing.contains(&service);
    let way = if fails(Service::Flight) { Service::Train } else { Service::Flight };
    let mut booked = Vec::new();
    for service in [Service::Conference, way, Service::Hotel] {
        if fails(service) {
            booked.reverse();
            let cause = Box::new(BookError::SoldOut(service));
            return Err(TripError::Cancelled { cause, cancelled: booked });
        }
        booked.push(service);
    }
    let cost = booked.iter().map(|service: &Service| service.price()).sum();
    Ok(Itinerary { booked, cost })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn trip(failing: &[Service]) -> Trip {
        let (id, to) = ("tour-1".to_owned(), "Oslo".to_owned());
        Trip { id, to, failing: failing.to_vec(), pause: Duration::ZERO }
    }

    /// The books after the trip to Oslo.
    fn books(made: &Result<Itinerary, TripError>) -> Books {
        let mut books = Books(Service::ALL.map(|service| (service, Desk::default())).into());
        let mut note = |services: &[Service], cancelled| {
            for service in services {
                let price = service.price();
                let booking = if cancelled { Booking::Cancelled } else { Booking::Booked { price } };
                let desk = books.0.get_mut(service).expect("each has one");
                desk.bookings.insert("tour-1".to_owned(), booking);
            }
        };
        match made {
            Ok(itinerary) => note(&itinerary.booked, false),
            Err(TripError::Cancelled { cancelled, .. }) => note(cancelled, true),
            Err(TripError::Call(_)) => {}
        }
        books
    }

    #[track_caller]
    fn check(failing: &[Service], made: Result<Itinerary, TripError>) {
        let trip = trip(failing);
        let cost = made.as_ref().map_or(0, |itinerary| itinerary.cost);
        let mut books = books(&made);
        let report = ExpenseReport { trips: vec![made], cost };
        assert_eq!(books.fault(std::slice::from_ref(&trip), &report), None);
        let forgotten = Booking::Booked { price: 0 };
        let desk = books.0.get_mut(&Service::Conference).expect("it has one");
        let changed = desk.bookings.insert(trip.id.clone(), forgotten) != Some(forgotten);
        assert!(changed && books.fault(&[trip], &report).is_some());
    }

    #[test]
    fn a_trip_is_whole_or_cancelled_in_the_reverse_order() {
        use Service::{Conference, Flight, Hotel, Train};
        let cancelled = |service, cancelled: &[Service]| {
            let cause = Box::new(BookError::SoldOut(service));
            Err(TripError::Cancelled { cause, cancelled: cancelled.to_vec() })
        };
        check(&[], Ok(Itinerary { booked: vec![Conference, Flight, Hotel], cost: 930 }));
        check(&[Flight], Ok(Itinerary { booked: vec![Conference, Train, Hotel], cost: 800 }));
        check(&[Hotel], cancelled(Hotel, &[Flight, Conference]));
        check(&[Flight, Hotel], cancelled(Hotel, &[Train, Conference]));
        check(&[Flight, Train], cancelled(Train, &[Conference]));
        check(&[Conference], cancelled(Conference, &[]));
    }

    #[test]
    fn another_order_another_way_and_another_sum_are_found() {
        let (trip, right) = (trip(&[Service::Hotel]), expected(&trip(&[Service::Hotel])));
        let books = books(&right);
        let fault =
            |made, cost| books.fault(std::slice::from_ref(&trip), &ExpenseReport { trips: vec![made], cost });
        assert_eq!(fault(right.clone(), 0), None);
        assert!(fault(right, 1).is_some_and(|fault| fault.contains("the report says 1")));
        let cause = Box::new(BookError::SoldOut(Service::Hotel));
        let cancelled = vec![Service::Conference, Service::Flight];
        let other = fault(Err(TripError::Cancelled { cause, cancelled }), 0);
        assert!(other.is_some_and(|fault| fault.contains("it should be")));
    }
}
