//! `#[activity]`.

use crate::{
    function::{Function, Role},
    refusals::Refusals,
};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse_quote_spanned;

const ROLE: Role =
    Role { name: "activity", one: "an activity", context: "ActivityContext", needs_context: false };

/// The marker, or the function as it is with the refusals.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut refusals = Refusals::default();
    let Some(function) = Function::parse(ROLE, arguments, item, &mut refusals) else {
        return quote!(#item #refusals);
    };
    let private = function.path.private();
    let marker = function.marker();
    let header = quote_spanned!(Span::mixed_site()=> impl #private::Activity);
    let (named, answered) = (function.named(), function.answered());
    let activity = function.implementation(&header, &quote!(#named #answered));
    // Without a context it runs in any.
    let any = parse_quote_spanned!(Span::mixed_site()=> AnyContext);
    let context = function.context.as_ref().unwrap_or(&any);
    let parameter = function
        .context
        .is_none()
        .then(|| quote_spanned!(Span::mixed_site()=> <AnyContext: ::core::marker::Send>));
    let header = quote_spanned!(Span::mixed_site()=> impl #parameter #private::ActivityCode<#context>);
    let code = function.implementation(&header, &function.run(context));
    quote!(#marker #activity #code)
}
