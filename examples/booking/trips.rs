//! The orchestrations: a trip, whose bookings are all made or all cancelled, and a tour of several.

use super::desks::{Desk, Service};
use sarsen::{ActivityContext, CallError, Context, RetryPolicy, activity, join_all, orchestration};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a desk that has refused is left alone.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// A trip to a conference.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trip {
    /// The id of its run, by which the desks know it.
    pub id: String,
    pub to: String,
    /// What cannot be booked.
    pub failing: Vec<Service>,
    /// How long a desk takes to book or to cancel.
    pub pause: Duration,
}

impl Trip {
    async fn pause(&self) {
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
    }
}

/// Books at a desk; returns the price.
#[activity]
pub async fn book(cx: ActivityContext, service: Service, trip: Trip) -> Result<u64, BookError> {
    eprintln!("now booking: {service} to {}", trip.to);
    trip.pause().await;
    if trip.failing.contains(&service) {
        return Err(BookError::SoldOut(service));
    }
    cx.client().entity::<Desk>(service.name()).book(trip.id, service.price()).await?;
    Ok(service.price())
}

/// Takes a booking back.
#[activity]
pub async fn cancel(cx: ActivityContext, service: Service, trip: Trip) -> Result<(), CallError> {
    eprintln!("now cancelling: {service} to {}", trip.to);
    trip.pause().await;
    cx.client().entity::<Desk>(service.name()).cancel(trip.id).await
}

/// What is booked for a trip, in this order, and for how much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Itinerary {
    pub booked: Vec<Service>,
    pub cost: u64,
}

impl Itinerary {
    fn add(&mut self, service: Service, price: u64) {
        self.booked.push(service);
        self.cost += price;
    }
}

/// Books all that a trip needs; what was booked is cancelled when something of it cannot be had.
#[orchestration]
pub async fn travel(cx: Context, trip: Trip) -> Result<Itinerary, TripError> {
    let mut itinerary = Itinerary::default();
    match book_all(&cx, &trip, &mut itinerary).await {
        Ok(()) => Ok(itinerary),
        Err(cause) => {
            let cancelled = cancel_all(&cx, &trip, itinerary.booked).await?;
            Err(TripError::Cancelled { cause: Box::new(cause), cancelled })
        }
    }
}

/// The conference, a flight or else a train, and a hotel.
async fn book_all(cx: &Context, trip: &Trip, itinerary: &mut Itinerary) -> Result<(), BookError> {
    let desk = |service| cx.activity(book, (service, trip.clone()));
    itinerary.add(Service::Conference, desk(Service::Conference).await??);
    let three_times = RetryPolicy { attempts: 3, ..RetryPolicy::every(RETRY_AFTER) };
    match desk(Service::Flight).retry(three_times).await? {
        Ok(price) => itinerary.add(Service::Flight, price),
        Err(_) => itinerary.add(Service::Train, desk(Service::Train).await??),
    }
    itinerary.add(Service::Hotel, desk(Service::Hotel).await??);
    Ok(())
}

/// Cancels in the reverse order, one after the other; returns what.
async fn cancel_all(cx: &Context, trip: &Trip, booked: Vec<Service>) -> Result<Vec<Service>, CallError> {
    let patiently = RetryPolicy {
        attempts: u32::MAX,
        backoff: 2.0,
        longest_interval: Duration::from_secs(60),
        ..RetryPolicy::every(RETRY_AFTER)
    };
    let mut cancelled = Vec::new();
    for service in booked.into_iter().rev() {
        cx.activity(cancel, (service, trip.clone())).retry(patiently).await??;
        cancelled.push(service);
    }
    Ok(cancelled)
}

/// What all trips of a tour cost together, and what became of each.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ExpenseReport {
    pub trips: Vec<Result<Itinerary, TripError>>,
    pub cost: u64,
}

/// Makes several trips, each a child of its own, all at once.
#[orchestration]
pub async fn tour(cx: Context, trips: Vec<Trip>) -> Result<ExpenseReport, CallError> {
    let children = trips.into_iter().map(|trip| cx.child(travel, &trip).id(&trip.id));
    let mut report = ExpenseReport::default();
    for ended in join_all(children).await {
        let trip = ended?;
        report.cost += trip.as_ref().map_or(0, |itinerary| itinerary.cost);
        report.trips.push(trip);
    }
    Ok(report)
}

/// Why something was not booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum BookError {
    #[error("the {0} is sold out")]
    SoldOut(Service),
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Why there is no trip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TripError {
    #[error("{cause}; cancelled: {}", names(cancelled))]
    Cancelled { cause: Box<BookError>, cancelled: Vec<Service> },
    #[error(transparent)]
    Call(#[from] CallError),
}

/// The names of services, in their order.
pub fn names(services: &[Service]) -> String {
    let names: Vec<&str> = services.iter().map(|service| service.name()).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
