//! `#[derive(Entity)]`.

use crate::{
    crate_path::CratePath,
    duration,
    names::{RULE, is_name, snake_case},
};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Data, DeriveInput, Error, LitInt, LitStr, Path, Result, ext::IdentExt, meta::ParseNestedMeta,
    spanned::Spanned,
};

/// What `#[entity(..)]` says.
struct Settings {
    name: Option<String>,
    initial: Option<Path>,
    /// What is chosen of the type's options: a call of a method for each.
    options: Vec<TokenStream>,
    path: CratePath,
}

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    if let Data::Union(union) = &input.data {
        let message = "an entity is a struct or an enum: serde cannot write a union";
        return Err(Error::new(union.union_token.span, message));
    }
    if !input.generics.params.is_empty() {
        let message = "an entity type has no parameters, for its name stands for one type: \
            write a type of its own for each";
        return Err(Error::new(input.generics.span(), message));
    }
    let settings = settings(&input)?;
    let name = match &settings.name {
        Some(name) => name.clone(),
        None => derived_name(&input)?,
    };
    Ok(implementation(&input, &name, &settings))
}

fn implementation(input: &DeriveInput, name: &str, settings: &Settings) -> TokenStream {
    let ident = &input.ident;
    let private = settings.path.private();
    let span = ident.span().resolved_at(Span::mixed_site());
    let initial = if let Some(path) = &settings.initial {
        // Bound first, so that a wrong function is shown beside the right signature.
        quote_spanned! {path.span().resolved_at(Span::mixed_site())=>
            let initial: fn(&::core::primitive::str) -> Self = #path;
            initial(key)
        }
    } else {
        quote_spanned!(span=> let _ = key; <Self as ::core::default::Default>::default())
    };
    let options = options(settings, span);
    quote_spanned! {span=>
        #[automatically_derived]
        impl #private::EntityType for #ident {
            const NAME: &'static ::core::primitive::str = #name;
            type Ref<P: #private::Port> = <Self as #private::OperationsBlock>::Ref<P>;

            fn refer<P: #private::Port>(port: P) -> Self::Ref<P> {
                <Self as #private::OperationsBlock>::refer(port)
            }
        }

        #[automatically_derived]
        impl #private::Entity for #ident {
            fn initial(key: &::core::primitive::str) -> Self {
                #initial
            }

            fn operations() -> #private::Operations<Self> {
                <Self as #private::OperationsBlock>::operations()
            }

            #options
        }
    }
}

/// [`Entity::options`], unless nothing is chosen.
fn options(settings: &Settings, span: Span) -> TokenStream {
    let (private, options) = (settings.path.private(), &settings.options);
    if options.is_empty() {
        return TokenStream::new();
    }
    quote_spanned! {span=>
        fn options() -> #private::EntityOptions {
            <#private::EntityOptions as ::core::default::Default>::default() #(#options)*
        }
    }
}

fn derived_name(input: &DeriveInput) -> Result<String> {
    let name = snake_case(&input.ident);
    if is_name(&name) {
        return Ok(name);
    }
    let message = format!(
        "`{name}` is no entity name, which is {RULE}: give `{}` one with `#[entity(name = \"..\")]`",
        input.ident.unraw()
    );
    Err(Error::new(input.ident.span(), message))
}

fn settings(input: &DeriveInput) -> Result<Settings> {
    let mut settings = Settings { name: None, initial: None, options: Vec::new(), path: CratePath::DEFAULT };
    let mut given: Vec<String> = Vec::new();
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("entity")) {
        attribute.parse_nested_meta(|meta| {
            let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            if given.contains(&key) {
                return Err(meta.error(format!("`{key}` is given twice")));
            }
            match key.as_str() {
                "name" => settings.name = Some(name(&meta)?),
                "initial" => settings.initial = Some(initial(&meta)?),
                "crate" => settings.path = CratePath::parse(&meta)?,
                _ => settings.options.push(option(&meta, &key)?),
            }
            given.push(key);
            Ok(())
        })?;
    }
    Ok(settings)
}

/// One of the type's options, as the call of the method that chooses it.
fn option(meta: &ParseNestedMeta<'_>, key: &str) -> Result<TokenStream> {
    let value = match key {
        "mailbox" | "state_bytes" | "concurrency" => positive(meta)?.into_token_stream(),
        "rate" => rate(meta)?,
        "ttl" => duration::write(duration::parse(meta)?),
        _ => {
            let message = "unknown setting: there are `name`, `initial`, `mailbox`, `state_bytes`, `rate`, \
                `ttl`, `concurrency` and `crate`";
            return Err(meta.error(message));
        }
    };
    let method = format_ident!("{key}", span = Span::mixed_site());
    Ok(quote!(.#method(#value)))
}

/// The arguments of a rate: a number and the unit of the time, as text.
fn rate(meta: &ParseNestedMeta<'_>) -> Result<TokenStream> {
    let literal: LitStr = meta.value()?.parse()?;
    let text = literal.value();
    let read = |text: &str| {
        let (number, unit) = text.split_once('/')?;
        let per = ["s", "m", "h"].contains(&unit).then(|| duration::read(&format!("1{unit}")))??;
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        Some((number.parse::<u32>().ok().filter(|number| digits && *number > 0)?, per))
    };
    let Some((operations, per)) = read(&text) else {
        let message = format!(
            "`{text}` is no rate: write a whole number from 1 on and `s`, `m` or `h`, as in \"100/s\" or \"5/m\""
        );
        return Err(Error::new(literal.span(), message));
    };
    let per = duration::write(per);
    Ok(quote!(#operations, #per))
}

/// A whole number that is at least 1.
fn positive(meta: &ParseNestedMeta<'_>) -> Result<usize> {
    let literal: LitInt = meta.value()?.parse()?;
    match literal.base10_parse()? {
        0 => Err(Error::new(literal.span(), "with 0 no entity could do anything: choose at least 1")),
        number => Ok(number),
    }
}

fn name(meta: &ParseNestedMeta<'_>) -> Result<String> {
    let literal: LitStr = meta.value()?.parse()?;
    let name = literal.value();
    if is_name(&name) {
        return Ok(name);
    }
    Err(Error::new(literal.span(), format!("`{name}` is no entity name, which is {RULE}")))
}

fn initial(meta: &ParseNestedMeta<'_>) -> Result<Path> {
    let value = meta.value()?;
    if value.peek(LitStr) {
        return Err(
            value.error("write the path of the function without quotes: `initial = path::to::function`")
        );
    }
    value.parse()
}
