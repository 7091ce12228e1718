//! Writes the reference and the list of operations.

use super::{
    parse::{Block, Operation},
    place::Place,
};
use crate::{
    answer::{located, returns},
    duration,
};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Meta, Type, ext::IdentExt, spanned::Spanned};

/// Everything for `block`, naming the crate's private module as `private`.
pub(super) fn all(block: &Block, private: &TokenStream) -> TokenStream {
    let ident = format_ident!("{}Ref", block.ident.unraw(), span = block.ident.span());
    let writer = Writer { block, private, ident, port: port(block) };
    let (reference, list) = (writer.reference(), writer.list());
    quote_spanned!(Span::mixed_site()=> #reference #list)
}

struct Writer<'a> {
    block: &'a Block,
    private: &'a TokenStream,
    /// The reference's name.
    ident: Ident,
    /// The name of its parameter.
    port: Ident,
}

impl Writer<'_> {
    /// The struct and its methods.
    fn reference(&self) -> TokenStream {
        let Self { block: Block { ident: name, cfgs, operations, .. }, private, ident, port } = self;
        let allowed = allowed();
        let methods = operations.iter().map(|operation| self.method(operation));
        let delete = self.built_in_delete();
        let summary =
            format!("A reference to an entity of type `{name}`, through which its operations are asked for.");
        let (state, audit, refers) = (self.state(), self.audit(), self.refers());
        quote_spanned! {Span::mixed_site()=>
            #[doc = #summary]
            #(#cfgs)*
            #allowed
            #[derive(::core::clone::Clone, ::core::fmt::Debug)]
            pub struct #ident<#port> {
                port: #port,
            }

            #(#cfgs)*
            #allowed
            impl<#port: #private::Port> #ident<#port> {
                #(#methods)*
                #delete
            }

            #(#cfgs)*
            #allowed
            impl<#port: #private::StatePort> #ident<#port> {
                #state
            }

            #audit

            #refers
        }
    }

    /// What a lock asks of the reference.
    fn refers(&self) -> TokenStream {
        let Self { block: Block { cfgs, .. }, private, ident, port } = self;
        let allowed = allowed();
        quote_spanned! {Span::mixed_site()=>
            #(#cfgs)*
            #allowed
            #[automatically_derived]
            impl<#port: #private::Port> #private::Reference for #ident<#port> {
                type Port = #port;
                type Over<Other: #private::Port> = #ident<Other>;

                fn port(&self) -> &#port {
                    &self.port
                }

                fn over<Other: #private::Port>(port: Other) -> #ident<Other> {
                    #ident { port }
                }
            }
        }
    }

    /// The method that reads the state, at the place of the type, which must be an entity for it.
    fn state(&self) -> TokenStream {
        let Self { block: Block { entity, .. }, private, port, .. } = self;
        quote_spanned! {located(entity.span())=>
            /// The state as of the last commit; `None` when the entity does not exist.
            pub fn state(&self) -> #port::State<#entity> {
                #private::StatePort::state(&self.port)
            }
        }
    }

    /// The method that reads what was done, unless the block has an operation of that name.
    fn audit(&self) -> Option<TokenStream> {
        let Self { block: Block { cfgs, .. }, private, ident, port } = self;
        let absent = self.unless_own("audit")?;
        let allowed = allowed();
        Some(quote_spanned! {Span::mixed_site()=>
            #(#cfgs)*
            #absent
            #allowed
            impl<#port: #private::AuditPort> #ident<#port> {
                /// What is kept of what was done to the entity.
                pub fn audit(&self) -> #port::Audit {
                    #private::AuditPort::audit(&self.port)
                }
            }
        })
    }

    /// The method of the reference that asks for `operation`.
    fn method(&self, operation: &Operation) -> TokenStream {
        let Self { block, private, port, .. } = self;
        let Operation { method, name, docs, cfgs, .. } = operation;
        let span = located(method.span());
        let summary = operation.docs.is_empty().then(|| {
            let summary = format!("Asks for the operation `{name}`.");
            quote_spanned!(span=> #[doc = #summary])
        });
        let inputs: Vec<&Ident> = operation.inputs.iter().map(|(input, _)| input).collect();
        let types =
            operation.inputs.iter().map(|(_, found)| without_self(found.to_token_stream(), &block.entity));
        let output = without_self(operation.output.to_token_stream(), &block.entity);
        let returns = returns(private, &output, operation.output.span());
        let input = if inputs.len() == 1 {
            quote_spanned!(span=> #(#inputs)*)
        } else {
            quote_spanned!(span=> (#(#inputs),*))
        };
        quote_spanned! {span=>
            #summary
            #(#docs)*
            #(#cfgs)*
            pub fn #method(&self, #(#inputs: #types),*) -> #port::Request<#output> {
                #private::Port::request(&self.port, #name, &#input, #returns)
            }
        }
    }

    /// The method for the built-in operation, unless the block has one of that name.
    fn built_in_delete(&self) -> Option<TokenStream> {
        let Self { private, port, .. } = self;
        let absent = self.unless_own("delete")?;
        Some(quote_spanned! {Span::mixed_site()=>
            /// Leaves the entity without state.
            #absent
            pub fn delete(&self) -> #port::Request<()> {
                #private::Port::request(&self.port, "delete", &(), #private::Returns::value())
            }
        })
    }

    /// The condition under which the block has no operation of this name; `None` when it always has one.
    fn unless_own(&self, name: &str) -> Option<TokenStream> {
        let own: Vec<_> = self.block.operations.iter().filter(|operation| operation.name == name).collect();
        if own.iter().any(|operation| operation.cfgs.is_empty()) {
            return None;
        }
        let present = own.iter().map(|operation| {
            let conditions = operation.cfgs.iter().filter_map(condition);
            quote_spanned!(Span::mixed_site()=> all(#(#conditions),*))
        });
        let present: Vec<_> = present.collect();
        let absent = quote_spanned!(Span::mixed_site()=> #[cfg(not(any(#(#present),*)))]);
        Some(if present.is_empty() { TokenStream::new() } else { absent })
    }

    /// What the derive builds on: the reference's type and the list of operations.
    fn list(&self) -> TokenStream {
        let Self { block: Block { entity, cfgs, operations, .. }, private, ident, port } = self;
        let allowed = allowed();
        let added = operations.iter().map(|operation| self.added(operation));
        let header = quote_spanned!(located(entity.span())=> impl #private::OperationsBlock for #entity);
        quote_spanned! {Span::mixed_site()=>
            #(#cfgs)*
            #allowed
            #[automatically_derived]
            #header {
                type Ref<#port: #private::Port> = #ident<#port>;

                fn refer<#port: #private::Port>(port: #port) -> #ident<#port> {
                    #ident { port }
                }

                fn operations() -> #private::Operations<Self> {
                    let operations = #private::Operations::new();
                    #(#added)*
                    operations
                }
            }
        }
    }

    /// Adds `operation` to the list.
    fn added(&self, operation: &Operation) -> TokenStream {
        let private = self.private;
        let Operation { method, name, cfgs, place, mutable, takes_context, output, .. } = operation;
        let span = located(method.span());
        let returns = returns(private, &output.to_token_stream(), output.span());
        let (inputs, types): (Vec<_>, Vec<_>) =
            operation.inputs.iter().map(|(input, found)| (input, found)).unzip();
        let input = if inputs.len() == 1 {
            quote_spanned!(span=> #(#inputs: #types)*)
        } else {
            quote_spanned!(span=> (#(#inputs),*): (#(#types),*))
        };
        let context = takes_context.then(|| quote_spanned!(span=> context,));
        let call = quote_spanned!(span=> Self::#method(entity, #context #(#inputs),*));
        let (add, code) = match place {
            Place::Turn if *mutable => {
                ("update", turn(span, private, &quote_spanned!(span=> &mut Self), &input, &call))
            }
            Place::Turn => ("read", turn(span, private, &quote_spanned!(span=> &Self), &input, &call)),
            Place::Async(_) if *mutable => (
                "update_async",
                quote_spanned! {span=>
                    |mut entity: Self, context: #private::OperationContext, #input| async move {
                        let answer = {
                            let entity = &mut entity;
                            #call.await
                        };
                        (entity, answer)
                    }
                },
            ),
            Place::Async(_) => (
                "read_async",
                quote_spanned! {span=>
                    |entity: ::std::sync::Arc<Self>, context: #private::OperationContext, #input| async move {
                        let entity = &*entity;
                        #call.await
                    }
                },
            ),
            Place::Blocking(_) if *mutable => (
                "update_blocking",
                quote_spanned! {span=>
                    |entity: &mut Self, context: #private::OperationContext, #input| #call
                },
            ),
            Place::Blocking(_) => (
                "read_blocking",
                quote_spanned! {span=>
                    |entity: &Self, context: #private::OperationContext, #input| #call
                },
            ),
        };
        let (add, options) = (format_ident!("{add}", span = span), options(*place, private));
        quote_spanned! {span=>
            #(#cfgs)*
            let operations = operations.#add(#name, #options #returns, #code);
        }
    }
}

/// The code of an operation that runs inside its turn.
fn turn(
    span: Span,
    private: &TokenStream,
    receiver: &TokenStream,
    input: &TokenStream,
    call: &TokenStream,
) -> TokenStream {
    quote_spanned! {span=>
        |entity: #receiver, context: &mut #private::EntityContext<'_>, #input| {
            #call
        }
    }
}

/// What is chosen for an operation that runs off the shard.
fn options(place: Place, private: &TokenStream) -> Option<TokenStream> {
    let (Place::Async(timeout) | Place::Blocking(timeout)) = place else { return None };
    let timeout =
        timeout.map(duration::write).map(|time| quote_spanned!(Span::mixed_site()=> .timeout(#time)));
    Some(quote_spanned!(Span::mixed_site()=> #private::OperationOptions::new() #timeout,))
}

/// What a lint may not ask of a user's operations, since their form is ours.
pub(super) fn allowed_to_users() -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        #[allow(
            clippy::needless_pass_by_ref_mut,
            clippy::needless_pass_by_value,
            clippy::trivially_copy_pass_by_ref,
            clippy::unused_async,
            clippy::unused_self,
            reason = "the form of an operation"
        )]
    }
}

/// What generated code may do: not all of it is used, and it repeats the user's types.
fn allowed() -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        #[allow(
            dead_code,
            deprecated,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            clippy::all,
            clippy::pedantic,
            reason = "written by `#[operations]`"
        )]
    }
}

/// The name of the reference's parameter: one that the block's types do not mention.
fn port(block: &Block) -> Ident {
    let types = block
        .operations
        .iter()
        .flat_map(|one| one.inputs.iter().map(|(_, found)| found).chain([&one.output]));
    let mentioned: Vec<String> =
        types.chain([&block.entity]).flat_map(|found| words(found.to_token_stream())).collect();
    let mut name = "P".to_owned();
    while mentioned.contains(&name) {
        name.push('P');
    }
    Ident::new(&name, Span::mixed_site())
}

fn words(tokens: TokenStream) -> Vec<String> {
    let of_token = |token| match token {
        TokenTree::Group(group) => words(group.stream()),
        TokenTree::Ident(ident) => vec![ident.to_string()],
        TokenTree::Punct(_) | TokenTree::Literal(_) => Vec::new(),
    };
    tokens.into_iter().flat_map(of_token).collect()
}

/// `tokens` with the entity's type in place of `Self`, which is another type in the reference's methods.
fn without_self(tokens: TokenStream, entity: &Type) -> TokenStream {
    let of_token = |token| match token {
        TokenTree::Group(group) => {
            let mut replaced = Group::new(group.delimiter(), without_self(group.stream(), entity));
            replaced.set_span(group.span());
            TokenTree::Group(replaced).into()
        }
        TokenTree::Ident(ident) if ident == "Self" => entity.to_token_stream(),
        other => other.into(),
    };
    tokens.into_iter().map(of_token).collect::<Vec<TokenStream>>().into_iter().collect()
}

/// The condition of `#[cfg(condition)]`.
fn condition(attribute: &syn::Attribute) -> Option<&TokenStream> {
    match &attribute.meta {
        Meta::List(list) => Some(&list.tokens),
        Meta::Path(_) | Meta::NameValue(_) => None,
    }
}
