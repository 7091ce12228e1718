#![allow(unused)]

use sarsen_macros::{Entity, operations};
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Serialize, Deserialize)]
struct WithoutDefault;

#[operations]
impl WithoutDefault {}

fn opened(key: String) -> Opened {
    Opened
}

#[derive(Entity, Clone, Serialize, Deserialize)]
#[entity(initial = opened)]
struct Opened;

#[operations]
impl Opened {}

fn main() {}
