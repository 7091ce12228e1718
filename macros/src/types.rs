//! The types that users write, and what stands beside them.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Error, Result, Type};

/// Refuses references and `impl Trait`, wherever they stand in the type of `what`.
pub(crate) fn owned(found: &Type, what: &str) -> Result<()> {
    let tokens = found.to_token_stream();
    if mentions(tokens.clone(), &|token| matches!(token, TokenTree::Ident(ident) if ident == "impl")) {
        let message = format!("the {what} is written and read as JSON: name its type instead of `impl`");
        return Err(Error::new_spanned(found, message));
    }
    if mentions(tokens, &|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '&')) {
        let message = format!(
            "the {what} travels and must be owned, which `{}` is not: {}",
            text(found),
            remedy(found)
        );
        return Err(Error::new_spanned(found, message));
    }
    Ok(())
}

/// What to write in place of a borrowed type.
fn remedy(found: &Type) -> String {
    let Type::Reference(reference) = found else {
        return "write it without references".to_owned();
    };
    match &*reference.elem {
        Type::Slice(slice) => format!("write `Vec<{}>`", text(&slice.elem)),
        Type::Path(path) if path.path.is_ident("str") => "write `String`".to_owned(),
        other => format!("write `{}`", text(other)),
    }
}

fn mentions(tokens: TokenStream, wanted: &dyn Fn(&TokenTree) -> bool) -> bool {
    tokens.into_iter().any(|token| match &token {
        TokenTree::Group(group) => mentions(group.stream(), wanted),
        other => wanted(other),
    })
}

/// A type or a receiver as a person writes it.
pub(crate) fn text(found: &impl ToTokens) -> String {
    let spaced = found.to_token_stream().to_string();
    let mut text = spaced
        .replace(" < ", "<")
        .replace(" >", ">")
        .replace("< ", "<")
        .replace(" :: ", "::")
        .replace(" : ", ": ");
    for tight in ["& ", "[ ", "( ", "' "] {
        text = text.replace(tight, tight.trim_end());
    }
    text.replace(" ,", ",").replace(" ]", "]").replace(" )", ")")
}

/// The attributes with one of these names.
pub(crate) fn attributes(all: &[Attribute], wanted: &[&str]) -> Vec<Attribute> {
    let is_wanted = |attribute: &&Attribute| wanted.iter().any(|name| attribute.path().is_ident(name));
    all.iter().filter(is_wanted).cloned().collect()
}
