use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

#[operations]
impl Account {
    fn by_value(self) {}

    fn by_mutable_value(mut self) {
        self = Self;
        drop(self);
    }

    fn boxed(self: Box<Self>) {}

    fn none(amount: i64) {
        drop(amount);
    }

    fn fine(&self) {}
}

fn main() {}
