//! Reads the block and refuses what is no operation.

use super::place::Place;
use crate::{
    names::{RULE, is_name},
    refusals::Refusals,
    types::{attributes, owned, text},
};
use proc_macro2::Ident;
use syn::{
    Attribute, Error, FnArg, ImplItem, ImplItemFn, ItemImpl, Lifetime, Pat, PatType, PathArguments, Receiver,
    ReceiverKind, Result, ReturnType, Safety, Signature, Type, ext::IdentExt, parse_quote_spanned,
};

/// An `#[operations]` block.
pub(super) struct Block {
    /// The entity type, as it is named there.
    pub(super) entity: Type,
    /// Its last word.
    pub(super) ident: Ident,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) operations: Vec<Operation>,
}

/// A method that is an operation.
pub(super) struct Operation {
    pub(super) method: Ident,
    /// The name on the wire.
    pub(super) name: String,
    pub(super) docs: Vec<Attribute>,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) place: Place,
    pub(super) mutable: bool,
    pub(super) takes_context: bool,
    pub(super) inputs: Vec<(Ident, Type)>,
    pub(super) output: Type,
}

impl Block {
    /// Reads what can be read of `item`; `None` when it belongs to no type that could be an entity's.
    pub(super) fn parse(item: &ItemImpl, refusals: &mut Refusals) -> Option<Self> {
        let ident = refusals.take(entity(item))?;
        let cfgs = attributes(&item.attrs, &["cfg"]);
        let operations = item.items.iter().filter_map(|item| refusals.take(operation(item))).collect();
        Some(Self { entity: (*item.self_ty).clone(), ident, cfgs, operations })
    }
}

fn entity(item: &ItemImpl) -> Result<Ident> {
    if let Some((path, _)) = &item.trait_ {
        let message = "operations are methods of the type itself: write `#[operations] impl Type { .. }`";
        return Err(Error::new_spanned(path, message));
    }
    if !item.generics.params.is_empty() {
        let message = "an entity type has no parameters, for its name stands for one type: \
            write a type of its own for each";
        return Err(Error::new_spanned(&item.generics, message));
    }
    match &*item.self_ty {
        Type::Path(path) if path.qself.is_none() => match path.path.segments.last() {
            Some(last) if matches!(last.arguments, PathArguments::None) => return Ok(last.ident.clone()),
            _ => {}
        },
        _ => {}
    }
    let message = "`#[operations]` stands on the `impl` block of a struct or enum without parameters";
    Err(Error::new_spanned(&item.self_ty, message))
}

fn operation(item: &ImplItem) -> Result<Operation> {
    let ImplItem::Fn(function) = item else {
        let message = "only operations stand in an `#[operations]` block: move this to a plain `impl` block";
        return Err(Error::new_spanned(item, message));
    };
    let signature = &function.sig;
    let name = name(&signature.ident)?;
    let mutable = receiver(signature)?;
    plain(signature)?;
    let place = Place::of(function)?;
    let mut inputs = signature.inputs.iter().skip(1).filter_map(typed).peekable();
    let takes_context = match inputs.peek() {
        Some(first) => place.is_context(first)?,
        None => false,
    };
    let inputs = inputs
        .skip(usize::from(takes_context))
        .map(|argument| input(place, argument))
        .collect::<Result<_>>()?;
    Ok(Operation {
        method: signature.ident.clone(),
        name,
        docs: attributes(&function.attrs, &["doc", "deprecated"]),
        cfgs: attributes(&function.attrs, &["cfg"]),
        place,
        mutable,
        takes_context,
        inputs,
        output: output(function)?,
    })
}

fn name(ident: &Ident) -> Result<String> {
    let name = ident.unraw().to_string();
    if matches!(name.as_str(), "state" | "clone") {
        let message =
            format!("`{name}` is a method that every reference has: give the operation another name");
        return Err(Error::new(ident.span(), message));
    }
    if !is_name(&name) {
        let message = format!("`{name}` is no operation name, which is {RULE}: rename the method");
        return Err(Error::new(ident.span(), message));
    }
    Ok(name)
}

/// Whether the receiver is `&mut self`.
fn receiver(signature: &Signature) -> Result<bool> {
    let Some(receiver) = signature.receiver() else {
        let message = format!(
            "`{}` has no receiver: an operation takes `&self` or `&mut self`; if it is no operation, move it to a plain \
             `impl` block",
            signature.ident
        );
        return Err(Error::new(signature.ident.span(), message));
    };
    match &receiver.kind {
        ReceiverKind::Reference(_, lifetime, mutable) if lifetime.as_ref().is_none_or(is_any) => {
            Ok(mutable.is_some())
        }
        _ => Err(wrong_receiver(receiver)),
    }
}

/// Whether a lifetime is `'_`, which stands for any.
fn is_any(lifetime: &Lifetime) -> bool {
    lifetime.ident == "_"
}

fn wrong_receiver(receiver: &Receiver) -> Error {
    let found = text(receiver);
    let message = match plainly(receiver) {
        Some(plain) => format!("an operation does not take `{found}`: write `{plain}`"),
        None => format!(
            "an operation does not take `{found}`, for the entity outlives it: take `&mut self`, or `&self` to look only"
        ),
    };
    Error::new_spanned(receiver, message)
}

/// The receiver that is meant, of one that lends the entity in other words.
fn plainly(receiver: &Receiver) -> Option<&'static str> {
    let mutable = match &receiver.kind {
        ReceiverKind::Reference(_, _, mutable) => mutable,
        ReceiverKind::Typed(_, found) => match &**found {
            Type::Reference(reference) if is_self(&reference.elem) => &reference.mutability,
            _ => return None,
        },
        _ => return None,
    };
    Some(if mutable.is_some() { "&mut self" } else { "&self" })
}

fn is_self(found: &Type) -> bool {
    matches!(found, Type::Path(path) if path.path.is_ident("Self"))
}

/// Refuses what no operation is: generic, unsafe, foreign.
fn plain(signature: &Signature) -> Result<()> {
    if !signature.generics.params.is_empty() {
        let message = "an operation has no parameters of type or lifetime, for it is found by its name alone: \
            write the types out";
        return Err(Error::new_spanned(&signature.generics, message));
    }
    if let Some(clause) = &signature.generics.where_clause {
        return Err(Error::new_spanned(clause, "an operation has no `where` clause: write its types out"));
    }
    let message =
        "an operation is a plain `fn`: put this one into a plain `impl` block and call it from there";
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

fn input(place: Place, argument: &PatType) -> Result<(Ident, Type)> {
    if place.is_context(argument)? {
        let message = "the context comes first: move it right behind the receiver";
        return Err(Error::new_spanned(argument, message));
    }
    let ident = match &*argument.pat {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => &pattern.ident,
        other => {
            let message = "an input has a name, which the reference's method takes over: write `name: Type`, and take \
                it apart inside";
            return Err(Error::new_spanned(other, message));
        }
    };
    owned(&argument.ty, "input of an operation")?;
    Ok((ident.clone(), (*argument.ty).clone()))
}

fn output(function: &ImplItemFn) -> Result<Type> {
    match &function.sig.output {
        ReturnType::Default => Ok(parse_quote_spanned!(function.sig.ident.span()=> ())),
        ReturnType::Type(_, output) => owned(output, "answer of an operation").map(|()| (**output).clone()),
    }
}
