//! `#[operations]`.

mod parse;
mod place;
mod write;

use crate::{crate_path::CratePath, refusals::Refusals};
use parse::Block;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, ItemImpl, parse::Parser};

/// The block as it is, but for what is said to the macro alone, what it gives rise to, and the refusals. What is not
/// refused is written all the same, so that one mistake is one error.
pub(crate) fn expand(arguments: TokenStream, block: &TokenStream) -> TokenStream {
    let mut refusals = Refusals::default();
    let mut path = CratePath::DEFAULT;
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("crate") {
            return Err(
                meta.error("unknown setting: there is `crate`, as in `#[operations(crate = \"path\")]`")
            );
        }
        path = CratePath::parse(&meta)?;
        Ok(())
    });
    refusals.take(parser.parse2(arguments));
    let Ok(item) = syn::parse2::<ItemImpl>(block.clone()) else {
        let message = "`#[operations]` stands on the `impl` block of an entity type";
        let refusal = Error::new_spanned(block, message).into_compile_error();
        return quote!(#block #refusal);
    };
    let written = Block::parse(&item, &mut refusals).map(|block| write::all(&block, &path.private()));
    let allowed = write::allowed_to_users();
    let cleared = place::without_settings(&item).map(ToTokens::into_token_stream);
    let block = cleared.as_ref().unwrap_or(block);
    quote!(#allowed #block #written #refusals)
}
