//! What `#[activity]` and `#[orchestration]` have in common: an `async fn` that becomes a marker.

use crate::{
    answer::{located, returns},
    crate_path::CratePath,
    names::{RULE, is_name},
    refusals::Refusals,
    types::{attributes, owned},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{
    Attribute, Error, FnArg, ItemFn, LitStr, PatType, Result, ReturnType, Safety, Signature, Type,
    ext::IdentExt, parse::Parser, parse_quote_spanned, spanned::Spanned,
};

/// What the function is to become.
#[derive(Clone, Copy)]
pub(crate) struct Role {
    /// `activity`.
    pub(crate) name: &'static str,
    /// `an activity`.
    pub(crate) one: &'static str,
    /// The type of its context.
    pub(crate) context: &'static str,
    /// Whether it must take one.
    pub(crate) needs_context: bool,
}

/// A function that can become it.
pub(crate) struct Function {
    pub(crate) role: Role,
    pub(crate) item: ItemFn,
    pub(crate) path: CratePath,
    /// The name under which it is recorded.
    name: String,
    cfgs: Vec<Attribute>,
    /// The type of the context, if it takes one.
    pub(crate) context: Option<Type>,
    inputs: Vec<Type>,
    output: Type,
}

/// What the attribute says.
struct Settings {
    name: Option<String>,
    path: CratePath,
}

impl Function {
    /// Reads the function and refuses what is none.
    pub(crate) fn parse(
        role: Role,
        arguments: TokenStream,
        item: &TokenStream,
        refusals: &mut Refusals,
    ) -> Option<Self> {
        let settings = refusals.take(settings(role, arguments))?;
        let Ok(item) = syn::parse2::<ItemFn>(item.clone()) else {
            let message = format!("`#[{}]` stands on an `async fn`", role.name);
            refusals.add(Error::new_spanned(item, message));
            return None;
        };
        refusals.take(plain(role, &item.sig))?;
        let name = refusals.take(settings.name.map_or_else(|| derived_name(role, &item.sig.ident), Ok))?;
        let mut arguments = item.sig.inputs.iter().filter_map(typed).peekable();
        let context = refusals.take(context(role, &item.sig, arguments.peek().copied()))?;
        let inputs = arguments.skip(usize::from(context.is_some())).map(|argument| input(role, argument));
        let inputs = refusals.take(inputs.collect())?;
        let output = refusals.take(output(role, &item.sig))?;
        let cfgs = attributes(&item.attrs, &["cfg"]);
        Some(Self { role, path: settings.path, name, cfgs, context, inputs, output, item })
    }

    /// The function's name.
    pub(crate) fn ident(&self) -> &Ident {
        &self.item.sig.ident
    }

    /// The marker: a type and a function of the function's name, and the code as the type's `run`.
    pub(crate) fn marker(&self) -> TokenStream {
        let Self { item: ItemFn { attrs, vis, sig, block, .. }, cfgs, role, .. } = self;
        let (ident, allowed) = (&sig.ident, self.allowed());
        let docs = attributes(attrs, &["doc", "deprecated"]);
        let summary = docs.is_empty().then(|| {
            let summary = format!("Names the {} `{}`.", role.name, ident.unraw());
            quote_spanned!(Span::mixed_site()=> #[doc = #summary])
        });
        let run = Signature { ident: format_ident!("run", span = ident.span()), ..sig.clone() };
        let run_docs = docs.is_empty().then(|| {
            let summary = format!("The code of the {}.", role.name);
            quote_spanned!(Span::mixed_site()=> #[doc = #summary])
        });
        let form = format!("the form of {}", role.one);
        quote_spanned! {located(ident.span())=>
            #summary
            #(#docs)*
            #(#cfgs)*
            #allowed
            #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
            #vis struct #ident {}

            #summary
            #(#docs)*
            #(#cfgs)*
            #allowed
            #vis fn #ident() -> #ident {
                #ident {}
            }

            #(#cfgs)*
            impl #ident {
                #run_docs
                #[allow(
                    clippy::needless_pass_by_value,
                    clippy::unused_async,
                    reason = #form
                )]
                #(#attrs)*
                #vis #run #block
            }
        }
    }

    /// The name and the input, as items of a trait.
    pub(crate) fn named(&self) -> TokenStream {
        let Self { name, inputs, .. } = self;
        let input = match &inputs[..] {
            [one] => one.to_token_stream(),
            several => quote_spanned!(Span::mixed_site()=> (#(#several),*)),
        };
        quote_spanned! {Span::mixed_site()=>
            const NAME: &'static ::core::primitive::str = #name;
            type Input = #input;
        }
    }

    /// The output and how it is written and read, as items of a trait.
    pub(crate) fn answered(&self) -> TokenStream {
        let (private, output) = (self.path.private(), &self.output);
        let returns = returns(&private, &output.to_token_stream(), output.span());
        quote_spanned! {Span::mixed_site()=>
            type Output = #output;

            fn returns() -> #private::Returns<#output> {
                #returns
            }
        }
    }

    /// `impl header for marker { items }`.
    pub(crate) fn implementation(&self, header: &TokenStream, items: &TokenStream) -> TokenStream {
        let (cfgs, allowed, ident) = (&self.cfgs, self.allowed(), self.ident());
        quote_spanned! {Span::mixed_site()=>
            #(#cfgs)*
            #allowed
            #[automatically_derived]
            #header for #ident {
                #items
            }
        }
    }

    /// The `run` of the trait, which calls the marker's own with `context` and the parts of the input.
    pub(crate) fn run(&self, context: &Type) -> TokenStream {
        let ident = self.ident();
        let parts: Vec<Ident> = (0..self.inputs.len())
            .map(|index| format_ident!("input_{index}", span = Span::mixed_site()))
            .collect();
        let pattern = match &parts[..] {
            [one] => one.to_token_stream(),
            several => quote_spanned!(Span::mixed_site()=> (#(#several),*)),
        };
        let given = self.context.as_ref().map(|_| quote_spanned!(Span::mixed_site()=> context,));
        quote_spanned! {located(ident.span())=>
            async fn run(context: #context, input: Self::Input) -> Self::Output {
                let #pattern = input;
                #ident::run(#given #(#parts),*).await
            }
        }
    }

    /// What generated code may do.
    fn allowed(&self) -> TokenStream {
        let reason = format!("written by `#[{}]`", self.role.name);
        quote_spanned! {Span::mixed_site()=>
            #[allow(
                dead_code,
                deprecated,
                non_camel_case_types,
                unused_variables,
                unreachable_pub,
                clippy::all,
                clippy::pedantic,
                reason = #reason
            )]
        }
    }
}

fn settings(role: Role, arguments: TokenStream) -> Result<Settings> {
    let mut settings = Settings { name: None, path: CratePath::DEFAULT };
    let mut given: Vec<String> = Vec::new();
    let parser = syn::meta::parser(|meta| {
        let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        if given.contains(&key) {
            return Err(meta.error(format!("`{key}` is given twice")));
        }
        if key == "name" {
            let literal: LitStr = meta.value()?.parse()?;
            if !is_name(&literal.value()) {
                let message = format!("`{}` is no {} name, which is {RULE}", literal.value(), role.name);
                return Err(Error::new(literal.span(), message));
            }
            settings.name = Some(literal.value());
        } else if key == "crate" {
            settings.path = CratePath::parse(&meta)?;
        } else {
            return Err(meta.error("unknown setting: there are `name` and `crate`"));
        }
        given.push(key);
        Ok(())
    });
    parser.parse2(arguments)?;
    Ok(settings)
}

fn derived_name(role: Role, ident: &Ident) -> Result<String> {
    let name = ident.unraw().to_string();
    if is_name(&name) {
        return Ok(name);
    }
    let Role { name: word, .. } = role;
    let message =
        format!("`{name}` is no {word} name, which is {RULE}: give it one with `#[{word}(name = \"..\")]`");
    Err(Error::new(ident.span(), message))
}

/// Refuses what neither is: not asynchronous, generic, a method, unsafe, foreign.
fn plain(role: Role, signature: &Signature) -> Result<()> {
    let one = role.one;
    if signature.asyncness.is_none() {
        let message = format!("{one} is an `async fn`: write `async` before `fn`");
        return Err(Error::new(signature.fn_token.span, message));
    }
    if let Some(receiver) = signature.receiver() {
        let message = format!("{one} has no receiver: it stands outside of `impl` blocks");
        return Err(Error::new_spanned(receiver, message));
    }
    if !signature.generics.params.is_empty() {
        let message = format!(
            "{one} has no parameters of type or lifetime, for it is found by its name alone: write the types out"
        );
        return Err(Error::new_spanned(&signature.generics, message));
    }
    if let Some(clause) = &signature.generics.where_clause {
        return Err(Error::new_spanned(clause, format!("{one} has no `where` clause: write its types out")));
    }
    let message = format!("{one} is a plain `async fn`: call this one from there");
    if let Safety::Unsafe(token) = &signature.safety {
        return Err(Error::new(token.span, message));
    }
    match &signature.abi {
        Some(abi) => Err(Error::new_spanned(abi, message)),
        None => Ok(()),
    }
}

fn typed(argument: &FnArg) -> Option<&PatType> {
    match argument {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    }
}

/// The type of the context, if the first argument is one.
fn context(role: Role, signature: &Signature, first: Option<&PatType>) -> Result<Option<Type>> {
    match first {
        Some(first) if is_context(role, &first.ty) => Ok(Some((*first.ty).clone())),
        Some(first) if role.needs_context => {
            let message = format!("{} takes its context first: write `cx: {}`", role.one, role.context);
            Err(Error::new_spanned(first, message))
        }
        None if role.needs_context => {
            let message = format!("{} takes its context: write `cx: {}`", role.one, role.context);
            Err(Error::new(signature.ident.span(), message))
        }
        _ => Ok(None),
    }
}

fn is_context(role: Role, found: &Type) -> bool {
    matches!(found, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == role.context))
}

fn input(role: Role, argument: &PatType) -> Result<Type> {
    let inside = match &*argument.ty {
        Type::Reference(reference) => &reference.elem,
        found => found,
    };
    if is_context(role, inside) {
        let message = format!("the context comes first and by value: write `cx: {}`", role.context);
        return Err(Error::new_spanned(argument, message));
    }
    owned(&argument.ty, &format!("input of {}", role.one))?;
    Ok((*argument.ty).clone())
}

fn output(role: Role, signature: &Signature) -> Result<Type> {
    match &signature.output {
        ReturnType::Default => Ok(parse_quote_spanned!(signature.ident.span()=> ())),
        ReturnType::Type(_, output) => {
            owned(output, &format!("result of {}", role.one)).map(|()| (**output).clone())
        }
    }
}
