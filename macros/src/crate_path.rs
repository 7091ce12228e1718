//! Where generated code finds the crate.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{LitStr, Path, Result, meta::ParseNestedMeta, parse_quote};

/// The path of the crate: `::sarsen`, or what `crate = "path"` says.
pub(crate) struct CratePath(Option<Path>);

impl CratePath {
    /// Unless told otherwise.
    pub(crate) const DEFAULT: Self = Self(None);

    /// Reads the value of `crate = "path"`.
    pub(crate) fn parse(meta: &ParseNestedMeta<'_>) -> Result<Self> {
        meta.value()?.parse::<LitStr>()?.parse_with(Path::parse_mod_style).map(|path| Self(Some(path)))
    }

    /// The module of all that generated code names.
    pub(crate) fn private(&self) -> TokenStream {
        let path = self.0.clone().unwrap_or_else(|| parse_quote!(::sarsen));
        quote_spanned!(Span::mixed_site()=> #path::__private)
    }
}
