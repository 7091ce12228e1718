use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

#[operations]
impl Account {
    fn one(&self) {}
}

#[operations]
impl Account {
    fn other(&self) {}
}

fn main() {}
