use sarsen_macros::Entity;
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

impl Account {
    fn forgotten(&self) {}
}

fn main() {}
