//! Several mistakes at once.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// What was refused so far.
#[derive(Default)]
pub(crate) struct Refusals(Option<Error>);

impl Refusals {
    /// Adds one.
    pub(crate) fn add(&mut self, refusal: Error) {
        match &mut self.0 {
            Some(all) => all.combine(refusal),
            none => *none = Some(refusal),
        }
    }

    /// What is right, or one refusal more.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|refusal| self.add(refusal)).ok()
    }
}

/// As errors of the compiler, or as nothing.
impl ToTokens for Refusals {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.as_ref().map(Error::to_compile_error));
    }
}
