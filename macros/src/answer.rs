//! How answers are written and read.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

/// How an answer is written and read; a type that cannot be is an error at `span`, its place.
pub(crate) fn returns(private: &TokenStream, output: &TokenStream, span: Span) -> TokenStream {
    quote_spanned! {located(span)=> {
        #[allow(unused_imports, reason = "which of the three is used depends on the type")]
        use #private::{ViaError as _, ViaResult as _, ViaValue as _};
        (&&&#private::Kind::<#output>::new()).returns()
    }}
}

/// The place of the user's word, with the hygiene of the macro's.
pub(crate) fn located(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}
