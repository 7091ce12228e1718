use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

#[derive(Serialize, Deserialize)]
struct Mute;

type Alias = Result<u8, Mute>;

#[operations]
impl Account {
    fn refuse(&self) -> Result<u8, Mute> {
        Err(Mute)
    }

    fn behind_an_alias(&self) -> Alias {
        Err(Mute)
    }
}

fn main() {}
