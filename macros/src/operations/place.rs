//! Where an operation runs: inside its turn, or off the shard, and what `#[operation(..)]` says of that.

use crate::duration;
use std::time::Duration;
use syn::{Attribute, Error, ImplItem, ImplItemFn, ItemImpl, PatType, Result, Type};

/// Where an operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Inside its turn.
    Turn,
    /// Off the shard, as an `async fn`.
    Async(Option<Duration>),
    /// Off the shard, on a thread that it may hold up.
    Blocking(Option<Duration>),
}

/// What `#[operation(..)]` says.
#[derive(Default)]
struct Settings {
    blocking: bool,
    timeout: Option<Duration>,
    given: Vec<String>,
}

const KNOWN: &str = "there are `timeout` and `blocking`, as in `#[operation(timeout = \"30s\", blocking)]`";

impl Place {
    /// Where a method runs.
    pub(super) fn of(function: &ImplItemFn) -> Result<Self> {
        let mut settings = Settings::default();
        let mut last = None;
        for attribute in function.attrs.iter().filter(|attribute| is_setting(attribute)) {
            settings.read(attribute)?;
            last = Some(attribute);
        }
        match (&function.sig.asyncness, last) {
            (Some(_), Some(attribute)) if settings.blocking => {
                let message = "an `async fn` must not block; what blocks is a plain `fn`: leave `blocking` or `async` out";
                Err(Error::new_spanned(attribute, message))
            }
            (Some(_), _) => Ok(Self::Async(settings.timeout)),
            (None, _) if settings.blocking => Ok(Self::Blocking(settings.timeout)),
            (None, Some(attribute)) => {
                let message = "an ordinary operation runs inside its turn and has no timeout: make it an `async fn`, or add \
                    `blocking`";
                Err(Error::new_spanned(attribute, message))
            }
            (None, None) => Ok(Self::Turn),
        }
    }

    /// Whether the argument is the context.
    pub(super) fn is_context(self, argument: &PatType) -> Result<bool> {
        let found = &*argument.ty;
        let (inner, borrowed, mutable) = match found {
            Type::Reference(reference) => (&*reference.elem, true, reference.mutability.is_some()),
            other => (other, false, false),
        };
        let (of_turn, elsewhere) = (is_named(inner, "EntityContext"), is_named(inner, "OperationContext"));
        let message = match self {
            Self::Turn if of_turn && mutable => return Ok(true),
            Self::Async(_) | Self::Blocking(_) if elsewhere && !borrowed => return Ok(true),
            Self::Turn if of_turn => "the context is taken as `cx: &mut EntityContext<'_>`",
            Self::Turn if elsewhere => {
                "`OperationContext` is for what runs off the shard: take `cx: &mut EntityContext<'_>`, or make this an \
                 `async fn`"
            }
            Self::Async(_) | Self::Blocking(_) if of_turn || elsewhere => {
                "what runs off the shard takes its context as `cx: OperationContext`"
            }
            _ => return Ok(false),
        };
        Err(Error::new_spanned(found, message))
    }
}

impl Settings {
    fn read(&mut self, attribute: &Attribute) -> Result<()> {
        if attribute.meta.require_list().is_err() {
            let message = format!("`#[operation]` says nothing: {KNOWN}");
            return Err(Error::new_spanned(attribute, message));
        }
        attribute.parse_nested_meta(|meta| {
            let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            if self.given.contains(&key) {
                return Err(meta.error(format!("`{key}` is given twice")));
            }
            match key.as_str() {
                "timeout" => self.timeout = Some(duration::parse(&meta)?),
                "blocking" => self.blocking = true,
                _ => return Err(meta.error(format!("unknown setting: {KNOWN}"))),
            }
            self.given.push(key);
            Ok(())
        })
    }
}

fn is_named(found: &Type, name: &str) -> bool {
    matches!(found, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

fn is_setting(attribute: &Attribute) -> bool {
    attribute.path().is_ident("operation")
}

/// Takes the settings out of a block that has any: they are for the macro alone.
pub(super) fn without_settings(block: &ItemImpl) -> Option<ItemImpl> {
    let attributes = |item: &ImplItem| match item {
        ImplItem::Fn(function) => function.attrs.iter().any(is_setting),
        _ => false,
    };
    if !block.items.iter().any(attributes) {
        return None;
    }
    let mut block = block.clone();
    for item in &mut block.items {
        if let ImplItem::Fn(function) = item {
            function.attrs.retain(|attribute| !is_setting(attribute));
        }
    }
    Some(block)
}
