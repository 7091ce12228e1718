use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

#[operations]
impl Account {
    fn state(&self) {}

    fn clone(&self) {}

    fn camelCase(&self) {}

    fn _hidden(&self) {}

    fn größe(&self) {}

    fn much_too_long_much_too_long_much_too_long_much_too_long_much_too_long(&self) {}
}

fn main() {}
