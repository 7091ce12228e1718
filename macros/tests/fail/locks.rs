#![allow(unused)]

use sarsen_macros::{Entity, operations, orchestration};
use sarsen_orchestration::Context;
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

#[operations]
impl Account {
    fn add(&mut self, n: u32) {}
}

struct Stranger;

async fn no_set(cx: Context) {
    cx.lock(cx.entity::<Account>("a")).await;
}

async fn no_references(cx: Context) {
    cx.lock(("a", "b")).await;
}

async fn no_entity(cx: Context) {
    cx.entity::<Stranger>("a");
}

async fn signalled(cx: Context) {
    let held = cx.lock((cx.entity::<Account>("a"),)).await.unwrap();
    let (account,) = held.refs();
    account.add(1).signal();
}

async fn later(cx: Context) {
    let held = cx.lock((cx.entity::<Account>("a"),)).await.unwrap();
    held.refs().0.add(1).after(std::time::Duration::ZERO);
}

fn main() {}
