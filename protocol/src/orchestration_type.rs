//! How code names orchestrations that it starts: by types.

use serde::{Serialize, de::DeserializeOwned};

/// The name of an orchestration and what it takes.
///
/// It is all that is needed to start one: what it returns and what it does stands in the trait `Orchestration`, which
/// `#[orchestration]` implements beside this one, for a type of the function's name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no orchestration",
    note = "an orchestration is made by `#[orchestration]` on an `async fn`"
)]
pub trait OrchestrationType: 'static {
    /// The name under which it is recorded and found: `[a-z][a-z0-9_]{0,63}`.
    const NAME: &'static str;

    /// What it takes: `()`, a value, or a tuple of several.
    type Input: Serialize + DeserializeOwned;
}

/// What may be given where a `T` is the input: a `T`, a reference to one that is cloned, or a `&str` for a `String`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the input that is taken here, which is `{T}`",
    label = "this is no `{T}`"
)]
pub trait IntoInput<T> {
    /// The input.
    fn into_input(self) -> T;
}

impl<T> IntoInput<T> for T {
    fn into_input(self) -> T {
        self
    }
}

impl<T: Clone> IntoInput<T> for &T {
    fn into_input(self) -> T {
        self.clone()
    }
}

impl IntoInput<String> for &str {
    fn into_input(self) -> String {
        self.to_owned()
    }
}
