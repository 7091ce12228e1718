//! The orders, and the service at which they are charged.

use super::breaker::{Breaker, Permit};
use sarsen::{
    ActivityContext, CallError, Context, Entity, EntityContext, Timestamp, activity, operations,
    orchestration,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Behind how many charged orders the service breaks down, each time once, and for how long.
const BREAKDOWNS: [usize; 2] = [6, 90];
pub const DOWN_FOR: Duration = Duration::from_millis(250);

/// Stands for a service elsewhere that breaks down now and then. It charges once for a key, however often it is called.
#[derive(Entity, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payments {
    /// Under which keys each order was charged.
    pub charged: BTreeMap<u64, BTreeSet<String>>,
    /// How often it was called.
    pub calls: u64,
    /// Which calls came while it was down.
    pub refused: BTreeSet<String>,
    pub breakdowns: usize,
    down_until: Option<Timestamp>,
}

#[operations]
impl Payments {
    /// Charges an order under a key; returns whether it is charged. `call` tells calls apart that are no repeats.
    pub fn charge(&mut self, cx: &mut EntityContext<'_>, order: u64, key: String, call: String) -> bool {
        self.calls += 1;
        if BREAKDOWNS.get(self.breakdowns).is_some_and(|charged| self.charged.len() >= *charged) {
            self.breakdowns += 1;
            self.down_until = Some(cx.now().after(DOWN_FOR));
        }
        let is_down = self.down_until.is_some_and(|until| cx.now() < until);
        if is_down {
            self.refused.insert(call);
        } else {
            self.charged.entry(order).or_default().insert(key);
        }
        !is_down
    }
}

impl Payments {
    pub const KEY: &'static str = "elsewhere";

    /// How many breakdowns so many orders bring about.
    pub fn breakdowns_of(orders: u64) -> usize {
        BREAKDOWNS.iter().filter(|charged| (**charged as u64) < orders).count()
    }
}

/// Why an order was not charged.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum ChargeError {
    #[error("the service is down")]
    Down,
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Calls the service. After a crash it may do so again, and find the service down that has charged the order before: then
/// there is another call. So the key is the order's and not the call's.
#[activity]
pub async fn charge(cx: ActivityContext, order: u64) -> Result<(), ChargeError> {
    let payments = cx.client().entity::<Payments>(Payments::KEY);
    let is_charged = payments.charge(order, payment(order), cx.idempotency_key().to_owned()).await?;
    if is_charged { Ok(()) } else { Err(ChargeError::Down) }
}

/// Charges one order, as soon as the breaker lets it; returns how often the service was called for it.
#[orchestration]
pub async fn pay(cx: Context, order: u64) -> Result<u64, CallError> {
    let breaker = cx.entity::<Breaker>(Breaker::KEY);
    let mut calls = 0;
    loop {
        match breaker.ask().await? {
            Permit::Wait { until } => cx.timer_until(until).await,
            Permit::Call { phase } => {
                calls += 1;
                let charged = cx.activity(charge, order).await?;
                breaker.report(phase, charged.is_ok()).await?;
                if charged.is_ok() {
                    return Ok(calls);
                }
            }
        }
    }
}

/// The id of the run that charges an order.
pub fn payment(order: u64) -> String {
    format!("payment-{order:05}")
}
