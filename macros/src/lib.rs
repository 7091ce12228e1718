//! `#[derive(Entity)]` and `#[operations]`.
//!
//! They write what a person could have written by hand, which the `Entity` trait's page shows. Generated code names
//! only `::sarsen::__private::*` and the user's own words. What they refuse they refuse by name, with the remedy.

mod crate_path;
mod entity;
mod names;
mod operations;

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
/// * `#[entity(crate = "path")]`: where `sarsen` is found, when it is renamed.
#[proc_macro_derive(Entity, attributes(entity))]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    entity::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes every method of an `impl` block an operation, and writes the reference with which it is asked for.
///
/// `#[operations] impl Account { .. }` leaves the block as it is and writes `pub struct AccountRef<P>` beside it,
/// with a method for each operation, `delete()` and `state()`. A type has one such block; functions that are no
/// operations stand in a plain one.
///
/// An operation takes `&self` or `&mut self`, then `cx: &mut EntityContext<'_>` if it wants the context, then its
/// inputs, which are owned values that serde can read and write, and returns such a value or a `Result` of such.
/// An `Err` undoes the operation, and is still an `Err` of its own type for who called it.
///
/// `#[operations(crate = "path")]` says where `sarsen` is found, when it is renamed.
#[proc_macro_attribute]
pub fn operations(arguments: TokenStream, block: TokenStream) -> TokenStream {
    operations::expand(arguments.into(), &block.into()).into()
}
