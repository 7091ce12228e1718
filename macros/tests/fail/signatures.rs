use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

#[operations]
impl Account {
    fn generic<T>(&self) {}

    fn lifetime<'a>(&'a self) {}

    fn conditional(&self)
    where
        Self: Clone,
    {
    }

    unsafe fn unsafe_one(&self) {}

    extern "C" fn foreign(&self) {}

    const LIMIT: u8 = 1;

    fn fine(&self) {}
}

fn main() {}
