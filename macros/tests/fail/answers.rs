use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

#[operations]
impl Account {
    fn borrowed(&self) -> &str {
        ""
    }

    fn nested(&self) -> Vec<Option<&'static str>> {
        Vec::new()
    }

    fn anything(&self) -> impl Iterator<Item = u8> {
        std::iter::empty()
    }
}

fn main() {}
