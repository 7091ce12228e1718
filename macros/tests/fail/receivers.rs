use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};
use std::{pin::Pin, rc::Rc, sync::Arc};

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

    fn boxed_and_mutable(mut self: Box<Self>) {
        *self = Self;
    }

    fn counted(self: Rc<Self>) {}

    fn shared(self: Arc<Self>) {}

    fn lent_counted(self: &Rc<Self>) {}

    fn pinned(self: Pin<&mut Self>) {}

    fn spelled_out(self: &Self) {}

    fn spelled_out_and_mutable(self: &mut Self) {}

    fn typed(self: Self) {}

    fn for_ever(&'static self) {}

    fn none(amount: i64) {
        drop(amount);
    }

    fn fine(&self) {}

    fn fine_and_mutable(&mut self) {}

    fn fine_for_any_time(&'_ self) {}
}

fn main() {}
