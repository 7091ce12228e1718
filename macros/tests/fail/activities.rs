#![allow(unused)]

use sarsen_macros::activity;

pub struct ActivityContext;

#[activity(crate = "sarsen_orchestration")]
fn not_async() {}

#[activity(crate = "sarsen_orchestration")]
async fn generic<T>(value: T) {}

#[activity(crate = "sarsen_orchestration")]
async fn borrowed(text: &str) {}

#[activity(crate = "sarsen_orchestration")]
async fn opaque(text: impl Into<String>) {}

#[activity(crate = "sarsen_orchestration")]
async fn lent() -> &'static str {
    ""
}

#[activity(crate = "sarsen_orchestration")]
async fn context_last(n: u8, cx: ActivityContext) {}

#[activity(crate = "sarsen_orchestration")]
async fn context_lent(cx: &ActivityContext) {}

#[activity(crate = "sarsen_orchestration")]
async unsafe fn unsafe_one() {}

#[activity(crate = "sarsen_orchestration")]
async extern "C" fn foreign() {}

#[activity(crate = "sarsen_orchestration")]
async fn Shouted() {}

#[activity(name = "two words", crate = "sarsen_orchestration")]
async fn named() {}

#[activity(retry = 3)]
async fn unknown_setting() {}

#[activity(crate = "sarsen_orchestration")]
struct NoFunction;

struct Type;

impl Type {
    #[activity(crate = "sarsen_orchestration")]
    async fn method(&self) {}
}

#[activity(name = "one", crate = "sarsen_orchestration", name = "other")]
async fn named_twice() {}

#[activity(crate = "sarsen_orchestration")]
async fn opaque_result() -> impl Iterator<Item = u8> {
    std::iter::empty()
}

#[activity(crate = "sarsen_orchestration")]
async fn two_contexts(cx: ActivityContext, other: ActivityContext) {}

#[activity(crate = "sarsen_orchestration")]
async fn conditional()
where
    String: Clone,
{
}

fn main() {}
