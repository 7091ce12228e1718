//! What an entity may not ask of another one: it would wait, and nobody else would be served meanwhile.

#![allow(unused)]

use sarsen::EntityContext;
use sarsen_macros::{Entity, operations};
use sarsen_orchestration::Context;
use serde::{Deserialize, Serialize};

#[derive(Entity, Clone, Default, Serialize, Deserialize)]
struct Account;

#[operations]
impl Account {
    fn add(&mut self, n: u32) {}
}

async fn calls(cx: &EntityContext<'_>) {
    cx.entity::<Account>("a").add(1).await;
}

fn locks(cx: &EntityContext<'_>) {
    cx.lock((cx.entity::<Account>("a"),));
}

fn reads(cx: &EntityContext<'_>) {
    cx.entity::<Account>("a").state();
}

/// An orchestration reads by a call: what it sees is then in its history.
async fn reads_from_an_orchestration(cx: Context) {
    cx.entity::<Account>("a").state();
}

/// A client could be gone at any time, and nobody would give the lock back.
fn locks_from_a_client(client: sarsen_runtime::Client) {
    client.lock((client.entity::<Account>("a"),));
}

fn main() {}
