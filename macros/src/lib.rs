//! `#[derive(Entity)]`, `#[operations]`, `#[activity]` and `#[orchestration]`.
//!
//! They write what a person could have written by hand, which the pages of the traits show. Generated code names
//! only `::sarsen::__private::*` and the user's own words. What they refuse they refuse by name, with the remedy.

mod activity;
mod answer;
mod crate_path;
mod duration;
mod entity;
mod function;
mod names;
mod operations;
mod orchestration;
mod refusals;
mod types;

use proc_macro::TokenStream;

/// Makes a struct or enum an entity type.
///
/// The operations come from the type's `#[operations]` block. The type is also `Clone`, `Serialize` and
/// `Deserialize`.
///
/// * `#[entity(name = "account")]`: the name under which its entities are stored and found. Without it, the type's
///   name in snake case.
/// * `#[entity(initial = path::to::function)]`: a `fn(&str) -> Self` that makes the initial state from the key.
///   Without it, `Default`.
/// * `#[entity(mailbox = 500)]`: how many messages may wait at one entity before clients are refused as `Busy`. Without
///   it, what the runtime's limits say.
/// * `#[entity(state_bytes = 65_536)]`: the longest encoded state, in bytes. Without it, what the runtime's limits say.
/// * `#[entity(rate = "100/s")]`: how many operations clients may ask of one entity in a second (`s`), a minute (`m`) or
///   an hour (`h`) before they are refused as `Busy`. Without it, any.
/// * `#[entity(ttl = "7d")]`: an entity is deleted so long after the last operation that changed it. The units are `ms`,
///   `s`, `m`, `h` and `d`. Without it, entities stay until they are deleted.
/// * `#[entity(audit)]`, or `#[entity(audit(keep = 1000, for = "30d"))]`, which is the same: what is done to each entity is
///   kept, so many entries for so long, and read by `audit()` of its reference. Without it, nothing is kept.
/// * `#[entity(concurrency = 8)]`: how many of its asynchronous and blocking operations run at a time, in each shard: 256
///   without it. Further ones wait. Code that goes on past its `timeout` does not count.
/// * `#[entity(crate = "path")]`: where `sarsen` is found, when it is renamed.
#[proc_macro_derive(Entity, attributes(entity))]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    entity::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes every method of an `impl` block an operation, and writes the reference with which it is asked for.
///
/// `#[operations] impl Account { .. }` leaves the block as it is and writes `pub struct AccountRef<P>` beside it,
/// with a method for each operation, `delete()`, `state()` and `audit()`. A type has one such block; functions that are no
/// operations stand in a plain one.
///
/// An operation takes `&self` or `&mut self`, then `cx: &mut EntityContext<'_>` if it wants the context, then its
/// inputs, which are owned values that serde can read and write, and returns such a value or a `Result` of such.
/// An `Err` undoes the operation, and is still an `Err` of its own type for who called it.
///
/// An `async fn` waits, and a plain one with `#[operation(blocking)]` takes its time: both run off the shard and keep
/// their entity busy meanwhile. They take `cx: OperationContext` if they want the context, and work on a copy of the state,
/// which takes its place when they have succeeded: exactly once. For the outside world they happen at least once, for one
/// that had not ended when the process did is run again. `#[operation(timeout = "30s")]` fails it when it takes longer:
/// that ends the waiting, not the code, which is told by `cx.cancelled()` and no longer counts among the `concurrency` of
/// its type.
///
/// The first page of the crate `sarsen` has an example of each, under *Operations that wait*.
///
/// `#[operations(crate = "path")]` says where `sarsen` is found, when it is renamed.
#[proc_macro_attribute]
pub fn operations(arguments: TokenStream, block: TokenStream) -> TokenStream {
    operations::expand(arguments.into(), &block.into()).into()
}

/// Makes an `async fn` an activity: work that may touch the world, done at least once.
///
/// The function's name becomes a marker, by which orchestrations ask for it and builders take it; its code is the
/// marker's `run`, for unit tests: `notify::run("text".to_owned()).await`.
///
/// An activity takes `cx: ActivityContext` first if it wants the context, then its inputs, which are owned values that
/// serde can read and write, and returns such a value or a `Result` of such. Its future is `Send`.
///
/// * `#[activity(name = "notify")]`: the name under which it is recorded and found. Without it, the function's name.
/// * `#[activity(crate = "path")]`: where `sarsen` is found, when it is renamed.
#[proc_macro_attribute]
pub fn activity(arguments: TokenStream, item: TokenStream) -> TokenStream {
    activity::expand(arguments.into(), &item.into()).into()
}

/// Makes an `async fn` an orchestration: code whose every step is recorded, so that it can be run again.
///
/// The function's name becomes a marker, by which it is started and registered; its code is the marker's `run`.
///
/// It takes `cx: Context`, then its inputs, which are owned values that serde can read and write, and returns such a
/// value or a `Result` of such.
///
/// The body is read, also inside macro calls, and calls that are known to differ from run to run are refused with
/// what to write instead: clocks, random numbers, ids, threads, tasks, sleeps, files, network, environment, and
/// `select!`, `join!` and `try_join!`. What it cannot see: what stands behind a function of another name, a renamed
/// import or a method, and the order in which a hash map is walked.
///
/// * `#[orchestration(name = "transfer")]`: the name under which it is recorded and found. Without it, the function's.
/// * `#[orchestration(crate = "path")]`: where `sarsen` is found, when it is renamed.
#[proc_macro_attribute]
pub fn orchestration(arguments: TokenStream, item: TokenStream) -> TokenStream {
    orchestration::expand(arguments.into(), &item.into()).into()
}
