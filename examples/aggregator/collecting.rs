//! Many notifications become one piece of work: an entity collects them, and starts it when all are there.

use sarsen::{CallError, Context, Entity, EntityContext, activity, operations, orchestration};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many parts an order has.
pub const PARTS: u64 = 10;

/// Collects the notifications of one order, its key: which parts have been delivered.
#[derive(Entity, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collector {
    /// The parts that were told of, each once, however often it was told of.
    pub parts: BTreeSet<u64>,
    /// How often the order was shipped.
    pub shipped: u64,
}

#[operations]
impl Collector {
    /// A part was delivered. The last one of them, in whatever order they come, starts the shipment: the start leaves
    /// with the change of this entity or not at all.
    pub fn notify(&mut self, cx: &mut EntityContext<'_>, part: u64) {
        let is_new = self.parts.insert(part);
        if is_new && self.parts.len() as u64 == PARTS {
            cx.start(ship, cx.key()).id(shipment(cx.key())).detach();
        }
    }

    /// The order has left the house.
    pub fn note_shipped(&mut self) {
        self.shipped += 1;
    }
}

/// The id of the run that ships an order.
pub fn shipment(order: &str) -> String {
    format!("shipment-of-{order}")
}

/// Packs an order.
#[activity]
pub async fn pack(order: String) -> String {
    format!("a parcel with {order}")
}

/// Ships an order that is whole; returns what was shipped.
#[orchestration]
pub async fn ship(cx: Context, order: String) -> Result<String, CallError> {
    let parcel = cx.activity(pack, &order).await?;
    cx.entity::<Collector>(&order).note_shipped().await?;
    Ok(parcel)
}
