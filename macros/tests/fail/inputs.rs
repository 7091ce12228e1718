#![allow(unused)]

use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

use sarsen::EntityContext;

#[operations]
impl Account {
    fn text(&self, text: &str) {}

    fn list(&self, list: &[u8]) {}

    fn static_text(&self, text: &'static str) {}

    fn other(&self, other: &mut Account) {}

    fn nested(&self, list: Vec<Option<&str>>) {}

    fn unnamed(&self, _: u8) {}

    fn taken_apart(&self, (a, b): (u8, u8)) {}

    fn bound(&self, whole @ 0..=255: u8) {}

    fn anything(&self, any: impl Clone) {}

    fn shared_context(&self, cx: &EntityContext<'_>) {}

    fn owned_context(&self, cx: EntityContext<'_>) {}

    fn late_context(&self, amount: i64, cx: &mut EntityContext<'_>) {}
}

fn main() {}
