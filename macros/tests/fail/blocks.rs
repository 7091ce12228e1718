use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

#[operations]
impl Account {}

trait Trait {
    fn method(&self);
}

#[operations]
impl Trait for Account {
    fn method(&self) {}
}

struct Generic<T>(T);

#[operations]
impl<T> Generic<T> {}

#[operations]
impl Generic<u8> {}

#[operations]
impl dyn Trait {}

#[operations]
struct NoBlock;

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Renamed;

#[operations(name = "other")]
impl Renamed {}

fn main() {}
