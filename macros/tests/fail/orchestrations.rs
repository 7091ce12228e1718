#![allow(unused)]

use sarsen_macros::orchestration;
use sarsen_orchestration::Context;

#[orchestration(crate = "sarsen_orchestration")]
fn not_async(cx: Context) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn generic<T>(cx: Context, value: T) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn constant<const N: usize>(cx: Context) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn lifetime<'a>(cx: Context) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn borrowed(cx: Context, text: &str) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn list(cx: Context, list: &[u8]) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn opaque(cx: Context, text: impl Into<String>) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn lent(cx: Context) -> &'static str {
    ""
}

#[orchestration(crate = "sarsen_orchestration")]
async fn opaque_result(cx: Context) -> impl Iterator<Item = u8> {
    std::iter::empty()
}

#[orchestration(crate = "sarsen_orchestration")]
async fn without_context() {}

#[orchestration(crate = "sarsen_orchestration")]
async fn context_second(n: u8, cx: Context) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn context_by_reference(cx: &Context) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn two_contexts(cx: Context, other: Context) {}

#[orchestration(crate = "sarsen_orchestration")]
async unsafe fn unsafe_one(cx: Context) {}

#[orchestration(crate = "sarsen_orchestration")]
async extern "C" fn foreign(cx: Context) {}

#[orchestration(crate = "sarsen_orchestration")]
async fn Shouted(cx: Context) {}

#[orchestration(name = "two words", crate = "sarsen_orchestration")]
async fn named(cx: Context) {}

#[orchestration(name = 5, crate = "sarsen_orchestration")]
async fn named_by_a_number(cx: Context) {}

#[orchestration(name = "one", crate = "sarsen_orchestration", name = "other")]
async fn named_twice(cx: Context) {}

#[orchestration(crate = "sarsen_orchestration", crate = "sarsen_orchestration")]
async fn found_twice(cx: Context) {}

#[orchestration(retry = 3)]
async fn unknown_setting(cx: Context) {}

#[orchestration(crate = "sarsen_orchestration")]
struct NoFunction;

struct Type;

impl Type {
    #[orchestration(crate = "sarsen_orchestration")]
    async fn method(&self, cx: Context) {}
}

#[orchestration(crate = "sarsen_orchestration")]
async fn conditional(cx: Context)
where
    String: Clone,
{
}

fn main() {}
