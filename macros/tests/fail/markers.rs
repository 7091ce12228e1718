#![allow(unused)]

use sarsen_macros::{activity, orchestration};
use sarsen_orchestration::Context;

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

#[orchestration(crate = "sarsen_orchestration")]
async fn without_context() {}

#[orchestration(crate = "sarsen_orchestration")]
async fn context_second(n: u8, cx: Context) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn context_by_reference(cx: &Context) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn conditional(cx: Context)
where
    String: Clone,
{
}

fn main() {}
