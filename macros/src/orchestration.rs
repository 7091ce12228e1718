//! `#[orchestration]`.

mod known;

use crate::{
    function::{Function, Role},
    refusals::Refusals,
};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

const ROLE: Role =
    Role { name: "orchestration", one: "an orchestration", context: "Context", needs_context: true };

/// The marker, or the function as it is; and the refusals.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut refusals = Refusals::default();
    let Some(function) = Function::parse(ROLE, arguments, item, &mut refusals) else {
        return quote!(#item #refusals);
    };
    known::refuse(function.item.block.to_token_stream(), &mut refusals);
    let private = function.path.private();
    let marker = function.marker();
    let header = quote_spanned!(Span::mixed_site()=> impl #private::OrchestrationType);
    let named = function.implementation(&header, &function.named());
    let header = quote_spanned!(Span::mixed_site()=> impl #private::Orchestration);
    let (answered, run) = (function.answered(), function.context.as_ref().map(|cx| function.run(cx)));
    let orchestration = function.implementation(&header, &quote!(#answered #run));
    quote!(#marker #named #orchestration #refusals)
}
